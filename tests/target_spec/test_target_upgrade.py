"""Old spellings: each is replaced by what it is called today, or refused with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_compiler import GOOD, FakeCompiler, canonical_of, refusal_of_line

from bootimage.base.errors import BuildError
from bootimage.target_spec.compiler_facts import schema_by_example
from bootimage.target_spec.target_upgrade import old_keys


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"eliminate-frame-pointer": True}, {"frame-pointer": "may-omit"}),
        ({"eliminate-frame-pointer": False}, {"frame-pointer": "always"}),
        ({"eliminate-frame-pointer": True, "frame-pointer": "always"}, {"frame-pointer": "always"}),
        ({"default-hidden-visibility": True}, {"default-visibility": "hidden"}),
        ({"default-hidden-visibility": False}, {}),
        ({"has-elf-tls": True}, {"has-thread-local": True}),
        ({"needs-plt": False}, {"plt-by-default": False}),
        ({"dwarf-version": 4}, {"default-dwarf-version": 4}),
        ({"relocation_model": "static"}, {"relocation-model": "static"}),
        ({"relocation_model": "pic", "relocation-model": "static"}, {"relocation-model": "static"}),
        ({"eliminate_frame_pointer": False}, {"frame-pointer": "always"}),
        ({"is-builtin": True, "morestack": False, "no-compiler-rt": True}, {}),
        ({"abi-blacklist": ["stdcall"], "unsupported-abis": []}, {}),
        ({"stack-probes": True}, {"stack-probes": {"kind": "inline"}}),
        ({"stack-probes": False}, {"stack-probes": {"kind": "none"}}),
        ({"code-model": "default"}, {}),
        ({"post-link-objects": []}, {}),
        ({"max-atomic-width": "64"}, {"max-atomic-width": 64}),
        ({"pre-link-args": ["-n"]}, {"pre-link-args": {"gcc": ["-n"]}}),
        (
            {"late-link-args": ["-n"], "linker-flavor": "ld"},
            {"late-link-args": {"ld": ["-n"]}, "linker-flavor": "ld"},
        ),
        (
            {"pre-link-args": {"lld-link": ["-n"]}, "linker-flavor": "lld-link"},
            {"pre-link-args": {"msvc-lld": ["-n"]}, "linker-flavor": "msvc-lld"},
        ),
    ],
)
def test_old_spellings(old: dict[str, Any], new: dict[str, Any]) -> None:
    spec = canonical_of(GOOD | old)
    assert json.loads(spec.json) == GOOD | new
    assert spec.changes
    again = canonical_of(spec.json)
    assert (again.json, again.changes) == (spec.json, ())


def test_every_old_key_is_replaced_or_refused_with_a_reason() -> None:
    values = {"target-pointer-width": 64, "default-dwarf-version": 4, "default-codegen-backend": "llvm"}
    for key, old in old_keys(FakeCompiler().rules).items():
        fields = {name: value for name, value in GOOD.items() if name != old.name}
        try:
            spec = canonical_of(fields | {key: values.get(old.name or "", True)})
        except BuildError as error:
            assert old.refused, error
            assert f'"{key}" is no key any more: ' in str(error)
        else:
            [change] = spec.changes
            assert change.field == key
            assert key not in json.loads(spec.json)


def test_what_the_compiler_still_knows_is_left_alone() -> None:
    targets = {"mine": {**GOOD, "eliminate-frame-pointer": False, "stack-probes": False, "pre-link-args": []}}
    compiler = FakeCompiler(targets=targets, schema=schema_by_example(targets))
    spec = canonical_of(targets["mine"], compiler)
    assert (json.loads(spec.json), spec.changes) == (targets["mine"], ())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"eliminate_frame_pointer": "no"', '6:28: error: "eliminate-frame-pointer" was true or false'),
        ('"pre-link-objects": ["crt0.o"]', '6:21: error: "pre-link-objects" is no list any more'),
        ('"pre-link-objects-exe": []', '6:1: error: "pre-link-objects-exe" is no key any more'),
        ('"pre-link-args": {"gxx": []}', '6:26: error: "pre-link-args" has arguments for "gxx", which is no'),
    ],
)
def test_refusals(line: str, told: str) -> None:
    assert refusal_of_line(line).startswith(told)
