"""What KernelTest does when it acts: boot an image, judge it, and sum up at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Errors
import SCons.Script

from bootimage import running
from bootimage.dataclass import dataclass
from bootimage.errors import BuildError

from . import face, run

if TYPE_CHECKING:
    from bootimage.kernel_test import RunSettings, Talk
    from bootimage.machine.guest_test import GuestTest
    from bootimage.machine.qemu import Machine
    from bootimage.machine.verdict import Result


@dataclass(frozen=True)
class Guest:
    """What a result's node is about: the test's `label` for the user, its firmware, how it is run."""

    label: str
    firmware: str
    settings: RunSettings
    talk: Talk


def add_options() -> None:
    """Add `--rerun` and `--junit=FILE` to the command line, once however many environments load the tool."""
    _add_option(
        "--rerun",
        dest="kernel_test_rerun",
        action="store_true",
        default=False,
        help="Run all kernel tests, those too whose image has not changed since they passed.",
    )
    _add_option(
        "--junit",
        dest="kernel_test_junit",
        metavar="FILE",
        nargs=1,
        type="string",
        default=None,
        help="Write the results of the kernel tests to FILE as JUnit XML.",
    )


def _add_option(name: str, **about: Any) -> None:
    try:
        SCons.Script.AddOption(name, **about)
    except Exception as error:  # SCons's own optparse: a name that is taken already
        if "conflict" not in type(error).__name__.lower():
            raise


def summary_alias(env: Any, alias: str, results: list[Any], names: list[str]) -> Any:
    """The alias that builds the `results` and sums up; `names` are all tests that there are."""
    if SCons.Script.GetOption("kernel_test_rerun"):
        env.AlwaysBuild(results)

    def sum_up(target: face.Nodes, _source: face.Nodes, env: Any) -> int:
        if not results:
            raise _no_such_test(names)
        return _sum_up(env, str(target[0]), results)

    return face.goal(env, alias, results, sum_up)


def refusal(env: Any, alias: str, problem: BuildError) -> Any:
    """The alias that tells why there is nothing to test."""

    def tell(_target: face.Nodes, _source: face.Nodes, _env: Any) -> int:
        raise problem

    return face.goal(env, alias, [], tell)


def _no_such_test(names: list[str]) -> BuildError:
    from bootimage.spelling import closest

    asked = str(SCons.Script.ARGUMENTS.get("TEST"))
    near = closest(asked, names)
    hint = f"did you mean TEST={near}?" if near else None
    return BuildError(f"there is no test {asked!r}; the tests are: {', '.join(names)}", hint=hint)


def _sum_up(env: Any, name: str, nodes: list[Any]) -> int:
    from bootimage.kernel_test_run import read_pass
    from bootimage.machine.verdict import describe, summary

    fresh = [getattr(node.attributes, "result", None) for node in nodes]
    results = [known or read_pass(Path(node.abspath)) for known, node in zip(fresh, nodes, strict=True)]
    for result in results:
        if not result.passed:
            face.say_now(describe(result))
    again = f" ({fresh.count(None)} unchanged since they passed)" if None in fresh else ""
    face.say_now(f"{name}: {summary(results)}{again}")
    _write_junit(env, name, results)
    return 0 if all(result.passed for result in results) else 1


def _write_junit(env: Any, suite: str, results: list[Result]) -> None:
    from bootimage.machine.junit import write_junit

    asked = SCons.Script.GetOption("kernel_test_junit")
    if asked is None and env.get("KERNEL_TEST_JUNIT"):
        with face.no_mix_ups("KERNEL_TEST_JUNIT"):
            asked = env.File(env["KERNEL_TEST_JUNIT"]).abspath
    if asked is not None:
        # What is typed is relative to where it is typed; the build itself may be elsewhere (scons -u).
        path = Path(SCons.Script.GetLaunchDir(), asked)
        write_junit(results, suite, path)
        face.say_now(f"JUnit XML: {path}")


def serial_log(result: Any) -> Any:
    """The file that keeps what the guest of a result wrote to its serial line."""
    return result.dir.File(f"{Path(result.name).stem}.serial")


def screenshot(result: Any) -> Any:
    """The file with the last picture of a failed guest's screen."""
    return result.dir.File(f"{Path(result.name).stem}.png")


def _run(target: face.Nodes, source: face.Nodes, env: Any) -> None:
    from bootimage.kernel_test_run import run_kernel_test, write_pass

    node = target[0]
    Path(node.abspath).unlink(missing_ok=True)
    test = _guest_test(env, node, Path(source[0].abspath))
    with face.context(env).jobs.job():
        result = run_kernel_test(test, running.interrupted)
    node.attributes.result = result
    # A failure is told at the end, with those of the other tests. Without its file the test runs again.
    if result.passed:
        write_pass(result, Path(node.abspath))


def _guest_test(env: Any, node: Any, image: Path) -> GuestTest:
    from bootimage.machine.guest_test import GuestTest

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


def _machine(env: Any, guest: Guest, image: Path) -> Machine:
    plain = run.machine(env, image, guest.firmware)
    return replace(plain, extra=(*plain.extra, *guest.settings.arguments))


def _label(target: face.Nodes, _source: face.Nodes, _env: Any) -> str:
    return f"Testing {target[0].attributes.guest.label}"


def _signature(target: face.Nodes, _source: face.Nodes, env: Any) -> str:
    return f"{target[0].attributes.guest} {face.words(env['QEMUFLAGS'])}"


RUN = face.action(_run, _label, _signature, "KERNELTESTCOMSTR")
