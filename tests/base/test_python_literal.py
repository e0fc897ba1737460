"""Text from a clone in an SConstruct: SCons gets it as it was, and runs none of it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bootimage.base.errors import BuildError
from bootimage.base.python_literal import scons_path, scons_string, word_list

TEXT = st.text(st.sampled_from("ab \"'\\$#{}()\n\r\t\0\u2028ü%") | st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXT))
@example(['"], X=__import__("os").abort(), Y=["', "\\", '\\"', "\x1b[2J"])
def test_words_arrive(words: list[str]) -> None:
    text = word_list(words)
    assert ast.literal_eval(text) == words
    assert text.isprintable(), "one line, and nothing that a terminal obeys"


@given(TEXT)
@example("${__import__('os').abort()}")
def test_a_dollar_is_no_expansion(text: str) -> None:
    assert ast.literal_eval(scons_string(text)).replace("$$", "") == text.replace("$", "")
    assert not ast.literal_eval(scons_path(text)).startswith("#")


def test_half_of_a_character_is_refused() -> None:
    with pytest.raises(BuildError, match="rename it"):
        scons_string("a\udcff")


NAMES = ["a b", 'q"', "$HOME", "${X}", "$$", "${__import__('pathlib').Path('ran').touch()}", "#x", "\\n", "ü"]


def test_names_as_scons_takes_them(tmp_path: Path) -> None:
    """A real SCons: each name as a string that is expanded, and as a node."""
    lines = ["import json", "env = Environment(tools=[], X='expanded')", "said = []"]
    lines += [
        f"said.append([env.subst({scons_string(name)}), env.Entry({scons_path(name)}).name])"
        for name in NAMES
    ]
    lines += ["print(json.dumps(said))"]
    (tmp_path / "SConstruct").write_text("\n".join(lines))
    command = [sys.executable, "-m", "SCons", "-Q", "-n", "."]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    found = json.loads(said.splitlines()[0])
    assert [subst for subst, _ in found] == NAMES
    assert [node for _, node in found] == [name.rpartition("/")[2] for name in NAMES]
    assert not (tmp_path / "ran").exists()
