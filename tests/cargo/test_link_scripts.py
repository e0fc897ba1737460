"""Linker scripts in flags and in target specifications."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootimage.cargo.link_scripts import link_scripts, linker_arguments, linker_words


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in ("linker.ld", "sub/inner.ld"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (["-Clink-arg=-Tlinker.ld"], ["linker.ld"]),
        (["-C", "link-arg=-T", "-C", "link-arg=linker.ld"], ["linker.ld"]),
        (["-C", "link-args=-Lsub -Tinner.ld -Ttext=0x1000"], ["sub/inner.ld"]),
        (["-Clink-arg=-Wl,-T,linker.ld"], ["linker.ld"]),
        (["--codegen", "link-arg=--script=linker.ld"], ["linker.ld"]),
        (["--codegen=link-arg=--script", "-Clink-arg=sub/inner.ld"], ["sub/inner.ld"]),
        (["-Clink-arg=-Tnowhere.ld", "-Clink-arg=-T"], []),
        (["-Copt-level=3", "linker.ld", "-Clink-arg=linker.ld"], []),
        ([], []),
    ],
)
def test_flags(folder: Path, flags: list[str], found: list[str]) -> None:
    assert link_scripts(linker_arguments(flags), folder) == [folder / name for name in found]


def test_an_absolute_path(folder: Path, tmp_path: Path) -> None:
    assert link_scripts([f"-T{folder}/linker.ld"], tmp_path / "sub") == [folder / "linker.ld"]


@pytest.mark.parametrize(
    ("specification", "words"),
    [
        ({"pre-link-args": {"ld.lld": ["-Tlinker.ld"], "gcc": ["-n"]}}, ["-Tlinker.ld", "-n"]),
        ({"post-link-args": ["--script=x"], "late-link-args": {"ld": "no list"}}, ["--script=x"]),
        ({"pre-link-args": {"ld": [1, None]}}, []),
        ([], []),
    ],
)
def test_specifications(tmp_path: Path, specification: object, words: list[str]) -> None:
    (tmp_path / "target.json").write_text(json.dumps(specification))
    assert linker_words(tmp_path / "target.json") == words


@pytest.mark.parametrize("text", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_specification_says_nothing(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "target.json").write_bytes(text)
    assert linker_words(tmp_path / "target.json") == []
    assert linker_words(tmp_path / "missing.json") == []
