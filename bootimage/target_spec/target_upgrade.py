"""Old spellings in target specifications and what has become of them, back to the first of 2014.

A row of the tables below applies where the compiler at hand does not know the old spelling any more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field

from bootimage.base.lazy_dataclass import dataclass
from bootimage.target_spec.json_positions import Json
from bootimage.target_spec.target_draft import Draft
from bootimage.target_spec.target_schema import Schema

_INTEGER_SINCE = {
    "target-pointer-width": "a number since nightly 2025-08-28, rust PR 144443",
    "target-c-int-width": "a number since nightly 2025-07-24, rust PR 144218",
}
_NEEDLESS = "no compiler reads it any more, and none needs it"
_NOT_A_MAP = (
    'rustc keeps these files by kind of output, "pre-link-objects": {"static-nopic-exe": [...]}, '
    "and the list does not say which kinds it is for"
)


@dataclass(frozen=True)
class OldKey:
    """A key of the past. Without `name` it is removed; `values` says what its old values are called now.

    An old value whose new one is None needs no field at all. A key with `refused` is an error, for that
    reason: what it meant cannot be said today without a decision of the user's.
    """

    why: str = _NEEDLESS
    name: str | None = None
    values: Mapping[bool, Json] = field(default_factory=dict)
    refused: bool = False


OLD_KEYS: Mapping[str, OldKey] = {
    "target-word-size": OldKey("renamed in 2015", "target-pointer-width"),
    "eliminate-frame-pointer": OldKey(
        "renamed by rust PR 86652", "frame-pointer", {True: "may-omit", False: "always"}
    ),
    "has-elf-tls": OldKey("renamed", "has-thread-local"),
    "is-like-osx": OldKey("renamed", "is-like-darwin"),
    "needs-plt": OldKey("renamed by rust PR 109982", "plt-by-default"),
    "default-hidden-visibility": OldKey(
        "a choice of three since rust PR 130005", "default-visibility", {True: "hidden", False: None}
    ),
    "dwarf-version": OldKey("renamed", "default-dwarf-version"),
    "codegen-backend": OldKey("renamed", "default-codegen-backend"),
    "is-builtin": OldKey("a mark of the compiler's own targets, which no file may bear"),
    "morestack": OldKey("rustc has had no segmented stacks since 2015"),
    "no-compiler-rt": OldKey("compiler_builtins took the place of compiler-rt in 2016"),
    "ar": OldKey("rustc writes archives itself"),
    "exe-allocation-crate": OldKey("the allocator is the program's choice (#[global_allocator])"),
    "lib-allocation-crate": OldKey("the allocator is the program's choice (#[global_allocator])"),
    "abi-blacklist": OldKey("the compiler knows which ABIs a machine has since rust PR 86231"),
    "unsupported-abis": OldKey("the compiler knows which ABIs a machine has since rust PR 86231"),
    "default-adjusted-cabi": OldKey("the compiler knows which ABIs a machine has since rust PR 141569"),
    "allows-weak-linkage": OldKey("it had no effect: rust PR 156372"),
    **dict.fromkeys(
        (
            *("bitcode-llvm-cmdline", "custom-unwind-resume", "embed-bitcode", "forces-embed-bitcode"),
            *("i128-lowering", "is-like-emscripten", "is-like-fuchsia", "is-like-openbsd"),
            "no-integrated-as",
        ),
        OldKey(),
    ),
    "pre-link-args-crt": OldKey("rustc has no arguments apart for the C runtime", refused=True),
    **dict.fromkeys(
        (
            *("pre-link-objects-exe", "pre-link-objects-exe-crt", "pre-link-objects-dll"),
            "post-link-objects-crt",
        ),
        OldKey(_NOT_A_MAP, refused=True),
    ),
}

_LINK_ARGUMENTS = (
    *("pre-link-args", "late-link-args", "late-link-args-dynamic", "late-link-args-static"),
    "post-link-args",
)
_LINK_OBJECTS = ("pre-link-objects", "post-link-objects")
_USUAL_FLAVOR = "gcc"  # what rustc takes where a specification names no linker flavor

# Old linker flavors and the new names they got; rustc takes both since rust PR 101988.
_FLAVORS = {
    **{"gcc": "gnu-cc", "ld": "gnu", "ld.lld": "gnu-lld", "ld64.lld": "darwin-lld", "lld-link": "msvc-lld"},
    **{"wasm-ld": "wasm-lld", "em": "em-cc", "ptx-linker": "ptx", "bpf-linker": "bpf"},
}


def upgrade_keys(draft: Draft, schema: Schema) -> None:
    """Bring the names of the fields up to date."""
    for key in list(draft.fields):
        _with_hyphens(draft, schema, key)
    for key, old in OLD_KEYS.items():
        if key in draft.fields and key not in schema.keys:
            _replace_key(draft, key, old)


def upgrade_values(draft: Draft, schema: Schema, probes: Json) -> None:
    """Bring the forms of the values up to date; `probes` is how a target of this kind probes stacks."""
    for key in list(draft.fields):
        _forget_null(draft, schema, key)
        _digits_to_number(draft, schema, key)
    _flavor(draft, schema)
    for key in _LINK_ARGUMENTS:
        _link_arguments(draft, schema, key)
    for key in _LINK_OBJECTS:
        _link_objects(draft, schema, key)
    _stack_probes(draft, schema, probes)
    _code_model(draft, schema)


def _with_hyphens(draft: Draft, schema: Schema, key: str) -> None:
    hyphened = key.replace("_", "-")
    if hyphened == key or key in schema.keys:
        return
    if hyphened in schema.keys or hyphened in OLD_KEYS:
        if hyphened in draft.fields:
            draft.drop(key, f"{hyphened}, as it is spelt, is there too")
        else:
            draft.rename(key, hyphened, draft.fields[key], "keys have hyphens; rustc passed over this one")


def _replace_key(draft: Draft, key: str, old: OldKey) -> None:
    if old.refused:
        draft.refuse_key(key, f'"{key}" is no key any more: {old.why}', hint="remove it")
        draft.forget(key)
    elif old.name is None:
        draft.drop(key, old.why)
    elif old.name in draft.fields:
        draft.drop(key, f"{old.name}, its name today, is there too")
    elif not old.values:
        draft.rename(key, old.name, draft.fields[key], old.why)
    else:
        _replace_value(draft, key, old.name, old)


def _replace_value(draft: Draft, key: str, name: str, old: OldKey) -> None:
    value = draft.fields[key]
    if not isinstance(value, bool):
        draft.refuse((key,), f'"{key}" was true or false', hint=f'its name today is "{name}"')
        draft.forget(key)
    elif old.values[value] is None:
        draft.drop(key, f"that is usual ({old.why})")
    else:
        draft.rename(key, name, old.values[value], old.why)


def _forget_null(draft: Draft, schema: Schema, key: str) -> None:
    if draft.fields[key] is None and "null" in schema.types(key):
        draft.forget(key)


def _digits_to_number(draft: Draft, schema: Schema, key: str) -> None:
    value, types = draft.fields.get(key), schema.types(key)
    if not isinstance(value, str) or "integer" not in types or "string" in types:
        return
    if re.fullmatch("[0-9]{1,4}", value):
        draft.put(key, int(value), _INTEGER_SINCE.get(key, "a number"))


def _flavor(draft: Draft, schema: Schema) -> None:
    flavor = draft.fields.get("linker-flavor")
    current = _current_flavor(flavor, schema)
    if current != flavor:
        draft.put("linker-flavor", current, "renamed by rust PR 101988")


def _current_flavor(flavor: Json, schema: Schema) -> Json:
    known = schema.choices("linker-flavor")
    new = _FLAVORS.get(flavor) if isinstance(flavor, str) else None
    return new if new in known and flavor not in known else flavor


def _link_arguments(draft: Draft, schema: Schema, key: str) -> None:
    """A list is for the specification's own linker flavor; a map has a flavor for its every key."""
    value = draft.fields.get(key)
    if isinstance(value, list) and "array" not in schema.types(key):
        flavor = draft.fields.get("linker-flavor", _current_flavor(_USUAL_FLAVOR, schema))
        if isinstance(flavor, str):
            draft.put(key, {flavor: value}, "a map by linker flavor since 2016")
    elif isinstance(value, dict):
        _flavors_of(draft, schema, key, value)


def _flavors_of(draft: Draft, schema: Schema, key: str, value: Mapping[str, Json]) -> None:
    known = schema.choices("linker-flavor")
    names = {flavor: str(_current_flavor(flavor, schema)) for flavor in value}
    for flavor in value:
        if known and names[flavor] not in known:
            message = f'"{key}" has arguments for "{flavor}", which is no linker flavor'
            draft.refuse((key, flavor), message, hint=f"one of {', '.join(known)}")
    if any(names[flavor] != flavor for flavor in value):
        renamed: dict[str, Json] = {names[flavor]: each for flavor, each in value.items()}
        draft.put(key, renamed, "linker flavors renamed by rust PR 101988")


def _link_objects(draft: Draft, schema: Schema, key: str) -> None:
    value = draft.fields.get(key)
    if not isinstance(value, list) or "array" in schema.types(key):
        return
    if value:
        draft.refuse((key,), f'"{key}" is no list any more: {_NOT_A_MAP}')
        draft.forget(key)
    else:
        draft.drop(key, "no list any more; an empty one says nothing")


def _stack_probes(draft: Draft, schema: Schema, probes: Json) -> None:
    value = draft.fields.get("stack-probes")
    if isinstance(value, bool) and "boolean" not in schema.types("stack-probes"):
        new: Json = (probes or {"kind": "inline"}) if value else {"kind": "none"}
        draft.put("stack-probes", new, "names the kind of probe since rust PR 80838")


def _code_model(draft: Draft, schema: Schema) -> None:
    known: Sequence[str] = schema.choices("code-model")
    if draft.fields.get("code-model") == "default" and known and "default" not in known:
        draft.drop("code-model", "LLVM's own choice, which is taken without it")
