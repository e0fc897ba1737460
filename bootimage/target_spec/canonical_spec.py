"""Target specifications: read one, check it, bring it up to date for the compiler at hand.

The user's file is never edited: what comes out is its canonical text, the same for all files that mean
the same, and the list of changes to print. Rust target specifications are not stable; what this knows
of their past is in `target_upgrade`, what is right today the compiler itself says (`compiler_facts`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from bootimage.base.errors import BuildError, closest
from bootimage.base.lazy_dataclass import dataclass
from bootimage.target_spec.compiler_facts import Compiler
from bootimage.target_spec.data_layout import added_since, difference
from bootimage.target_spec.json_positions import Json, JsonPath, read_json
from bootimage.target_spec.target_draft import Change, Draft
from bootimage.target_spec.target_features import check_features
from bootimage.target_spec.target_nearest import Nearest, machine, nearest
from bootimage.target_spec.target_schema import Schema, closest_key
from bootimage.target_spec.target_spellings import Spellings
from bootimage.target_spec.target_upgrade import upgrade_keys, upgrade_values

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LISTED_BY = "`rustc -Zunstable-options --print target-spec-json-schema` lists the keys"
# Documentation of the compiler's own targets: two files that differ in it mean the same.
_WITHOUT_MEANING = ("metadata",)


@dataclass(frozen=True)
class CanonicalSpec:
    """A target specification as the compiler at hand wants it: `json` is its text, `name` the file's stem."""

    name: str
    json: str
    changes: tuple[Change, ...]


class SpecErrors(BuildError):
    """Several errors in one file: each with its own place, in their order there."""

    def __init__(self, errors: Sequence[BuildError]) -> None:
        first = errors[0]
        super().__init__(
            first.message, file=first.file, line=first.line, column=first.column, hint=first.hint
        )
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(str(each) for each in self.errors)


def canonical(path: Path, compiler: Compiler) -> CanonicalSpec:
    """Read the target specification `path` and bring it up to date for `compiler`.

    Raises BuildError for what is wrong with it: all errors at once, one `FILE:LINE:COLUMN: error:` each.
    """
    draft = _read(path)
    _bring_up_to_date(draft, compiler)
    _raise(draft)
    text = _canonical_text(draft.fields)
    for complaint in compiler.complaints(path.stem, text):
        _refuse_for_compiler(draft, compiler, complaint)
    _raise(draft)
    return CanonicalSpec(path.stem, text, tuple(draft.changes))


def describe(changes: Iterable[Change], file: Path) -> list[str]:
    """One line for each change, to be shown to the user: `FILE: FIELD: OLD -> NEW (WHY)`."""
    return [f"{file.name}: {each.field}: {each.old} -> {each.new} ({each.why})" for each in changes]


def _read(path: Path) -> Draft:
    if not _NAME.fullmatch(path.stem):
        message = f"the file's name is the target's name too; {path.stem!r} is none"
        hint = "rename it: letters, digits, and - _ . are good"
        raise BuildError(message, file=path, line=1, column=1, hint=hint)
    document = read_json(path)
    if not isinstance(document.value, dict):
        raise document.value_error((), "a target specification is a JSON object: { ... }")
    return Draft(document)


def _bring_up_to_date(draft: Draft, compiler: Compiler) -> None:
    schema = Schema(compiler.schema)
    near = _nearest(draft, compiler)
    spellings = Spellings(compiler.rules, schema, compiler.targets)
    upgrade_keys(draft, schema, compiler.rules)
    upgrade_values(draft, schema, near.specification.get("stack-probes") if near else None, spellings)
    check_features(draft, spellings)
    if near is not None:
        _check_machine(draft, near)
        _check_layout(draft, near)
    _check_keys(draft, schema, compiler, near)
    draft.refuse_more(
        (path, message, hint or _rule_for_value(draft, compiler, path))
        for path, message, hint in schema.problems(draft.fields)
    )


def _rule_for_value(draft: Draft, compiler: Compiler, path: JsonPath) -> str | None:
    key = str(path[0])
    value = draft.fields.get(key)
    return compiler.rule_for(key, value) if len(path) == 1 and isinstance(value, str) else None


def _nearest(draft: Draft, compiler: Compiler) -> Nearest | None:
    llvm_target = draft.fields.get("llvm-target")
    if not isinstance(llvm_target, str):
        return None
    machines = frozenset(machine(each["llvm-target"]) for each in compiler.targets.values())
    if machine(llvm_target) not in machines:
        _refuse_machine(draft, compiler, llvm_target)
        return None
    return nearest(llvm_target, compiler.targets)


def _refuse_machine(draft: Draft, compiler: Compiler, llvm_target: str) -> None:
    triples = {*compiler.targets, *(each["llvm-target"] for each in compiler.targets.values())}
    near = closest(llvm_target, triples)
    message = f'no machine of {compiler.name} is called "{machine(llvm_target)}"'
    draft.refuse(("llvm-target",), message, hint=f'did you mean "{near}"?' if near else None)


def _check_machine(draft: Draft, near: Nearest) -> None:
    """What follows from `llvm-target` alone; rustc does not compare all of it."""
    for key, usual in (("arch", None), ("target-pointer-width", None), ("target-endian", "little")):
        found, right = draft.fields.get(key, usual), near.specification.get(key, usual)
        if type(found) is type(right) and found != right:  # to isinstance, true is a number
            told = f'"{key}" is {json.dumps(found)}; for {_llvm_target(draft)} it must be {json.dumps(right)}'
            draft.refuse((key,), told)


def _check_layout(draft: Draft, near: Nearest) -> None:
    """rustc compares the layout with LLVM's only when it compiles; an older spelling of it is mended."""
    found, current = draft.fields.get("data-layout"), near.specification["data-layout"]
    if not isinstance(found, str) or found in near.layouts:
        return
    added = added_since(found, current)
    if added is not None:
        now = f"now states {', '.join(added)}" if added else "is spelt so"
        draft.put("data-layout", current, f"LLVM's layout for {_llvm_target(draft)} {now}")
        return
    told = (
        f'the data layout contradicts "llvm-target": {difference(found, current)} for {_llvm_target(draft)}'
    )
    draft.refuse(("data-layout",), told, hint=f'LLVM\'s is "{current}"')


def _llvm_target(draft: Draft) -> Json:
    return draft.fields["llvm-target"]


def _check_keys(draft: Draft, schema: Schema, compiler: Compiler, near: Nearest | None) -> None:
    for key in draft.fields.keys() - schema.keys if schema.closed else ():
        meant = closest_key(key, schema.keys - draft.fields.keys())
        end = f"; did you mean `{meant}`?" if meant else ""
        hint = None if meant else compiler.rule_for(key) or _LISTED_BY
        draft.refuse_key(key, f'{compiler.name} knows no key "{key}"{end}', hint=hint)
    for key in schema.required:
        if key not in draft.fields:
            right = near.specification.get(key) if near and key != "llvm-target" else "x86_64-unknown-none"
            hint = None if right is None else f"add {json.dumps(key)}: {json.dumps(right)}"
            draft.refuse((), f'the key "{key}" is missing', hint=hint)


def _refuse_for_compiler(draft: Draft, compiler: Compiler, complaint: str) -> None:
    """What only the compiler knows to be wrong, at the field that it seems to be about."""
    if "recognized feature" in complaint or "target feature" in complaint:
        key = "features"
    elif "recognized processor" in complaint:
        key = "cpu"
    else:
        words = re.findall(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", complaint)
        key = next((word for word in (each.replace("_", "-") for each in words) if word in draft.fields), "")
    draft.refuse((key,), f"{compiler.name} refuses this target: {complaint}")


def _raise(draft: Draft) -> None:
    errors = sorted(draft.errors, key=lambda error: (error.line or 0, error.column or 0))
    if len(errors) > 1:
        raise SpecErrors(errors)
    if errors:
        raise errors[0]


def _canonical_text(fields: dict[str, Json]) -> str:
    kept = {key: value for key, value in fields.items() if key not in _WITHOUT_MEANING}
    return json.dumps(kept, indent=2, sort_keys=True) + "\n"
