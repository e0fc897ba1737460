"""The features of a target specification, and the float ABI that goes with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_compiler import (
    GOOD,
    SCHEMA,
    TARGETS,
    X86,
    FakeCompiler,
    canonical_of,
    refusal,
    refusal_of_line,
)

from bootimage.target_spec.compiler_facts import schema_by_example
from bootimage.toolchain.rule_files import read_rules


def features_of(given: str) -> str:
    return str(json.loads(canonical_of(GOOD | {"features": given}).json)["features"])


def test_what_llvm_has_dropped_is_dropped() -> None:
    assert features_of("-mmx,-3dnow,-3dnowa,+sse3") == "-mmx,+sse3"
    assert features_of("-3dnow") == ""
    assert features_of("") == ""
    assert features_of("+sse2,-avx512f") == "+sse2,-avx512f"


def test_soft_float_is_stated_in_the_compilers_spelling() -> None:
    soft = GOOD | {"features": "-mmx,-sse,+soft-float"}
    older = {"x86_64-unknown-none": TARGETS["x86_64-unknown-none"] | {"rustc-abi": "x86-softfloat"}}
    for compiler, spelling in [
        (FakeCompiler(), "softfloat"),
        (FakeCompiler(targets=older, schema=schema_by_example(older)), "x86-softfloat"),
    ]:
        for stated in (None, "softfloat", "x86-softfloat"):
            spec = canonical_of(soft | {"rustc-abi": stated}, compiler)
            assert json.loads(spec.json)["rustc-abi"] == spelling
            assert len(spec.changes) == (stated != spelling)


@pytest.mark.parametrize("stated", ["softfloat", "x86-softfloat"])
def test_a_spelling_of_tomorrow_is_a_rule(tmp_path: Path, stated: str) -> None:
    file = tmp_path / "rustkernel/compiler_rules.toml"
    file.parent.mkdir()
    spellings = '["softfloat", "x86-softfloat", "soft"]'
    file.write_text(f'[[specification-value]]\nkey = "rustc-abi"\nspellings = {spellings}\nwhy = "a test"\n')
    targets = {"x86_64-unknown-none": TARGETS["x86_64-unknown-none"] | {"rustc-abi": "soft"}}
    choices = {"anyOf": [{"type": "string", "enum": ["x86-sse2", "soft"]}, {"type": "null"}]}
    schema = SCHEMA | {"properties": SCHEMA["properties"] | {"rustc-abi": choices}}
    fields = GOOD | {"features": "-mmx,-sse,+soft-float", "rustc-abi": stated}
    rules = read_rules({"HOME": "/nowhere", "XDG_CONFIG_HOME": str(tmp_path)})
    spec = canonical_of(fields, FakeCompiler(targets=targets, schema=schema, rules=rules))
    assert json.loads(spec.json)["rustc-abi"] == "soft"
    assert [each.why for each in spec.changes] == ["a test"]
    without = refusal(fields, FakeCompiler(targets=targets, schema=schema))
    assert "must be one of" in without[0]


def test_soft_float_needs_no_sse_off() -> None:
    assert json.loads(canonical_of(GOOD | {"features": "-mmx,+soft-float"}).json)["rustc-abi"] == "softfloat"


def test_sse_may_be_off_where_floats_have_other_registers() -> None:
    i686 = {"llvm-target": "i686-unknown-none", "arch": "x86", "data-layout": X86, "target-pointer-width": 32}
    assert canonical_of({**i686, "features": "-mmx,-sse"}).changes == ()
    assert features_of("-sse,+sse2") == "-sse,+sse2"
    assert features_of("-sse3,-avx,+mmx") == "-sse3,-avx,+mmx"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"features": "-mmx, -sse,+soft-float"', '6:13: error: there is a space in "features"'),
        ('"features": "-mmx\\n"', '6:13: error: there is a space in "features"'),
        (
            '"features": "-mmx,sse"',
            '6:13: error: each feature starts with + or -, and has a name; found "sse',
        ),
        ('"features": "-mmx,"', '6:13: error: each feature starts with + or -, and has a name; found ""'),
        ('"features": "+"', '6:13: error: each feature starts with + or -, and has a name; found "+"'),
        ('"features": "-mmx,-sse"', '6:13: error: "features" turns sse off without +soft-float'),
        ('"features": "-sse2"', '6:13: error: "features" turns sse off without +soft-float'),
        ('"features": "-sse,+sse"', '6:13: error: "features" turns sse off without +soft-float'),
        ('"features": "-sse,-soft-float"', '6:13: error: "features" turns sse off without +soft-float'),
        ('"rustc-abi": "softfloat"', '6:14: error: "rustc-abi": "softfloat" needs +soft-float in "features"'),
    ],
)
def test_refusals(line: str, told: str) -> None:
    assert refusal_of_line(line).startswith(told)
