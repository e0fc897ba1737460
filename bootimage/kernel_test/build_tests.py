"""Build the tests of a kernel's package: one `cargo test --no-run` for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bootimage.base.errors import BuildError
from bootimage.cargo.messages import artifacts
from bootimage.context import BuildContext
from bootimage.kernel.build_kernel import compile_declared
from bootimage.kernel.crate_build import CrateBuild
from bootimage.kernel_test.find_tests import KernelTest

# cargo's own profile for what it tests; it inherits from `dev`, and lies in the same folder.
_TEST_PROFILE = {"dev": "test"}


def build_tests(
    context: BuildContext,
    build: CrateBuild,
    tests: Sequence[KernelTest],
    declared: Sequence[Path],
) -> dict[str, Path]:
    """Build the `tests` of the package that `build` describes; their executables by the test's name.

    `declared` is as in `compile_declared`. Raises BuildError where cargo fails, or does not make what the
    manifest promises.
    """
    selectors = [word for test in tests for word in test.selector]
    asked = replace(
        build,
        bins=(),
        profile=_TEST_PROFILE.get(build.profile, build.profile),
        cargoflags=(*build.cargoflags, "--no-run", *selectors),
    )
    messages = compile_declared(context, asked, "test", declared)
    made = filter(_is_test, artifacts(messages))
    built = {_identity(message): Path(message["executable"]) for message in made}
    return {test.name: _executable(build, built, test) for test in tests}


def _is_test(message: dict[str, Any]) -> bool:
    """True for a test: beside them, cargo builds the binaries that integration tests may start."""
    return bool(message.get("executable")) and bool(message["profile"]["test"])


def _identity(message: dict[str, Any]) -> tuple[str, str]:
    """Kind and name of the crate; every kind of library is one."""
    kind, name = message["target"]["kind"][0], message["target"]["name"]
    return (kind if kind in ("bin", "test", "example", "bench") else "lib", name)


def _executable(build: CrateBuild, built: dict[tuple[str, str], Path], test: KernelTest) -> Path:
    found = built.get((test.crate.kind, test.crate.name))
    if found is None:
        names = ", ".join(sorted(name for _kind, name in built)) or "none"
        raise BuildError(
            f"cargo built no test of the {test.crate.kind} `{test.crate.name}`; it built: {names}",
            file=build.manifest,
        )
    return found
