"""Builds whose results are shared: nothing of the user's reaches them but what their keys cover.

A loader or a sysroot is made once and handed to every project of this user, and through the network cache to
colleagues. So cargo works on copies in an empty folder, with a home of its own in which there is only the
configuration that leads it to these copies; offline; in an environment that is the same for everybody.
`tests/hermetic/reach.toml` lists what could reach such a build, and why it does not.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bootimage.base import console
from bootimage.base.run_program import Finished
from bootimage.cargo.flags import encoded, remap_flags
from bootimage.cargo.own_home import make_home
from bootimage.cargo.package_files import package_files
from bootimage.cargo.run_cargo import run_cargo
from bootimage.context import BuildContext
from bootimage.toolchain.toolchain import Toolchain

# The names of the folders of a sealed build in what is compiled: crates are called what they are called
# where cargo unpacks them, whatever mirror they come from.
_NAMES = {"crates": "/cargo/registry/src/index.crates.io-1949cf8c6b5b557f", "source": "/bootloader"}

# cargo would remove what was not used for long from a home that it takes for its own.
_ALWAYS = {"net": {"offline": True}, "cache": {"auto-clean-frequency": "never"}}


def copy_source(source: Path, folder: Path) -> Path:
    """Copy the package (or workspace) in the folder `source` to `folder`/source, and return that folder.

    Copied is what is declared as input of its build. As it lies there, no manifest and no configuration is
    above it: it belongs to no workspace but its own.
    """
    copy = folder / "source"
    for name in package_files(str(source), other_packages=True)[0]:
        target = copy / Path(name).relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(name, target)
    _stand_alone(copy / "Cargo.toml")
    return copy


def _stand_alone(manifest: Path) -> None:
    from bootimage.base.toml_file import read_toml

    if "workspace" not in read_toml(manifest).data:
        manifest.write_text(manifest.read_text(encoding="utf-8") + "\n[workspace]\n", encoding="utf-8")


def sealed_flags(toolchain: Toolchain, folder: Path, name: str = "/build") -> list[str]:
    """Flags for rustc with which no path of this machine gets into what is built in `folder`."""
    names = {folder / each: seen for each, seen in _NAMES.items()}
    return remap_flags(toolchain, {folder: name, **names})


def run_sealed(
    context: BuildContext,
    folder: Path,
    command: Sequence[str],
    flags: Sequence[str],
    config: Mapping[str, Any],
    *,
    step: console.Step | None,
    variables: Mapping[str, str] | None = None,
) -> Finished:
    """Run cargo's `command` in the empty folder `folder` with these `flags` for rustc.

    `config` says where the crates are, `variables` are added to the environment.
    """
    home = make_home(folder, {**_ALWAYS, **config}, None)
    environment = {
        **context.toolchain.sealed_environment(),
        **context.jobs.environment(),
        **(variables or {}),
        **home.environment,
        "CARGO_ENCODED_RUSTFLAGS": encoded(flags),
    }
    words = [str(context.toolchain.cargo), *command]
    return run_cargo(words, env=environment, cwd=home.working_directory, step=step)
