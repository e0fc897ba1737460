"""The jobs that a parallel build may run at once, shared by our own steps and every cargo they start.

GNU make's job server protocol, in its FIFO form: the named pipe holds one byte for each free job.
Whoever starts a compiler takes a byte first and puts it back afterwards; cargo does so by itself for
every compiler but its first, which runs on the job that its parent took.
(Source: GNU make manual, "POSIX Jobserver Interaction".)
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class JobServer:
    """A pipe with `jobs` tokens. The environment that hands it on is `environment()`."""

    def __init__(self, jobs: int) -> None:
        if jobs < 1:
            raise ValueError(f"a build needs at least one job, not {jobs}")
        self.jobs = jobs
        self._folder = tempfile.mkdtemp(prefix="jobserver-")
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self._path = Path(self._folder, "fifo")
        os.mkfifo(self._path, 0o600)
        # Opened for both ends, so that neither opening nor reading ends when a client goes away.
        self._pipe = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        os.write(self._pipe, b"+" * jobs)

    def environment(self) -> dict[str, str]:
        """The variable that tells cargo (and make) where the tokens are."""
        return {"MAKEFLAGS": f" -j{self.jobs} --jobserver-auth=fifo:{self._path}"}

    @contextmanager
    def job(self) -> Iterator[None]:
        """Hold one token while the body runs; waits until one is free.

        In the body nothing may ask for a job, or wait for what needs one: it might be the last.
        """
        token = os.read(self._pipe, 1)
        try:
            yield
        finally:
            os.write(self._pipe, token)
