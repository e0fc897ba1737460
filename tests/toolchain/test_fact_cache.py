"""Facts remembered until their files change, in a file that may be damaged, missing or in the way."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bootimage.base.user_folders import cache_folder
from bootimage.toolchain import fact_cache
from bootimage.toolchain.fact_cache import Probe


class Question:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        return f"answer {self.asked}"


@pytest.fixture
def subject(tmp_path: Path) -> Path:
    file = tmp_path / "rustc"
    file.write_text("a compiler")
    return file


def new_process(memory: Path | None) -> Probe:
    fact_cache._known.clear()
    return Probe(memory)


def test_asked_once_in_a_process_and_once_for_all(tmp_path: Path, subject: Path) -> None:
    question, memory = Question(), tmp_path / "deep/down/probe.json"
    for _process in range(3):
        remembered = new_process(memory)
        assert {remembered.recall("v", [subject], question) for _ in range(3)} == {"answer 1"}
    assert [file.name for file in memory.parent.iterdir()] == ["probe.json"]


def test_a_replaced_file_is_asked_again(tmp_path: Path, subject: Path) -> None:
    question, memory = Question(), tmp_path / "probe.json"
    before = subject.stat()
    new_process(memory).recall("v", [subject], question)
    twin = tmp_path / "twin"
    twin.write_text("a compileR")  # the same size and time, as two releases of one package may have
    os.utime(twin, ns=(before.st_atime_ns, before.st_mtime_ns))
    twin.replace(subject)
    assert new_process(memory).recall("v", [subject], question) == "answer 2"


def test_an_answer_may_need_another_fact(tmp_path: Path, subject: Path) -> None:
    memory, inner, outer = tmp_path / "probe.json", Question(), Question()

    def ask() -> str:
        return new_process(memory).recall("inner", [subject], inner) + outer()

    for _ in range(2):
        assert new_process(memory).recall("outer", [subject], ask) == "answer 1answer 1"
    assert new_process(memory).recall("inner", [subject], inner) == "answer 1", "both are kept"


def test_what_must_not_be_kept(tmp_path: Path, subject: Path) -> None:
    question, memory = Question(), tmp_path / "probe.json"
    for _process in range(2):
        new_process(memory).recall("v", [subject], question, keep=False)
    assert question.asked == 2 and not memory.exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"a": 1}', b"\xff\xfe", b"null"])
def test_a_damaged_memory_is_made_anew(tmp_path: Path, subject: Path, damage: bytes) -> None:
    question, memory = Question(), tmp_path / "probe.json"
    memory.write_bytes(damage)
    for _process in range(2):
        assert new_process(memory).recall("v", [subject], question) == "answer 1"
    assert isinstance(json.loads(memory.read_text()), dict)


@pytest.mark.parametrize(
    "change", [lambda text: text[:-1], lambda text: text + "0", lambda _: "", lambda _: 1]
)
def test_a_damaged_fact_is_asked_for_anew(
    tmp_path: Path, subject: Path, change: Callable[[str], object]
) -> None:
    memory = tmp_path / "probe.json"
    for what in ("v", "w"):
        new_process(memory).recall(what, [subject], Question())
    facts = json.loads(memory.read_text())
    first, second = facts
    for damaged in ({**facts, first: change(facts[first])}, {**facts, first: facts[second]}):
        memory.write_text(json.dumps(damaged))
        question = Question()
        for _ in range(2):
            assert new_process(memory).recall("v", [subject], question) == "answer 1"
        assert question.asked == 1


def test_where_nothing_can_be_written(tmp_path: Path, subject: Path) -> None:
    (tmp_path / "file").touch()
    for memory in (tmp_path / "file/probe.json", tmp_path, None):
        assert new_process(memory).recall("v", [subject], Question()) == "answer 1"


def test_the_memory_is_bounded(tmp_path: Path, subject: Path) -> None:
    memory = tmp_path / "probe.json"
    for number in range(fact_cache._MOST + 5):
        new_process(memory).recall(str(number), [subject], Question())
    kept = [json.loads(key)[0] for key in json.loads(memory.read_text())]
    assert kept == [str(number) for number in range(5, fact_cache._MOST + 5)]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/h"}, "/h/.cache/rustkernel"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/c"}, "/c/rustkernel"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "relative"}, "/h/.cache/rustkernel"),
    ],
)
def test_the_cache_folder(environ: dict[str, str], expected: str) -> None:
    assert cache_folder(environ) == Path(expected)
