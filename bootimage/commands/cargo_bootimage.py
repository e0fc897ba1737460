"""`cargo bootimage ARGS`: build the kernels as `cargo build ARGS` would, and their images.

Arguments, printed lines and files are those of the Rust program `bootimage` 0.10.5. New is `--runner`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.commands import quiet, version

if TYPE_CHECKING:
    from bootimage.cargo_cli.build_as_cargo import Executable

HELP = """\
Creates a bootable disk image from a Rust kernel

USAGE:
    cargo bootimage [BUILD_OPTS]                      Create a bootable disk image
    cargo bootimage [BUILD_OPTS] --runner [-- ARGS]   and boot it, as `bootimage runner` does

    (for other forms of usage see `bootimage --help`)

BUILD_OPTS:
    Any options of `cargo build` (see `cargo build --help`), such as --release, --bin NAME,
    --package NAME, --features LIST, --target TARGET, --manifest-path PATH. With --quiet
    nothing is printed but errors.

CONFIGURATION:
    [package.metadata.bootimage] in Cargo.toml; for building:

    # The cargo subcommand that builds the kernel, and its arguments.
    build-command = ["build"]
"""


def run(words: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Run the command with the words that follow `cargo bootimage`."""
    own, guest = _split(words)
    if {"-h", "--help"} & set(own):
        console.output(HELP)
        return 0
    if "--version" in own:
        console.output(f"{version()}\n")
        return 0
    boot = "--runner" in own
    if guest and not boot:
        raise BuildError("arguments after `--` are for the machine: they go with --runner")
    is_quiet = "--quiet" in own
    with quiet(is_quiet):
        kernels = _make([word for word in own if word != "--runner"], environ)
    return _boot(kernels, guest, is_quiet, environ) if boot else 0


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    at = list(words).index("--") if "--" in words else len(words)
    return list(words[:at]), list(words[at + 1 :])


def _make(words: Sequence[str], environ: Mapping[str, str]) -> list[Executable]:
    from bootimage.cargo_cli.build_images import make

    def tell(name: str, disk: Path) -> None:
        console.output(f"Created bootimage for `{name}` at `{disk}`\n")

    return make(words, environ, tell)


def _boot(kernels: Sequence[Executable], guest: list[str], is_quiet: bool, environ: Mapping[str, str]) -> int:
    from bootimage.commands.runner import RunnerRequest, run_kernel

    if len(kernels) != 1:
        names = ", ".join(kernel.path.name for kernel in kernels)
        raise BuildError(
            f"--runner boots one kernel, and there are {len(kernels)}: {names}", hint="--bin NAME"
        )
    request = RunnerRequest(kernels[0].path, tuple(guest), is_quiet)
    return run_kernel(request, kernels[0].manifest, environ)
