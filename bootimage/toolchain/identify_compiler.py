"""What the programs called rustc and cargo say of themselves: another program may go by these names.

A program that ends well and is neither would else be found out much later, by what it did not make.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.private_programs import is_private
from bootimage.toolchain.clean_environment import compile_variables
from bootimage.toolchain.fact_cache import open_probe
from bootimage.toolchain.find_compiler import FoundCompiler

_LONGEST = 60


def check_compiler(found: FoundCompiler, identity: str, sysroot: str) -> None:
    """Raise BuildError for answers to `-vV` and `--print=sysroot` that are not a Rust compiler's."""
    if not any(line.startswith("release: ") for line in identity.splitlines()):
        said = f"`-vV` printed {_shown(identity)}, and no line `release: ...`"
    elif not Path(sysroot).is_absolute():
        said = f"`--print=sysroot` printed {_shown(sysroot)}, and no folder"
    else:
        return
    raise BuildError(
        f"{found.rustc} is no Rust compiler: {said}",
        hint=f"it was taken for one because of {found.origin}: name the path of rustc there, or nothing",
    )


def check_cargo(cargo: Path, version: str) -> None:
    """Raise BuildError for an answer to `--version` that is not cargo's."""
    if version.startswith("cargo "):
        return
    raise BuildError(
        f"{cargo} is no cargo: `--version` printed {_shown(version)}, and not `cargo 1...`",
        hint="let CARGO name the path of cargo, or nothing: then it is looked for",
    )


def _shown(text: str) -> str:
    first, _, rest = text.strip().partition("\n")
    cut = len(first) > _LONGEST or rest
    return f"`{first[:_LONGEST]}{'...' if cut else ''}`" if first else "nothing"


def ask_compiler(found: FoundCompiler, environ: Mapping[str, str]) -> tuple[Path, str]:
    probe, files = open_probe(environ), [found.rustc]

    def ask(argument: str) -> str:
        return _ask(found.rustc, argument, "a Rust compiler", environ)

    # A script that starts another compiler would not show by its own stamp that this one was replaced:
    # it is asked anew by every run.
    keep = _is_compiler_itself(found.rustc) or is_private(found.rustc, environ)
    sysroot = probe.recall("sysroot", files, lambda: ask("--print=sysroot").strip(), keep=keep)
    identity = probe.recall("rustc -vV", files, lambda: ask("-vV"), keep=keep)
    check_compiler(found, identity, sysroot)
    return Path(sysroot), identity


def ask_cargo(cargo: Path, environ: Mapping[str, str]) -> str:
    """What a cargo says of its version. Raises BuildError for a program that is none."""

    def ask() -> str:
        return _ask(cargo, "--version", "cargo", environ)

    keep = not _is_script(cargo) or is_private(cargo, environ)
    version = open_probe(environ).recall("cargo --version", [cargo], ask, keep=keep)
    check_cargo(cargo, version)
    return version


def _ask(program: Path, argument: str, what: str, environ: Mapping[str, str]) -> str:
    from bootimage.base.run_program import decode, run

    answer = run([program, argument], env=_bare(environ), quiet=True)
    return decode(answer.or_fail(f"{program} does not work as {what}").stdout)


def _is_compiler_itself(rustc: Path) -> bool:
    return not _is_script(rustc) and (rustc.resolve().parent.parent / "lib/rustlib").is_dir()


def _is_script(program: Path) -> bool:
    with program.open("rb") as file:
        return file.read(2) == b"#!"


def _bare(environ: Mapping[str, str]) -> dict[str, str]:
    return {**compile_variables(environ), "PATH": environ.get("PATH") or os.defpath}
