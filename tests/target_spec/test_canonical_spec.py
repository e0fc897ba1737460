"""Target specifications of every age: what is brought up to date, what is refused and where, and no more."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fake_compiler import GOOD, SCHEMA, X86, X86_64, FakeCompiler, canonical_of, refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from bootimage.base.errors import BuildError
from bootimage.target_spec.canonical_spec import canonical, describe
from bootimage.target_spec.compiler_facts import is_builtin, schema_by_example
from bootimage.target_spec.target_upgrade import old_keys

TEXTS_OWN = Path(__file__).parents[2] / "x86_64-blog_os.json"
OLD_LAYOUT = "e-m:e-i64:64-f80:128-n8:16:32:64-S128"


def test_the_texts_own_specification() -> None:
    spec = canonical(TEXTS_OWN, FakeCompiler())
    assert spec.name == "x86_64-blog_os"
    assert describe(spec.changes, TEXTS_OWN) == [
        'x86_64-blog_os.json: target-pointer-width: "64" -> 64 '
        "(a number since nightly 2025-08-28, rust PR 144443)",
        'x86_64-blog_os.json: target-c-int-width: "32" -> 32 '
        "(a number since nightly 2025-07-24, rust PR 144218)",
        'x86_64-blog_os.json: rustc-abi: nothing -> "softfloat" (+soft-float needs it since rust PR 136146)',
        f'x86_64-blog_os.json: data-layout: "{OLD_LAYOUT}" -> "{X86_64}" '
        "(LLVM's layout for x86_64-unknown-none now states p270:32:32, p271:32:32, p272:64:64, i128:128)",
    ]
    assert json.loads(spec.json) == json.loads(TEXTS_OWN.read_text()) | {
        "target-pointer-width": 64,
        "target-c-int-width": 32,
        "data-layout": X86_64,
        "rustc-abi": "softfloat",
    }


def test_the_texts_first_example() -> None:
    spec = canonical_of(
        {
            "llvm-target": "x86_64-unknown-linux-gnu",
            "data-layout": OLD_LAYOUT,
            "arch": "x86_64",
            "target-endian": "little",
            "target-pointer-width": "64",
            "target-c-int-width": "32",
            "os": "linux",
            "executables": True,
            "linker-flavor": "gcc",
            "pre-link-args": ["-m64"],
            "morestack": False,
        }
    )
    fields = json.loads(spec.json)
    assert fields["pre-link-args"] == {"gcc": ["-m64"]}
    assert "morestack" not in fields
    assert {change.field for change in spec.changes} == {
        *("data-layout", "target-pointer-width", "target-c-int-width", "pre-link-args", "morestack")
    }


def test_what_is_up_to_date_is_left_alone() -> None:
    fields = GOOD | {"features": "-mmx,-sse,+soft-float", "rustc-abi": "softfloat", "cpu": "x86-64"}
    spec = canonical_of(fields)
    assert (json.loads(spec.json), spec.changes) == (fields, ())


def test_an_old_compiler_gets_what_it_wants() -> None:
    """One that prints no schema, wants strings for widths, and has no rustc-abi."""
    target = {
        "llvm-target": "x86_64-unknown-none-elf",
        "arch": "x86_64",
        "data-layout": OLD_LAYOUT,
        "target-pointer-width": "64",
        "features": "-mmx,-sse,+soft-float",
        "eliminate-frame-pointer": False,
        "linker-flavor": "ld.lld",
    }
    targets = {"x86_64-unknown-none": target}
    compiler = FakeCompiler(targets=targets, schema=schema_by_example(targets))
    spec = canonical_of(TEXTS_OWN.read_text(), compiler)
    assert (json.loads(spec.json), spec.changes) == (json.loads(TEXTS_OWN.read_text()), ())
    assert refusal(GOOD | {"arch": 64, "data-layout": OLD_LAYOUT}, compiler) == [
        '4:9: error: "arch" must be a string, found the number 64',
    ]
    newer = canonical_of(GOOD | {"data-layout": OLD_LAYOUT}, compiler)
    assert json.loads(newer.json)["target-pointer-width"] == "64"
    [change] = newer.changes
    assert change.why == "a string until nightly 2025-08-28, rust PR 144443"


@pytest.mark.parametrize(
    ("fields", "place", "told"),
    [
        (
            {"llvm-target": "x86-64-unknown-none"},
            "2:16",
            'no machine of rustc 1.97.0-nightly is called "x86"',
        ),
        ({"llvm-target": 64}, "2:16", '"llvm-target" must be a string, found the number 64'),
        ({"llvm-target": None}, "2:16", '"llvm-target" must be a string, found null'),
        ({"arch": "x86"}, "4:9", '"arch" is "x86"; for x86_64-unknown-none it must be "x86_64"'),
        ({"target-pointer-width": "32"}, "5:25", '"target-pointer-width" is 32; for x86_64-unknown-none it'),
        ({"target-pointer-width": -64}, "5:25", '"target-pointer-width" is -64; for x86_64-unknown-none it'),
        ({"target-pointer-width": True}, "5:25", "must be a whole number up to 65535, found true"),
        ({"target-pointer-width": "?"}, "5:25", "must be a whole number up to 65535, found the string"),
        (
            {"target-endian": "big"},
            "6:18",
            '"target-endian" is "big"; for x86_64-unknown-none it must be "li',
        ),
        (
            {"data-layout": X86_64.replace("m:e", "m:w")},
            "3:16",
            'the data layout contradicts "llvm-target": it',
        ),
        ({"data-layout": X86}, "3:16", 'the data layout contradicts "llvm-target": it states p:32:32'),
        ({"data-layout": ""}, "3:16", 'the data layout contradicts "llvm-target": it lacks e'),
        ([], "1:1", "a target specification is a JSON object"),
        ('"text"', "1:1", "a target specification is a JSON object"),
        ("", "1:1", "the file is empty"),
        ('{"arch": "x86_64", "arch": "x86"}', "1:20", 'the key "arch" is there twice, first in line 1'),
        ('{"arch": "x86_64",}', "1:18", "JSON has no comma before the closing `}`"),
        ('{ // the machine\n"arch": "x86_64"}', "1:3", "JSON has no comments"),
    ],
)
def test_refusals(fields: Any, place: str, told: str) -> None:
    first = refusal(GOOD | fields if isinstance(fields, dict) else fields)[0]
    assert first.startswith(f"{place}: error: ")
    assert told in first


@pytest.mark.parametrize("value", [-64, True, 65536, 0])
def test_a_wrong_value_is_told_once(value: object) -> None:
    assert len([line for line in refusal(GOOD | {"target-pointer-width": value}) if "error: " in line]) == 1


def test_a_machine_that_is_not_there_gets_a_suggestion() -> None:
    assert (
        refusal(GOOD | {"llvm-target": "x86-64-unknown-none"})[1]
        == 'help: did you mean "x86_64-unknown-none"?'
    )


def test_a_folder_and_a_large_file_in_its_place(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as stream:
        stream.truncate(100_000_000)
    (tmp_path / "folder.json").mkdir()
    for name, told in [("large", "the file has 100000000 bytes"), ("folder", "this is a folder")]:
        with pytest.raises(BuildError, match=rf"{name}\.json:1:1: error: {told}"):
            canonical(tmp_path / f"{name}.json", FakeCompiler())


def test_sixteen_bit_code_has_the_layout_of_its_machine() -> None:
    fields = {"llvm-target": "i386-unknown-none-code16", "arch": "x86", "target-pointer-width": "32"}
    spec = canonical_of({**fields, "data-layout": "e-m:e-p:32:32-f64:32:64-f80:32-n8:16:32-S128"})
    assert json.loads(spec.json) == {**fields, "target-pointer-width": 32, "data-layout": X86}


def test_missing_keys_come_with_the_line_to_add() -> None:
    assert refusal({"llvm-target": "x86_64-unknown-none"}) == [
        '1:1: error: the key "target-pointer-width" is missing',
        'help: add "target-pointer-width": 64',
        '1:1: error: the key "data-layout" is missing',
        f'help: add "data-layout": "{X86_64}"',
        '1:1: error: the key "arch" is missing',
        'help: add "arch": "x86_64"',
    ]
    assert refusal({})[:2] == [
        '1:1: error: the key "llvm-target" is missing',
        'help: add "llvm-target": "x86_64-unknown-none"',
    ]


def test_all_errors_are_told_in_the_order_of_the_file() -> None:
    told = refusal('{"features": "a b",\n "fnord": 1,\n "llvm-target": 5}')
    places = [line.split(": error: ")[0] for line in told if ": error: " in line]
    assert places == ["1:1", "1:1", "1:1", "1:14", "2:2", "3:17"]


@pytest.mark.parametrize(
    ("complaint", "place"),
    [
        ("'+flying' is not a recognized feature for this target", "7:13"),
        ("target feature `x87` is required by the ABI but gets disabled in target spec", "7:13"),
        ("'abacus' is not a recognized processor for this target", "6:8"),
        ("`linker_flavor` must be `msvc` if and only if `is_like_msvc` is set", "8:18"),
        ("pre-link-args: the old spelling's place", "9:18"),
        ("something else", "1:1"),
    ],
)
def test_the_compiler_has_the_last_word(complaint: str, place: str) -> None:
    more = {"cpu": "abacus", "features": "-x87", "linker_flavor": "msvc", "pre-link-args": ["a"]}
    told = refusal(GOOD | more, FakeCompiler(told=(complaint,)))
    assert told == [f"{place}: error: rustc 1.97.0-nightly refuses this target: {complaint}"]


@pytest.mark.parametrize("name", ["my os", "-os", "os$HOME", "ós", ""])
def test_a_name_that_is_no_targets(name: str) -> None:
    with pytest.raises(BuildError, match=r":1:1: error: the file's name is the target's name too"):
        canonical(Path(f"{name}.json"), FakeCompiler())


def test_builtin_targets_are_known_by_name() -> None:
    assert is_builtin("x86_64-unknown-none", FakeCompiler())
    assert not is_builtin("x86_64-blog_os", FakeCompiler())


def test_the_file_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "my_os.json"
    file.write_bytes(TEXTS_OWN.read_bytes())
    file.chmod(0o400)
    canonical(file, FakeCompiler())
    assert file.read_bytes() == TEXTS_OWN.read_bytes()
    assert list(tmp_path.iterdir()) == [file]


# Fields of any kind: right ones, old ones, wrong ones.
KEYS = [*old_keys(FakeCompiler().rules), *SCHEMA["properties"], "disable_redzone", "fnord"]
STRINGS = ["64", "gcc", "ld.lld", "default", "softfloat", "-sse", "+soft-float,-3dnow", OLD_LAYOUT, X86]
scalars = (
    st.none() | st.booleans() | st.integers(-5, 70_000) | st.floats(allow_nan=False, allow_infinity=False)
)
anything = st.recursive(
    scalars | st.text(max_size=8) | st.sampled_from(STRINGS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["gcc", "kind", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
mutations = st.dictionaries(st.sampled_from(KEYS), anything, max_size=4)


@settings(deadline=None)
@given(mutations, st.sets(st.sampled_from(sorted(GOOD)), max_size=1))
def test_mutations_give_a_result_or_a_build_error(more: dict[str, Any], without: set[str]) -> None:
    fields = {key: value for key, value in (GOOD | more).items() if key not in without}
    try:
        spec = canonical_of(fields)
    except BuildError as error:
        assert ": error: " in str(error)
        return
    again = canonical_of(spec.json)
    assert (again.json, again.changes) == (spec.json, ())


@settings(deadline=None)
@given(mutations, st.randoms(use_true_random=False))
def test_the_form_of_the_file_does_not_matter(more: dict[str, Any], chance: random.Random) -> None:
    fields = json.loads(TEXTS_OWN.read_text()) | more
    results: list[str | int] = []
    for text in (json.dumps(fields), reformatted(fields, chance)):
        try:
            results.append(canonical_of(text).json)
        except BuildError as error:
            results.append(str(error).count(": error: "))
    assert results[0] == results[1]


def reformatted(value: Any, chance: random.Random) -> str:
    """The same value with its keys in another order, other white space, and escapes."""

    def gap() -> str:
        return "".join(chance.choices([" ", "\t", "\n", "\r\n"], k=chance.randrange(3)))

    if isinstance(value, Mapping):
        pairs = [
            f"{reformatted(key, chance)}{gap()}:{reformatted(each, chance)}" for key, each in value.items()
        ]
        chance.shuffle(pairs)
        inner = "{" + f"{gap()},{gap()}".join(pairs) + gap() + "}"
    elif isinstance(value, list):
        inner = "[" + ",".join(reformatted(each, chance) for each in value) + "]"
    elif isinstance(value, str) and value.isascii():
        signs = [f"\\u{ord(sign):04x}" if chance.random() < 0.3 else json.dumps(sign)[1:-1] for sign in value]
        inner = f'"{"".join(signs)}"'
    else:
        inner = json.dumps(value)
    return gap() + inner + gap()


def test_documentation_and_null_mean_nothing() -> None:
    plain = canonical_of(GOOD)
    noted = canonical_of(GOOD | {"metadata": {"tier": 3}, "cpu": None, "linker-flavor": None})
    assert (plain.json, noted.changes) == (noted.json, ())
