"""What `scons toolchain` shows: every part of the toolchain that was found, and how to get the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.run_program import decode, run
from bootimage.toolchain.rule_files import counted_files
from bootimage.toolchain.toolchain import Toolchain

# version, why this one, path
Found = tuple[str, str, str]

_VERSION = re.compile(r"\d+\.\d+[-\w.]*")


def table(toolchain: Toolchain) -> list[str]:
    """The lines of a table of the parts found, then an error with what mends it for each missing one."""
    rows: list[tuple[str, ...]] = [("part", "version", "why", "path")]
    missing = []
    for name, find in _PARTS.items():
        try:
            rows.append((name, *find(toolchain)))
        except BuildError as error:
            rows.append((name, "missing", "", ""))
            missing.append(str(error))
    return [*_aligned(rows), *missing]


def _rustc(toolchain: Toolchain) -> Found:
    version = f"{toolchain.release} ({toolchain.commit_date}, LLVM {toolchain.llvm})"
    bootstrap = ", with RUSTC_BOOTSTRAP=1" if toolchain.bootstrap else ""
    return (version, toolchain.origin + bootstrap, str(toolchain.rustc))


def _cargo(toolchain: Toolchain) -> Found:
    cargo = toolchain.cargo
    beside = cargo.parent == toolchain.rustc.parent
    version = _version(cargo, toolchain.environment(links=False), "--version")
    return (version, "beside rustc" if beside else "named, or the first found", str(cargo))


def _library_source(toolchain: Toolchain) -> Found:
    library = toolchain.library_source()
    return ("rustc's own", "RUST_SRC" if toolchain.named_library else "the toolchain's", str(library))


def _objcopy(toolchain: Toolchain) -> Found:
    objcopy = toolchain.objcopy()
    version = _version(objcopy, toolchain.objcopy_environment(), "--version")
    return (version, "OBJCOPY" if toolchain.named_objcopy else _where(toolchain, objcopy), str(objcopy))


def _linker(toolchain: Toolchain) -> Found:
    linker = toolchain.linker()
    flavor = () if linker.name.startswith("ld.lld") else ("-flavor", "gnu")
    version = _version(linker, toolchain.environment(), *flavor, "--version")
    return (version, _where(toolchain, linker), str(linker))


def _compiled_libraries(toolchain: Toolchain) -> Found:
    folder = toolchain.sysroot / "lib/rustlib"
    targets = sorted(each.name for each in folder.iterdir() if toolchain.installed_std(each.name))
    return ("rustc's own" if targets else "none", "", " ".join(targets))


def _rules(toolchain: Toolchain) -> Found:
    files = counted_files(toolchain.environ)
    untried = toolchain.rules.untried
    state = f"{untried}: not tried" if untried else "for a compiler that has been tried"
    return ("the program's own" if len(files) == 1 else "with others", state, " ".join(map(str, files)))


_PARTS: Mapping[str, Callable[[Toolchain], Found]] = {
    "rustc": _rustc,
    "cargo": _cargo,
    "library source": _library_source,
    "objcopy": _objcopy,
    "rust-lld": _linker,
    "installed std": _compiled_libraries,
    "rules": _rules,
}


def _where(toolchain: Toolchain, program: Path) -> str:
    return "the toolchain's" if program.is_relative_to(toolchain.sysroot / "lib/rustlib") else "on PATH"


def _version(program: Path, environment: Mapping[str, str], *arguments: str) -> str:
    answer = run([program, *arguments], env=environment, quiet=True).or_fail(f"{program} does not work")
    found = _VERSION.search(decode(answer.stdout))
    return found[0] if found else "unknown"


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
