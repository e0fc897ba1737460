"""Write the results of kernel tests as JUnit XML, which continuous-integration servers read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from bootimage.base.generated_files import RESULTS
from bootimage.base.write_files import write_output
from bootimage.kernel_test.verdict import Outcome, Result

# Everything that XML 1.0 (section 2.2, "Characters") does not allow, not even as an entity.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_BEGINNING = f"<?xml version='1.0' encoding='utf-8'?>\n<!-- {RESULTS} -->\n".encode()


def junit_xml(results: Sequence[Result], suite: str) -> bytes:
    """The results as one test suite: a failure is the kernel's, an error is QEMU's."""
    failures = [each for each in results if not each.passed]
    errors = [each for each in failures if each.outcome is Outcome.MACHINE]
    element = ElementTree.Element(
        "testsuite",
        name=_allowed(suite),
        tests=str(len(results)),
        failures=str(len(failures) - len(errors)),
        errors=str(len(errors)),
        time=f"{sum(each.seconds for each in results):.3f}",
    )
    element.extend(_case(each, suite) for each in results)
    root = ElementTree.Element("testsuites")
    root.append(element)
    ElementTree.indent(root)
    return _BEGINNING + bytes(ElementTree.tostring(root, encoding="utf-8")) + b"\n"


def write_junit(results: Sequence[Result], suite: str, path: Path) -> None:
    """Write `junit_xml` to `path`. Raises BuildError where that fails."""
    write_output(path, junit_xml(results, suite))


def _case(result: Result, suite: str) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", classname=_allowed(suite), name=_allowed(result.name), time=f"{result.seconds:.3f}"
    )
    if not result.passed:
        kind = "error" if result.outcome is Outcome.MACHINE else "failure"
        failure = ElementTree.SubElement(
            case, kind, type=result.outcome.value, message=_allowed(result.detail)
        )
        failure.text = _allowed(f"screen: {result.screenshot}" if result.screenshot else result.detail)
    if result.serial_tail:
        ElementTree.SubElement(case, "system-out").text = _allowed("\n".join(result.serial_tail))
    return case


def _allowed(text: str) -> str:
    """`text` with every character that XML cannot hold written as \\x1b is."""
    return _FORBIDDEN.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
