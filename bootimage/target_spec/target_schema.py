"""The schema that a compiler prints for its target specifications, and what a specification has against it.

The messages are our own, since a schema validator's own are about schemas. That of rustc uses `$ref`,
`anyOf`, `oneOf`, `const`, `enum`, plain types, and the formats `uint16`, `uint32` and `uint64`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bootimage.base.errors import closest
from bootimage.base.lazy_dataclass import dataclass
from bootimage.target_spec.json_positions import Json, JsonPath

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_WORDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a string",
    "array": "a list",
    "object": "an object",
}


@dataclass(frozen=True)
class Schema:
    """A JSON Schema of target specifications."""

    root: Mapping[str, Any]

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys that it names."""
        return frozenset(self.root["properties"])

    @property
    def closed(self) -> bool:
        """Whether there are no keys but those."""
        return self.root.get("additionalProperties", True) is False

    @property
    def required(self) -> tuple[str, ...]:
        """The keys that must be there."""
        return tuple(self.root.get("required", ()))

    def types(self, key: str) -> frozenset[str]:
        """The JSON types that the value of `key` may have; none for an unknown key."""
        alternatives = self.alternatives(self.root["properties"].get(key, {}))
        return frozenset(name for each in alternatives for name in _types(each))

    def choices(self, key: str) -> tuple[str, ...]:
        """The strings among which `key` chooses; none where any string will do."""
        return self.strings(self.root["properties"].get(key, {}))

    def strings(self, part: Mapping[str, Any]) -> tuple[str, ...]:
        """The strings that `part` of the schema lists."""
        return tuple(text for each in self.alternatives(part) for text in _listed(each))

    def alternatives(self, part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """`part` taken apart into what it may be, without references and choices."""
        if "$ref" in part:
            part = self.root["$defs"][part["$ref"].rsplit("/", 1)[-1]]
        choices = part.get("anyOf") or part.get("oneOf")
        if not choices:
            yield part
            return
        for each in choices:
            yield from self.alternatives(each)

    def problems(self, fields: Mapping[str, Json]) -> list[tuple[JsonPath, str, str | None]]:
        """What is wrong with the values of `fields`: path, message, and a hint where there is one."""
        errors = [leaf for error in self._validator.iter_errors(dict(fields)) for leaf in _leaves(error)]
        return [(tuple(error.absolute_path), *self._told(error)) for error in errors if error.absolute_path]

    def _told(self, error: ValidationError) -> tuple[str, str | None]:
        path, found = tuple(error.absolute_path), error.instance
        if error.validator == "required":
            missing = next(key for key in error.validator_value if key not in found)
            return f'{_name(path)} lacks "{missing}"', None
        wanted = self.wanted(error.schema)
        near = closest(str(found), self.strings(error.schema))
        hint = f'did you mean "{near}"?' if near and isinstance(found, str) else None
        return f"{_name(path)} must be {wanted}, found {_found(found)}", hint

    def wanted(self, part: Mapping[str, Any]) -> str:
        """`part` of the schema in words: `true or false`, `one of "a", "b"`."""
        strings = self.strings(part)
        words = (
            [f"one of {', '.join(map(_quoted, strings))}" if len(strings) > 1 else f'"{strings[0]}"']
            if strings
            else []
        )
        words += [_in_words(each) for each in self.alternatives(part) if not _listed(each)]
        return " or ".join(dict.fromkeys(word for word in words if word))

    @cached_property
    def _validator(self) -> Any:
        from jsonschema import Draft202012Validator, FormatChecker
        from jsonschema.validators import extend

        # rustc takes no 64.0 for an integer, which JSON Schema does.
        whole = Draft202012Validator.TYPE_CHECKER.redefine(
            "integer", lambda _checker, value: _is_whole(value)
        )
        formats = FormatChecker(formats=())
        for bits in (8, 16, 32, 64):
            formats.checks(f"uint{bits}")(lambda value, bits=bits: not _is_whole(value) or value < 1 << bits)
        return extend(Draft202012Validator, type_checker=whole)(dict(self.root), format_checker=formats)


def closest_key(word: str, known: frozenset[str]) -> str | None:
    """The key of `known` that `word` is most likely meant to be."""
    return closest(word.lower().replace("_", "-"), known, cutoff=0.7)


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """The errors to tell: of alternatives, those of the one that was evidently meant."""
    branches: dict[Any, list[ValidationError]] = {}
    for each in error.context or ():
        branches.setdefault(each.relative_schema_path[0], []).append(each)
    meant = [errors for errors in branches.values() if not any(map(_other_kind, errors))]
    if len(meant) != 1:
        yield error
        return
    for each in meant[0]:
        yield from _leaves(each)


def _other_kind(error: ValidationError) -> bool:
    """Whether the value is not even of the kind that this alternative is about."""
    return error.validator == "const" or (error.validator == "type" and not error.relative_path)


def _types(part: Mapping[str, Any]) -> tuple[str, ...]:
    types = part.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)


def _listed(part: Mapping[str, Any]) -> tuple[str, ...]:
    return (part["const"],) if "const" in part else tuple(part.get("enum", ()))


def _in_words(part: Mapping[str, Any]) -> str:
    words = [_WORDS[each] for each in _types(part) if each in _WORDS]
    kind = part.get("properties", {}).get("kind", {}).get("const")
    if kind is not None:
        return f'{{"kind": "{kind}"}}'
    if part.get("items", {}).get("type") == "string":
        return "a list of strings"
    if "maximum" in part:
        words.append(f"up to {part['maximum']}")
        return " ".join(words)
    if "pattern" in part:
        return f"a string like {part['pattern']}"
    return " or ".join(words)


def _name(path: JsonPath) -> str:
    first, *rest = path
    return f'"{first}"' + "".join(f"[{part}]" if isinstance(part, int) else f'."{part}"' for part in rest)


def _found(value: Json) -> str:
    match value:
        case str():
            return f"the string {_quoted(value)}"
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
    return "an object"


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= 60 else f'"{text[:57]}..."'


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
