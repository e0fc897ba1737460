"""Which rule is proposed where something breaks with a compiler that has not been tried."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from fake_toolchain import rustc
from jsonschema import Draft202012Validator

from bootimage.toolchain import fact_cache
from bootimage.toolchain.missing_rule import likely_rule, missing_key, missing_spelling, other_version
from bootimage.toolchain.rule_files import SHIPPED
from bootimage.toolchain.toolchain import Toolchain, ToolchainRequest, find_toolchain

LOADING = "error: error loading target specification"
CRATE = """\
error[E0407]: method `forward_overflowing` is not a member of trait `Step`
   --> /home/u/.cargo/registry/src/index-0123/x86_64-0.15.5/src/addr.rs:333:5
error: could not compile `x86_64` (lib) due to 1 previous error
"""
ERRORS = {
    CRATE: {"crate": "x86_64", "series": "0.15", "since": {"nightly": "2026-05-19", "release": "1.105.0"}},
    CRATE.replace("0.15.5", "2.1.0").replace("x86_64", "volatile"): {"crate": "volatile", "series": "2"},
    "error: \x1b[1mcould not compile\x1b[0m `x86_64` (lib)\n": {"crate": "x86_64", "series": "?"},
    "error: `.json` target specs require -Zjson-target-spec-2\n": {"words": ["-Zjson-target-spec-2"]},
    "error: the feature needs to be enabled by passing `-Z tomorrow`\n": {"words": ["-Ztomorrow"]},
    "error: unknown `-Z` flag specified: json-target-spec\n": {
        "name": "target specifications",
        "before": {"nightly": "2026-05-19", "release": "1.105.0"},
    },
    f"{LOADING}: unknown field `disable-redzone`, expected one of `x`\n": {"key": "disable-redzone"},
    f"{LOADING}: unknown variant `softfloat`, expected `soft` or `x86-sse2`\n": {
        "spellings": ["softfloat", "?"]
    },
}


@pytest.fixture(autouse=True)
def remembers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fact_cache, "_known", {})


def toolchain(folder: Path, release: str) -> Toolchain:
    environ = {"HOME": str(folder / "home"), "PATH": str(folder / "bin")}
    return find_toolchain(
        ToolchainRequest(folder, rustc=str(rustc(folder / "usr", release)), environ=environ)
    )


@pytest.mark.parametrize("text", ERRORS)
def test_the_rule_has_all_that_the_error_tells(tmp_path: Path, text: str) -> None:
    hint = likely_rule(toolchain(tmp_path, "1.105.0"), text, of_loader=True)
    assert hint is not None
    first, *lines = hint.splitlines()
    assert "rustc 1.105.0 has not been tried" in first
    assert f"{tmp_path}/home/.config/rustkernel/compiler_rules.toml" in first
    (rows,) = tomllib.loads("\n".join(lines)).values()
    assert rows[0] | ERRORS[text] == rows[0]


@pytest.mark.parametrize("text", ERRORS)
def test_what_is_filled_in_is_a_rule(tmp_path: Path, text: str) -> None:
    hint = likely_rule(toolchain(tmp_path, "1.105.0"), text, of_loader=True) or ""
    filled = hint.partition("\n")[2].replace('checksum = "?"', f'checksum = "{"0" * 64}"')
    filled = filled.replace('series = "?"', 'series = "0.4"').replace('version = "?"', 'version = "0.4.6"')
    Draft202012Validator(json.loads(SHIPPED.with_name("compiler_rules.schema.json").read_text())).validate(
        tomllib.loads(filled)
    )


@pytest.mark.parametrize(
    "text",
    [
        "error: something else entirely",
        "error[E0063]: missing field `x` in initializer of `S`\nerror: could not compile `my_os`\n",
        CRATE + "error: No space left on device (os error 28)\n",
    ],
)
def test_for_other_errors_there_is_no_rule(tmp_path: Path, text: str) -> None:
    assert likely_rule(toolchain(tmp_path, "1.105.0"), text, of_loader="x86_64" in text) is None
    assert likely_rule(toolchain(tmp_path, "1.105.0"), text) is None


def test_a_specification_that_is_refused(tmp_path: Path) -> None:
    untried, tried = toolchain(tmp_path / "a", "1.105.0"), toolchain(tmp_path / "b", "1.95.0")
    for hint, row in (
        (missing_key(untried, "cpu"), {"specification-key": [{"key": "cpu", "now": "?"}]}),
        (
            missing_spelling(untried, "rustc-abi", "soft"),
            {"specification-value": [{"key": "rustc-abi", "spellings": ["soft", "?"]}]},
        ),
    ):
        assert hint is not None
        assert tomllib.loads(hint.partition("\n")[2]) == row
    assert missing_key(tried, "cpu") is None
    assert missing_spelling(tried, "rustc-abi", "soft") is None


@pytest.mark.parametrize("text", ERRORS)
def test_a_compiler_that_has_been_tried_lacks_no_rule(tmp_path: Path, text: str) -> None:
    assert likely_rule(toolchain(tmp_path, "1.95.0"), text) is None


@pytest.mark.parametrize(
    ("release", "text", "hint"),
    [
        ("1.95.0", CRATE, "an older x86_64: cargo update -p x86_64 --precise 0.15.4"),
        (
            "1.95.0",
            CRATE.replace("0.15.5", "0.14.10"),
            "a newer x86_64: cargo update -p x86_64 --precise 0.14.13",
        ),
        ("1.99.0", CRATE, None),  # it builds that version: the fault is another
        ("1.95.0", CRATE.replace("0.15.5", "0.16.0"), None),
        ("1.95.0", CRATE.replace("could not", "did"), None),
    ],
)
def test_a_crate_of_the_kernels_own(tmp_path: Path, release: str, text: str, hint: str | None) -> None:
    expected = f"this compiler needs {hint}" if hint else None
    assert other_version(toolchain(tmp_path, release), text) == expected
