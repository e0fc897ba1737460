"""KernelTest: a cargo package -> an alias that boots every one of its tests, and tells how they ended.

    env.KernelTest("test-kernel", "kernel")
    env.KernelTest("test-shell", "shell", CONVERSATIONS={
        "prompt": [env.Expect("ready"), env.Send("help"), env.Expect("commands")],
    })

Each test is an executable of `cargo test`, then an image, then a result for each firmware: a file that is
there only if the test has passed, so a test runs again when its image has changed or it had failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Script

from . import (
    env_context,
    kernel_builder,
    kernel_node,
    kernel_test_runner,
    node_actions,
    scons_types,
    user_errors,
    variable_types,
    variable_values,
)
from .scons_types import Env
from .variables import _DEFAULTS

if TYPE_CHECKING:
    from bootimage.base.errors import BuildError
    from bootimage.cargo.manifest import Package
    from bootimage.kernel_test.conversation import Expect, Pass, Send, Talk
    from bootimage.kernel_test.find_tests import KernelTest, RunSettings


def generate(env: Env) -> None:
    """Add the method KernelTest(alias, package) to `env`, and what conversations are made of."""
    scanner = SCons.Scanner.ScannerBase(function=kernel_builder.scan, name="KernelTestScanner")
    env.Append(
        BUILDERS={
            "_KernelTestBuild": node_actions.builder(_BUILD, target_scanner=scanner),
            "_KernelTestRun": env.Builder(action=kernel_test_runner.RUN, single_source=True),
        }
    )
    env.SetDefault(**{name: value.copy() if value else value for name, value in _DEFAULTS.items()})
    user_errors.add_method(env, kernel_test, "KernelTest")
    user_errors.add_method(env, _expect, "Expect")
    user_errors.add_method(env, _send, "Send")
    env.AddMethod(_pass, "Pass")


def _expect(_env: Any, pattern: str, limit: float = 60.0) -> Expect:
    from bootimage.kernel_test.conversation import Expect

    return Expect(pattern, limit)


def _send(_env: Any, text: str, end: str = "\n") -> Send:
    from bootimage.kernel_test.conversation import Send

    return Send(text, end)


def _pass(_env: Any) -> Pass:
    from bootimage.kernel_test.conversation import Pass

    return Pass()


def kernel_test(env: Env, alias: str, package: Any, **overrides: Any) -> Any:
    """The alias that runs the tests of a cargo package: a folder, a Cargo.toml, or a kernel of RustKernel's.

    Tests are built as the kernel is, where one is given, and else as `env` says. Construction variables
    may be given as keywords. Raises UserError for a package that cannot be read, and for a conversation
    with a test that there is not. Of a package without tests, only the alias says so: other goals need none.
    """
    from bootimage.kernel_test.conversation import Talk
    from bootimage.kernel_test.find_tests import run_settings

    variable_types.check_text("the alias of KernelTest", alias)
    if kernel_node.is_stand_in(package):
        return env.Alias(alias, [])
    env = kernel_node.as_built(env, package)
    env = env.Override(overrides) if overrides else env
    manifest = kernel_node.manifest_of(env, package)
    env = kernel_node.settled(env, manifest)
    described = kernel_node.described_in(env, manifest)
    if described is None:
        return env.Alias(alias, [])
    with user_errors.user_errors():
        tests = _tests(env, described)
        settings = run_settings(described, _limit(env))
    if not tests:
        return kernel_test_runner.refusal(env, alias, _no_tests(described))
    executables = _executables(env, manifest, described, tests)
    talks = _talks(env, tests)
    results = []
    for test in _chosen(tests):
        for image in _images(env, executables[test.name]):
            results += _result(env, test, image, settings, talks.get(test.name, Talk()))
    return kernel_test_runner.summary_alias(env, alias, results, [test.name for test in tests])


def _tests(env: Env, package: Package) -> tuple[KernelTest, ...]:
    from bootimage.kernel_test.find_tests import find_tests

    features = variable_values.words(env["RUST_FEATURES"])
    return find_tests(package, features, default_features=bool(env["RUST_DEFAULT_FEATURES"]))


def _no_tests(package: Package) -> BuildError:
    return package.file.error(
        f"{package.name} has nothing that `cargo test` builds",
        hint="add a test: tests/boot.rs, or unit tests with `#![feature(custom_test_frameworks)]`",
    )


def _limit(env: Env) -> float | None:
    asked = env.get("KERNEL_TEST_TIMEOUT")
    if asked is None:
        return None
    try:
        seconds = float(env.subst(str(asked)))
    except ValueError:
        seconds = 0.0
    if seconds > 0:
        return seconds
    raise SCons.Errors.UserError(f"KERNEL_TEST_TIMEOUT must be a number of seconds, found {asked!r}")


def _executables(env: Env, manifest: Path, package: Package, tests: tuple[KernelTest, ...]) -> dict[str, Any]:
    """The node of each test's executable by the test's name: one builder makes them all."""
    where = kernel_node.target_of(env)
    above = kernel_node.result_folder(env, where)
    folder = above.Dir("tests").Dir(package.name)
    sources = [kernel_node.manifest_node(env, manifest), *kernel_node.prerequisites(env, where)]
    nodes = env._KernelTestBuild([folder.File(test.name) for test in tests], sources)
    for node, test in zip(nodes, tests, strict=True):
        node.attributes.rust_kernel = kernel_node.Kernel(manifest, package, node.name, where, is_test=True)
        node.attributes.kernel_test = test
    env.Clean(nodes, kernel_node.cargo_folder(above, package))
    beside = _kernels(above, package)
    _keep_apart(env, above, package, [*nodes, *beside])
    for node in beside:  # whoever takes the kernel away takes its tests away
        env.Clean(node, folder)
    return {test.name: node for test, node in zip(tests, nodes, strict=True)}


def _kernels(folder: Any, package: Package) -> list[Any]:
    """The package's kernels that RustKernel builds in `folder`."""
    named = [folder.File(binary.name) for binary in package.binaries]
    return [node for node in named if kernel_node.kernel_of(node) is not None]


def _keep_apart(env: Env, folder: Any, package: Package, nodes: list[Any]) -> None:
    """Two cargos in one folder wait for each other; so SCons must not run them at once."""
    env.SideEffect(kernel_node.cargo_folder(folder, package).File(".lock"), nodes)


def _talks(env: Env, tests: tuple[KernelTest, ...]) -> dict[str, Talk]:
    from bootimage.kernel_test.conversation import talk
    from bootimage.kernel_test.find_tests import select

    talks = {}
    for name, steps in _conversations(env).items():
        found = select(tests, name)
        if not found:
            known = ", ".join(test.name for test in tests)
            raise SCons.Errors.UserError(f"CONVERSATIONS: there is no test {name!r}; the tests are: {known}")
        try:
            talks.update({test.name: talk(steps) for test in found})
        except ValueError as error:
            raise SCons.Errors.UserError(f"CONVERSATIONS[{name!r}]: {error}") from None
    return talks


def _conversations(env: Env) -> dict[str, Any]:
    given = env["CONVERSATIONS"]
    if isinstance(given, dict) and all(isinstance(name, str) for name in given):
        return given
    raise SCons.Errors.UserError(
        f"CONVERSATIONS must be a dictionary, the name of a test -> a list of steps, found {given!r}"
    )


def _chosen(tests: tuple[KernelTest, ...]) -> tuple[KernelTest, ...]:
    from bootimage.kernel_test.find_tests import select

    pattern = SCons.Script.ARGUMENTS.get("TEST")
    return tests if pattern is None else select(tests, pattern)


def _images(env: Env, executable: Any) -> Iterator[Any]:
    """The disks of a test, on the firmwares that are wanted and that its loader knows."""
    wanted = variable_values.words(env["KERNEL_TEST_FIRMWARE"])
    disks = {image.attributes.boot_image: image for image in env.BootImage(executable)}
    found = [disks[name] for name in wanted if name in disks]
    if not found:
        raise SCons.Errors.UserError(
            f"KERNEL_TEST_FIRMWARE is {wanted}, but {executable} boots on: "
            + ", ".join(name for name in disks if name in ("bios", "uefi"))
        )
    yield from found


def _result(env: Env, test: KernelTest, image: Any, settings: RunSettings, spoken: Talk) -> Any:
    firmware = image.attributes.boot_image
    result = image.dir.File(f"{test.name}-{firmware}.passed")
    result.attributes.guest = kernel_test_runner.Guest(
        f"{test.name} ({firmware})", firmware, settings, spoken
    )
    env._KernelTestRun(result, image)
    kernel_test_runner.distrust_damage(env, result)
    # Another machine's success is no reason to skip a test here.
    env.NoCache(result)
    env.Clean(result, [kernel_test_runner.serial_log(result), kernel_test_runner.screenshot(result)])
    return [result]


def _build(target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> None:
    from bootimage.base.write_files import copy_whole
    from bootimage.kernel_test.build_tests import build_tests

    about = kernel_node.kernel_of(target[0])
    assert about is not None
    folder = kernel_node.cargo_folder(kernel_node.result_folder(env, about.target), about.package)
    build = replace(kernel_builder.crate_build(env, target, about), bins=(), target_dir=Path(folder.abspath))
    declared = kernel_builder.declared_paths(target[0])
    tests = [node.attributes.kernel_test for node in target]
    built = build_tests(env_context.context(env), build, tests, declared)
    for node in target:
        copy_whole(built[node.attributes.kernel_test.name], Path(node.abspath))


def _label(target: scons_types.Nodes, _source: scons_types.Nodes, _env: Any) -> str:
    return f"Compiling the tests {', '.join(node.name for node in target)} into {target[0].dir}"


_BUILD = node_actions.action("kernel test", _build, _label, kernel_builder.signature, "RUSTKERNELTESTCOMSTR")
