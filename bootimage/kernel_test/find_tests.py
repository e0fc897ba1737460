"""The tests of a kernel's package: which there are, what users call them, and how each is run.

A test is one executable of `cargo test`: the unit tests of the library or of a binary (by way of
`custom_test_frameworks`), or an integration test, with or without a harness. Documentation tests are
cargo's own affair: they make no executable that could boot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from bootimage.base.lazy_dataclass import dataclass
from bootimage.cargo.crates import Crate
from bootimage.cargo.manifest import Package
from bootimage.cargo.metadata_tables import bootimage_settings
from bootimage.machine.qemu import SUCCESS_CODE

_MAY_REBOOT = ("-action", "reboot=reset")
"""What lets a guest reset and go on, where a test asks for it: `test-no-reboot = false`."""


@dataclass(frozen=True)
class KernelTest:
    """One test: `name` is unique in its package; `crate` is what cargo builds it from."""

    name: str
    crate: Crate

    @property
    def selector(self) -> tuple[str, ...]:
        """The arguments by which cargo builds this one."""
        return ("--lib",) if self.crate.kind == "lib" else (f"--{self.crate.kind}", self.crate.name)


@dataclass(frozen=True)
class RunSettings:
    """How a package's tests are run: QEMU's further `arguments`, the time limit in seconds, and the exit
    code of QEMU that means success. The defaults are bootimage's, but for the code: without a word of the
    kernel's it is 33, since 0 is what a guest that resets ends QEMU with.
    """

    arguments: tuple[str, ...] = ()
    limit: float = 300.0
    success_code: int = SUCCESS_CODE


def find_tests(
    package: Package, features: Iterable[str] = (), *, default_features: bool = True
) -> tuple[KernelTest, ...]:
    """The tests that `cargo test` builds of the package with these features, in cargo's order.

    The library's is called `lib`, a binary's `bin-NAME` (an example's and a benchmark's likewise), and an
    integration test goes by its own name.
    """
    enabled = _enabled(package, features, default_features)
    built = [each for each in package.crates if each.test and enabled.issuperset(each.required_features)]
    taken = {_kind_name(crate) for crate in built if crate.kind != "test"}
    return tuple(KernelTest(_name(crate, taken), crate) for crate in built)


def select(tests: Sequence[KernelTest], pattern: str) -> tuple[KernelTest, ...]:
    """The tests whose name, or whose crate's name, matches the pattern (with `*` and `?`)."""
    return tuple(
        each for each in tests if fnmatchcase(each.name, pattern) or fnmatchcase(each.crate.name, pattern)
    )


def run_settings(package: Package, limit: float | None = None) -> RunSettings:
    """How to run the package's tests: by its `[package.metadata.bootimage]`, with the user's `limit`."""
    settings = bootimage_settings(package.file)
    code = settings.test_success_exit_code
    return RunSettings(
        arguments=(*settings.test_args, *(() if settings.test_no_reboot else _MAY_REBOOT)),
        limit=settings.test_timeout if limit is None else limit,
        success_code=SUCCESS_CODE if code is None else code,
    )


def _name(crate: Crate, taken: set[str]) -> str:
    if crate.kind != "test":
        return _kind_name(crate)
    return f"test-{crate.name}" if crate.name in taken else crate.name


def _kind_name(crate: Crate) -> str:
    return "lib" if crate.kind == "lib" else f"{crate.kind}-{crate.name}"


def _enabled(package: Package, features: Iterable[str], default_features: bool) -> set[str]:
    """The features that are on, with those that they turn on."""
    table = package.file.table("features")
    waiting = [name for each in features for name in each.split(",")]
    waiting += ["default"] if default_features else []
    enabled: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in enabled:
            enabled.add(name)
            waiting += package.file.strings("features", name) if name in table else ()
    return enabled
