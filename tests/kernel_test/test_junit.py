from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from bootimage.kernel_test.junit import junit_xml, write_junit
from bootimage.kernel_test.verdict import Outcome, Result

RESULTS = [
    Result("good", Outcome.PASSED, "exit code 33", 0.5, 33),
    Result("bad", Outcome.TRIPLE_FAULT, "triple fault", 1.25, 0, ("\x1b[31mlast <&", "words")),
    Result("ugly", Outcome.MACHINE, "QEMU failed", 0.0, -6, screenshot=Path("ugly.png")),
]


def test_what_a_report_holds(tmp_path: Path) -> None:
    write_junit(RESULTS, "kernel", tmp_path / "report.xml")
    suite = ElementTree.parse(tmp_path / "report.xml").getroot()[0]
    numbers = {"tests": "3", "failures": "1", "errors": "1", "time": "1.750"}
    assert suite.attrib == {"name": "kernel", **numbers}
    good, bad, ugly = suite
    assert good.attrib == {"classname": "kernel", "name": "good", "time": "0.500"} and len(good) == 0
    assert [each.tag for each in bad] == ["failure", "system-out"]
    assert bad[0].attrib == {"type": "triple fault", "message": "triple fault"}
    assert bad[1].text == "\\x1b[31mlast <&\nwords"
    assert ugly[0].tag == "error" and ugly[0].text == "screen: ugly.png"


# Every character there is, lone surrogates included: file names may hold them.
anything = st.text(st.characters(codec=None))


@given(anything, anything, st.lists(anything, max_size=3))
def test_any_text_makes_a_well_formed_report(name: str, detail: str, tail: list[str]) -> None:
    result = Result(name, Outcome.FAILED, detail, 0.0, 35, tuple(tail))
    case = ElementTree.fromstring(junit_xml([result], name))[0][0]
    assert case.get("name") is not None
