"""Old spellings in target specifications and what has become of them, back to the first of 2014.

Renamed keys and values are rules (`compiler_rules.toml`): a row counts where the compiler at hand does not
know the old spelling any more. What is code here changes the shape of a value: a number that was a string,
a map that was a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field

from bootimage.base.lazy_dataclass import dataclass
from bootimage.target_spec.json_positions import Json
from bootimage.target_spec.target_draft import Draft
from bootimage.target_spec.target_schema import Schema
from bootimage.target_spec.target_spellings import Spellings
from bootimage.toolchain.rule_files import Row, Rules

_INTEGER_SINCE = {
    "target-pointer-width": "nightly 2025-08-28, rust PR 144443",
    "target-c-int-width": "nightly 2025-07-24, rust PR 144218",
}
_LINK_ARGUMENTS = (
    *("pre-link-args", "late-link-args", "late-link-args-dynamic", "late-link-args-static"),
    "post-link-args",
)
_LINK_OBJECTS = ("pre-link-objects", "post-link-objects")
_NOT_A_MAP = (
    'rustc keeps these files by kind of output, "pre-link-objects": {"static-nopic-exe": [...]}, '
    "and the list does not say which kinds it is for"
)
_USUAL_FLAVOR = "gcc"  # what rustc takes where a specification names no linker flavor


@dataclass(frozen=True)
class OldKey:
    """A key of the past, by the row of the rules. Without `name` it is removed.

    `values` says what its values "true" and "false" are called now; one that is missing there needs no field
    at all. A key with `refused` is an error, for that reason: what it meant cannot be said today without a
    decision of the user's. `default` is the value of a key that a compiler demands.
    """

    why: str
    name: str | None = None
    values: Mapping[str, Json] = field(default_factory=dict)
    refused: bool = False
    default: Json = None


def old_keys(rules: Rules) -> Mapping[str, OldKey]:
    """The keys of the past that the rules name."""
    return {row["key"]: _old_key(row) for row in rules.rows["specification-key"]}


def _old_key(row: Row) -> OldKey:
    return OldKey(
        why=row.get("why", "by your rules"),
        name=row.get("now"),
        values=row.get("values", {}),
        refused=row.get("refused", False),
        default=row.get("default"),
    )


def upgrade_keys(draft: Draft, schema: Schema, rules: Rules) -> None:
    """Bring the names of the fields up to date."""
    known = old_keys(rules)
    for key in list(draft.fields):
        _with_hyphens(draft, schema, key, known)
    for key, old in known.items():
        if key in draft.fields and key not in schema.keys:
            _replace_key(draft, key, old)
        elif key in schema.required and key not in draft.fields and old.default is not None:
            draft.put(key, old.default, old.why)


def upgrade_values(draft: Draft, schema: Schema, probes: Json, spellings: Spellings) -> None:
    """Bring the forms of the values up to date; `probes` is how a target of this kind probes stacks."""
    for key in list(draft.fields):
        _forget_null(draft, schema, key)
        _number_or_digits(draft, schema, key)
        _respell(draft, key, spellings)
    for key in _LINK_ARGUMENTS:
        _link_arguments(draft, schema, key, spellings)
    for key in _LINK_OBJECTS:
        _link_objects(draft, schema, key)
    _stack_probes(draft, schema, probes)
    _code_model(draft, schema)


def _with_hyphens(draft: Draft, schema: Schema, key: str, known: Collection[str]) -> None:
    hyphened = key.replace("_", "-")
    if hyphened == key or key in schema.keys:
        return
    if hyphened in schema.keys or hyphened in known:
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
    elif (now := old.values.get(json.dumps(value))) is None:
        draft.drop(key, f"that is usual ({old.why})")
    else:
        draft.rename(key, name, now, old.why)


def _forget_null(draft: Draft, schema: Schema, key: str) -> None:
    if draft.fields[key] is None and "null" in schema.types(key):
        draft.forget(key)


def _number_or_digits(draft: Draft, schema: Schema, key: str) -> None:
    """A number as the compiler reads it: as a string, or as a number since then."""
    value, types = draft.fields.get(key), set(schema.types(key)) & {"integer", "string"}
    since = _INTEGER_SINCE.get(key)
    if types == {"integer"} and isinstance(value, str) and re.fullmatch("[0-9]{1,4}", value):
        draft.put(key, int(value), f"a number since {since}" if since else "a number")
    elif types == {"string"} and isinstance(value, int) and not isinstance(value, bool) and since:
        draft.put(key, str(value), f"a string until {since}")


def _respell(draft: Draft, key: str, spellings: Spellings) -> None:
    value = draft.fields.get(key)
    current, why = spellings.current(key, value)
    if current != value:
        draft.put(key, current, why)


def _link_arguments(draft: Draft, schema: Schema, key: str, spellings: Spellings) -> None:
    """A list is for the specification's own linker flavor; a map has a flavor for its every key."""
    value = draft.fields.get(key)
    if isinstance(value, list) and "array" not in schema.types(key):
        flavor = draft.fields.get("linker-flavor", spellings.current("linker-flavor", _USUAL_FLAVOR)[0])
        if isinstance(flavor, str):
            draft.put(key, {flavor: value}, "a map by linker flavor since 2016")
    elif isinstance(value, dict):
        _flavors_of(draft, schema, key, value, spellings)


def _flavors_of(
    draft: Draft, schema: Schema, key: str, value: Mapping[str, Json], spellings: Spellings
) -> None:
    known = schema.choices("linker-flavor")
    names = {flavor: str(spellings.current("linker-flavor", flavor)[0]) for flavor in value}
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
