"""Try this project with compilers, and write docs/compilers.md: `python bench/compilers.py`.

Without arguments, every compiler of this machine is tried. `--suite SUITE` tries the compiler of a Debian
suite, in a root of its own: that is how a new compiler is added. `--cargo PATH` tries another cargo. A row
takes a quarter of an hour on two cores. Results are kept, so that single columns can be tried anew.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path[0] = str(PROJECT)  # instead of this folder, whose modules belong to the package `bench`

from bench import compiler_table  # noqa: E402
from bench.compiler_columns import COLUMNS, try_column  # noqa: E402
from bench.compiler_list import OF_THIS_MACHINE, Compiler, with_cargo, with_new_folder  # noqa: E402
from bench.suite_root import SuiteRoot  # noqa: E402
from bench.tried_rows import write_tried  # noqa: E402
from bootimage.base.errors import BuildError  # noqa: E402

_ROOTS = PROJECT / "tests" / ".work" / "roots"


def main() -> int:
    """Try what the command line asks for; 1 where something failed."""
    options = _options()
    if options.suite:
        return _in_suite(options)
    good = True
    with tempfile.TemporaryDirectory(prefix="compilers-") as scratch:
        for compiler in _compilers(options, Path(scratch)):
            good = _try(compiler, options.only or list(COLUMNS), Path(scratch), options.missing) and good
    compiler_table.write(PROJECT, {name: column.title for name, column in COLUMNS.items()})
    write_tried(PROJECT)
    return 0 if good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    names = list(OF_THIS_MACHINE)
    parser.add_argument("--compiler", action="append", choices=names, help="only this one of this machine")
    parser.add_argument("--suite", metavar="SUITE", help="the compiler of a Debian suite, as forky")
    parser.add_argument("--roots", type=Path, default=_ROOTS, metavar="DIR", help="where suites' roots are")
    parser.add_argument("--cargo", type=Path, metavar="PATH", help="with this cargo")
    parser.add_argument("--new-folder", action="store_true", help="with cargo's new layout of its folder")
    parser.add_argument("--only", action="append", choices=list(COLUMNS), help="only this column")
    parser.add_argument("--missing", action="store_true", help="only what has not been tried")
    parser.add_argument("--found", metavar="NAME", help="the compiler that is found, under this name")
    return parser.parse_args()


def _in_suite(options: argparse.Namespace) -> int:
    """This command once more, in the suite's root."""
    root = SuiteRoot(options.suite, options.roots / options.suite, PROJECT)
    try:
        root.make()
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    columns = [word for column in options.only or () for word in ("--only", column)]
    flags = ["--missing"] * options.missing + ["--new-folder"] * options.new_folder
    return root.python("bench/compilers.py", "--found", options.suite, *columns, *flags)


def _compilers(options: argparse.Namespace, scratch: Path) -> list[Compiler]:
    found = [Compiler(name, OF_THIS_MACHINE[name]) for name in options.compiler or OF_THIS_MACHINE]
    if options.found:
        found = [Compiler(options.found)]
    if options.cargo:
        found = [with_cargo(each, options.cargo.resolve()) for each in found]
    return [with_new_folder(each, scratch) for each in found] if options.new_folder else found


def _try(compiler: Compiler, columns: list[str], scratch: Path, missing: bool) -> bool:
    """Try the columns, keep what came of each, and say whether all is well."""
    try:
        toolchain = compiler.toolchain(PROJECT)
    except BuildError as error:
        print(f"{compiler.name}: {error}", file=sys.stderr)
        return False
    good = True
    for name in columns:
        if missing and compiler_table.is_known(PROJECT, compiler.name, toolchain, name):
            continue
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            cell = try_column(PROJECT, compiler, COLUMNS[name], Path(folder))
        print(f"{compiler.name}: {COLUMNS[name].title}: {cell.words}", flush=True)
        compiler_table.keep(PROJECT, compiler.name, toolchain, name, cell)
        good = good and cell.good
    return good


if __name__ == "__main__":
    sys.exit(main())
