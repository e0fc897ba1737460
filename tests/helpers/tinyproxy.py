"""A real proxy on a free port of the loopback. Debian's package: tinyproxy-bin."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from child_processes import started
from nginx import free_port, wait_for_port

_CONFIGURATION = """
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
LogFile "{folder}/log"
LogLevel Connect
{login}
"""


@dataclass(frozen=True)
class Proxy:
    """A proxy that listens on `port`."""

    port: int
    log: Path

    def requests(self) -> list[str]:
        """The first line of each request that it was asked to pass on."""
        lines = self.log.read_text().splitlines()
        return [line.partition("): ")[2] for line in lines if "Request (" in line]


@contextmanager
def proxying(folder: Path, login: tuple[str, str] | None = None) -> Iterator[Proxy]:
    """Run it, asking for the user and password of `login`."""
    program = shutil.which("tinyproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "tinyproxy is missing: apt-get install -y --no-install-recommends tinyproxy-bin"
    folder.mkdir()
    proxy = Proxy(free_port(), folder / "log")
    asked = f"BasicAuth {login[0]} {login[1]}" if login else ""
    (folder / "conf").write_text(_CONFIGURATION.format(port=proxy.port, folder=folder, login=asked))
    with started([program, "-d", "-c", folder / "conf"], stdout=subprocess.DEVNULL) as process:
        wait_for_port(proxy.port, process, proxy.log)
        yield proxy
