"""A kernel project in a scratch folder: made anew, built, edited. Ours and the peers' look alike here."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Command, Cost, Failed

# Results of builds, and what editors and checkers leave behind, are no part of a project.
_IGNORED = shutil.ignore_patterns("build", "target", "__pycache__", ".sconsign*", ".*_cache", ".venv")


@dataclass(frozen=True)
class Project:
    """A project of a kernel, whose file `source` has one hexadecimal number after the text `number_after`.

    An edit changes that number. `create` puts the sources into `folder`; `manifest` is where cargo begins;
    `images` are the patterns of what a build makes.
    """

    name: str
    folder: Path
    create: Callable[[Path], None]
    manifest: str
    argv: Sequence[str | Path]
    env: Mapping[str, str]
    source: str
    number_after: str
    images: Sequence[str]

    def anew(self) -> None:
        """Make the folder as a user finds it before the first build."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.create(self.folder)

    def is_built(self) -> bool:
        """Whether all images are there."""
        return all(any(self.folder.glob(pattern)) for pattern in self.images)

    def build(self) -> Cost:
        """Build, and measure it. Raises Failed where that leaves an image out."""
        cost = self._command().run()
        if not self.is_built():
            raise Failed(f"{self.name}: no {' or '.join(self.images)} after the build")
        return cost

    def output(self) -> str:
        """What the last build wrote."""
        return self._command().output()

    def _command(self) -> Command:
        return Command(self.argv, self.folder, self.env, self.folder.with_suffix(".log"))

    def build_edited(self) -> Cost:
        """Change the number to another one, then build; the images must have changed with it."""
        return self.edited(self.build)

    def edited(self, build: Callable[[], Cost]) -> Cost:
        """Change the number, and `build` by any means; the images must have changed with it."""
        before = self._digests()
        self._edit()
        cost = build()
        if self._digests() == before:
            raise Failed(f"{self.name}: the edit of {self.source} is in no image")
        return cost

    def ensure_built(self) -> None:
        """Build today's sources without measuring, with what an earlier run has left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.create(self.folder)
        self.build()

    def _edit(self) -> None:
        path = self.folder / self.source
        pattern = rf"({re.escape(self.number_after)})0x([0-9a-f]+)"
        text, count = re.subn(pattern, _next_value, path.read_text())
        if count != 1:
            raise Failed(f"{self.source} has not one `{self.number_after}0x..`")
        path.write_text(text)

    def _digests(self) -> set[str]:
        files = [file for pattern in self.images for file in self.folder.glob(pattern)]
        return {hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _next_value(match: re.Match[str]) -> str:
    return f"{match[1]}{(int(match[2], 16) + 1) % 256:#04x}"


def copy_sources(source: Path, folder: Path) -> None:
    """Copy a folder's sources into another; they count as just written, as in a clone."""
    shutil.copytree(source, folder, ignore=_IGNORED, copy_function=shutil.copy, dirs_exist_ok=True)


def environment(**more: str) -> dict[str, str]:
    """What every command gets: little of the user's own environment, the nightly toolchain, no network.

    The registry's crates have been fetched before, so that nobody's download is measured.
    """
    kept = ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "TMPDIR")
    own = {name: os.environ[name] for name in kept if name in os.environ}
    return {**own, "LC_ALL": "C.UTF-8", "RUSTUP_TOOLCHAIN": "nightly", "CARGO_NET_OFFLINE": "true", **more}
