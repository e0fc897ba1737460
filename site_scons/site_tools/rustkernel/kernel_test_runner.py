"""What KernelTest does when it acts: boot an image, judge it, and sum up at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Script

from bootimage.base import child_processes, console
from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass

from . import env_context, node_actions, run_qemu, scons_types, user_errors, variable_values
from .scons_types import Env

if TYPE_CHECKING:
    from bootimage.kernel_test.conversation import Talk
    from bootimage.kernel_test.find_tests import RunSettings
    from bootimage.kernel_test.run_tests import GuestTest
    from bootimage.kernel_test.verdict import Result
    from bootimage.machine.qemu import Machine


@dataclass(frozen=True)
class Guest:
    """What a result's node is about: the test's `label` for the user, its firmware, how it is run."""

    label: str
    firmware: str
    settings: RunSettings
    talk: Talk


def summary_alias(env: Env, alias: str, results: list[Any], names: list[str]) -> Any:
    """The alias that builds the `results` and sums up; `names` are all tests that there are."""
    if SCons.Script.GetOption("kernel_test_rerun"):
        env.AlwaysBuild(results)

    def sum_up(target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> int:
        if not results:
            raise _no_such_test(names)
        return _sum_up(env, str(target[0]), results)

    return node_actions.goal(env, alias, results, sum_up, f"boot the kernel's tests, {len(names)} of them")


def refusal(env: Env, alias: str, problem: BuildError) -> Any:
    """The alias that tells why there is nothing to test."""

    def tell(_target: scons_types.Nodes, _source: scons_types.Nodes, _env: Any) -> int:
        raise problem

    return node_actions.goal(env, alias, [], tell, "boot the kernel's tests, of which there are none")


def _no_such_test(names: list[str]) -> BuildError:
    from bootimage.base.errors import closest

    asked = str(SCons.Script.ARGUMENTS.get("TEST"))
    near = closest(asked, names)
    hint = f"did you mean TEST={near}?" if near else None
    return BuildError(f"there is no test {asked!r}; the tests are: {', '.join(names)}", hint=hint)


def _sum_up(env: Env, name: str, nodes: list[Any]) -> int:
    from bootimage.kernel_test.verdict import describe, summary

    fresh = [getattr(node.attributes, "result", None) for node in nodes]
    results = [known or _earlier(node) for known, node in zip(fresh, nodes, strict=True)]
    for result in results:
        if not result.passed:
            console.announce(describe(result))
    again = f" ({fresh.count(None)} unchanged since they passed)" if None in fresh else ""
    console.announce(f"{name}: {summary(results)}{again}")
    _write_junit(env, name, results)
    return 0 if all(result.passed for result in results) else 1


def _earlier(node: Any) -> Result:
    from bootimage.kernel_test.passed_test import read_pass

    if result := read_pass(Path(node.abspath)):
        return result
    raise BuildError("the memory of a test cannot be read", file=node.abspath, hint="run the tests again")


def distrust_damage(env: Env, node: Any) -> None:
    """Have the test run whose memory `node` is, where that cannot be read: what is there is no success."""
    path = Path(node.abspath)
    if not path.exists():
        return
    from bootimage.kernel_test.passed_test import read_pass

    if read_pass(path) is None:
        env.AlwaysBuild(node)


def _write_junit(env: Env, suite: str, results: list[Result]) -> None:
    from bootimage.kernel_test.junit import write_junit

    asked = SCons.Script.GetOption("kernel_test_junit")
    if asked is None and env.get("KERNEL_TEST_JUNIT"):
        with user_errors.no_mix_ups("KERNEL_TEST_JUNIT"):
            asked = env.File(env["KERNEL_TEST_JUNIT"]).abspath
    if asked is not None:
        # What is typed is relative to where it is typed; the build itself may be elsewhere (scons -u).
        path = Path(SCons.Script.GetLaunchDir(), asked)
        write_junit(results, suite, path)
        console.announce(f"JUnit XML: {path}")


def serial_log(result: Any) -> Any:
    """The file that keeps what the guest of a result wrote to its serial line."""
    return result.dir.File(f"{Path(result.name).stem}.serial")


def screenshot(result: Any) -> Any:
    """The file with the last picture of a failed guest's screen."""
    return result.dir.File(f"{Path(result.name).stem}.png")


def _run(target: scons_types.Nodes, source: scons_types.Nodes, env: Env) -> None:
    from bootimage.kernel_test.passed_test import write_pass
    from bootimage.kernel_test.run_tests import run_kernel_test

    node = target[0]
    Path(node.abspath).unlink(missing_ok=True)
    test = _guest_test(env, node, Path(source[0].abspath))
    with env_context.context(env).jobs.job():
        result = run_kernel_test(test, child_processes.interrupted)
    node.attributes.result = result
    # A failure is told at the end, with those of the other tests. Without its file the test runs again.
    if result.passed:
        write_pass(result, Path(node.abspath))


def _guest_test(env: Env, node: Any, image: Path) -> GuestTest:
    from bootimage.kernel_test.run_tests import GuestTest

    guest = node.attributes.guest
    return GuestTest(
        guest.label,
        _machine(env, guest, image),
        limit=guest.settings.limit,
        success_code=guest.settings.success_code,
        conversation=guest.talk.steps,
        conversation_passes=guest.talk.passes,
        serial_log=Path(serial_log(node).abspath),
        screenshot=Path(screenshot(node).abspath),
    )


def _machine(env: Env, guest: Guest, image: Path) -> Machine:
    plain = run_qemu.machine(env, image, guest.firmware)
    return replace(plain, extra=(*plain.extra, *guest.settings.arguments))


def _label(target: scons_types.Nodes, _source: scons_types.Nodes, _env: Any) -> str:
    return f"Testing {target[0].attributes.guest.label}"


def _signature(target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> str:
    return f"{target[0].attributes.guest} {variable_values.words(env['QEMUFLAGS'])}"


RUN = node_actions.action("test run", _run, _label, _signature, "KERNELTESTCOMSTR")
