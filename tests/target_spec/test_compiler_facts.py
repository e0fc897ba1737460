"""What is asked of a compiler: once, only when needed, and with sense where it does not answer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fake_compiler import SCHEMA, TARGETS

from bootimage.base.errors import BuildError
from bootimage.target_spec.compiler_facts import compiler_facts, schema_by_example

# Notes what it is asked; answers with the file of that name beside it, and fails where there is none.
RUSTC = """#!/bin/sh
printf '%s|%s\\n' "$RUSTC_BOOTSTRAP" "$*" >> {folder}/asked
case "$*" in
*--version) echo 'rustc 1.97.0-nightly (e50aa6fba 2026-05-19)' ;;
*schema) cat {folder}/schema ;;
*specs-json) cat {folder}/targets ;;
*my_os.json*) cat {folder}/stderr >&2; test ! -e {folder}/refuse ;;
*) test ! -e {folder}/broken ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rustc = tmp_path / "rustc"
    rustc.write_text(RUSTC.format(folder=tmp_path))
    rustc.chmod(0o755)
    (tmp_path / "schema").write_text(json.dumps(SCHEMA))
    (tmp_path / "targets").write_text(json.dumps(TARGETS))
    (tmp_path / "stderr").touch()
    return tmp_path


def asked(folder: Path) -> list[str]:
    file = folder / "asked"
    return file.read_text().splitlines() if file.exists() else []


def test_each_thing_is_asked_once_and_only_when_needed(folder: Path) -> None:
    environment = {"PATH": os.environ["PATH"]}
    compiler_facts(folder / "rustc", environment)
    assert asked(folder) == []
    for _ in range(2):
        again = compiler_facts(folder / "rustc", dict(environment))
        assert (again.name, again.schema, again.targets) == ("rustc 1.97.0-nightly", SCHEMA, TARGETS)
    assert asked(folder) == [
        "1|-Zunstable-options --version",
        "1|-Zunstable-options --print target-spec-json-schema",
        "1|-Zunstable-options --print all-target-specs-json",
    ]


def test_a_compiler_without_a_schema_shows_one_by_example(folder: Path) -> None:
    (folder / "schema").unlink()
    assert compiler_facts(folder / "rustc", os.environ).schema == schema_by_example(TARGETS)


def test_schema_by_example() -> None:
    schema = schema_by_example({"a": {"arch": "x", "n": 1, "m": {}}, "b": {"arch": "y", "m": [], "t": True}})
    assert {key: value["type"] for key, value in schema["properties"].items()} == {
        "arch": ["null", "string"],
        "n": ["integer", "null"],
        "m": ["array", "null", "object"],
        "t": ["boolean", "null"],
    }
    assert "additionalProperties" not in schema


def test_a_compiler_that_cannot_tell_its_targets(folder: Path) -> None:
    (folder / "targets").unlink()
    with pytest.raises(BuildError, match=r"rustc 1\.97\.0-nightly does not print its built-in targets"):
        _ = compiler_facts(folder / "rustc", os.environ).targets


def test_an_answer_that_is_no_json(folder: Path) -> None:
    (folder / "targets").write_text("surprise")
    with pytest.raises(BuildError, match="--print all-target-specs-json with no JSON"):
        _ = compiler_facts(folder / "rustc", os.environ).targets


def test_no_compiler(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="cannot run"):
        _ = compiler_facts(tmp_path / "rustc", os.environ).name


ICE = "error: internal compiler error: constructed but not emitted\n"


@pytest.mark.parametrize(
    ("stderr", "refused", "told"),
    [
        ("", False, ()),
        ("warning: something\n", False, ()),
        ("error: error loading target specification: os: why\n  |\n  = help: x\n", True, ("os: why",)),
        (
            "warning: w\n\nerror: data-layout for target\n\nerror: aborting\n",
            True,
            ("data-layout for target",),
        ),
        (f"{ICE}error: could not create it\n", True, ("could not create it",)),
        (ICE, True, ("internal compiler error: constructed but not emitted",)),
        ("killed\n", True, ("killed",)),
        ("", True, ("it ended without a word",)),
        (
            "'+a' is not a recognized feature for this target (ignoring feature)\n" * 2
            + "'b' is not a recognized processor for this target (ignoring processor)\n",
            False,
            (
                "'+a' is not a recognized feature for this target",
                "'b' is not a recognized processor for this target",
            ),
        ),
    ],
)
def test_complaints(folder: Path, stderr: str, refused: bool, told: tuple[str, ...]) -> None:
    (folder / "stderr").write_text(stderr)
    if refused:
        (folder / "refuse").touch()
    assert compiler_facts(folder / "rustc", os.environ).complaints("my_os", "{}") == told


def test_a_trial_that_fails_for_every_target_tells_nothing(folder: Path) -> None:
    (folder / "stderr").write_text("error: unknown feature `no_core`\n")
    (folder / "refuse").touch()
    (folder / "broken").touch()
    assert compiler_facts(folder / "rustc", os.environ).complaints("my_os", "{}") == ()
