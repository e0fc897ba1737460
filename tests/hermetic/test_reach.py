"""Each row of reach.toml against what cargo is started with."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from cargo_configurations import PLACES, Configuration
from sealed_starts import tried

from bootimage.cargo.crate_sources import FETCHING
from bootimage.context import BuildContext
from bootimage.toolchain.clean_environment import fetch_variables, sealed_variables

pytestmark = pytest.mark.rust

TABLE: dict[str, list[dict[str, Any]]] = tomllib.loads(Path(__file__).with_name("reach.toml").read_text())
_NAMES = {"<name>": "MINE", "<triple>": "X86_64_UNKNOWN_NONE", "<key>": "OPT_LEVEL"}


def test_every_row_has_a_place_of_its_own() -> None:
    for rows, name in (("config", "key"), ("variable", "name")):
        named = [row[name] for row in TABLE[rows]]
        assert len(named) == len({*named}) > 80
        assert {row["reach"] for row in TABLE[rows]} <= {"never", "fetch", "key", "kept"}


def test_no_key_of_a_configuration_reaches_a_sealed_build(
    base: BuildContext,
    recording: None,
    tmp_path: Path,
) -> None:
    nowhere = Path("/nowhere")
    expected = tried(Configuration(), "core", base, tmp_path / "plain", nowhere, nowhere)
    assert expected[0] != "refused"
    for number, row in enumerate(TABLE["config"]):
        made = Configuration(dict.fromkeys(PLACES, row["text"]))
        found = tried(made, "core", base, tmp_path / str(number), nowhere, nowhere)
        assert found == expected, row["key"]
        assert (row["key"].partition(".")[0] in FETCHING) == (row["reach"] == "fetch"), row["key"]


def test_no_variable_reaches_a_sealed_build_but_the_listed_ones() -> None:
    for row in TABLE["variable"]:
        name = row["name"]
        for pattern, example in _NAMES.items():
            name = name.replace(pattern, example)
        seen = {name: "/nowhere"}
        in_sealed, in_fetch = name in sealed_variables(seen), name in fetch_variables(seen)
        expected = {"never": (False, False), "fetch": (False, True)}.get(row["reach"])
        assert expected is None or (in_sealed, in_fetch) == expected, name
        assert row["reach"] not in ("kept", "key") or row["why"], name
