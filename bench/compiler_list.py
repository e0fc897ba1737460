"""The compilers that are tried: of this machine, of a Debian suite, and with another cargo."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.context import open_context
from bootimage.toolchain.toolchain import Toolchain

OF_THIS_MACHINE: Mapping[str, Mapping[str, str]] = {
    "nightly": {"RUSTUP_TOOLCHAIN": "nightly"},
    "stable": {"RUSTUP_TOOLCHAIN": "stable"},
    "debian": {"RUSTC": "/usr/bin/rustc", "CARGO": "/usr/bin/cargo"},
}
"""The compilers of this machine by name, and the variables that choose each."""


@dataclass(frozen=True)
class Compiler:
    """A compiler to be tried: a name for the reader, and the variables that choose it."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def environ(self) -> dict[str, str]:
        """The environment of all that is run for it."""
        return {**os.environ, **self.variables}

    def toolchain(self, project: Path) -> Toolchain:
        """What it is. Raises BuildError where it is not there."""
        return open_context(project, self.environ()).toolchain


def with_cargo(compiler: Compiler, cargo: Path) -> Compiler:
    """`compiler` with another cargo, which says its own version. Raises BuildError where it is none."""
    words = subprocess.run([cargo, "--version"], capture_output=True, text=True, check=True).stdout.split()
    if words[:1] != ["cargo"]:
        raise BuildError("this is no cargo", file=cargo)
    variables = {**compiler.variables, "CARGO": str(cargo)}
    if "RUSTC" not in variables:  # to name cargo alone would leave the choice of rustc as it is
        variables["RUSTC"] = str(_rustc_of(compiler))
    return replace(compiler, name=f"{compiler.name}, cargo {words[1]}", variables=variables)


def with_new_folder(compiler: Compiler, scratch: Path) -> Compiler:
    """`compiler` whose cargo is set to the new layout of its build folder, in a cargo home of its own."""
    home = scratch / "cargo-home"
    home.mkdir(parents=True, exist_ok=True)
    users = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    for name in ("registry", "git"):
        (users / name).mkdir(parents=True, exist_ok=True)
        if not (home / name).exists():
            (home / name).symlink_to(users / name)
    (home / "config.toml").write_text("[unstable]\nbuild-dir-new-layout = true\n")
    return replace(
        compiler,
        name=f"{compiler.name}, new build folder",
        variables={**compiler.variables, "CARGO_HOME": str(home)},
    )


def _rustc_of(compiler: Compiler) -> Path:
    return compiler.toolchain(Path.cwd()).rustc
