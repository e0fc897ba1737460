"""A target specification while it is brought up to date: its fields, what changed, what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.target_spec.json_positions import Document, Json, JsonPath

NOTHING = "nothing"
"""Stands for the old value of a field that was added, and the new one of a field that was removed."""


@dataclass(frozen=True)
class Change:
    """One field brought up to date: `old` and `new` are JSON texts, or NOTHING; `why` says the reason."""

    field: str
    old: str
    new: str
    why: str


class Draft:
    """The fields of `document` as they are now, with the changes and the errors so far.

    Every change is noted; every error knows the place in the user's file that it is about, also when
    the field has got another name since.
    """

    def __init__(self, document: Document) -> None:
        assert isinstance(document.value, dict)
        self.document = document
        self.fields: dict[str, Json] = dict(document.value)
        self.changes: list[Change] = []
        self.errors: list[BuildError] = []
        self._written_as: dict[str, str] = {key: key for key in self.fields}

    def put(self, key: str, value: Json, why: str) -> None:
        """Give the field `key` another value, or add it."""
        old = _text(self.fields[key]) if key in self.fields else NOTHING
        self.fields[key] = value
        self.changes.append(Change(self._name(key), old, _text(value), why))

    def drop(self, key: str, why: str) -> None:
        """Remove the field `key`."""
        self.changes.append(Change(self._name(key), _text(self.fields.pop(key)), NOTHING, why))

    def rename(self, key: str, name: str, value: Json, why: str) -> None:
        """Replace the field `key` by the field `name`."""
        new = f'"{name}": {_text(value)}'
        self.changes.append(Change(self._name(key), _text(self.fields.pop(key)), new, why))
        self.fields[name] = value
        self._written_as[name] = self._name(key)

    def forget(self, key: str) -> None:
        """Remove a field that means nothing, or that an error has been told about already."""
        self.fields.pop(key, None)

    def refuse(self, path: JsonPath, message: str, *, hint: str | None = None) -> None:
        """Note an error about the value at `path`, or about the file where no value of the user's is."""
        document, path = self.document, self._place(path)
        self.errors.append(document.value_error(path, message, hint=hint))

    def refuse_more(self, problems: Iterable[tuple[JsonPath, str, str | None]]) -> None:
        """Note errors (path, message, hint) about values of which none has been told yet."""
        told = list(self.errors)
        for path, message, hint in problems:
            error = self.document.value_error(self._place(path), message, hint=hint)
            if not any((error.line, error.column) == (each.line, each.column) for each in told):
                self.errors.append(error)

    def refuse_key(self, key: str, message: str, *, hint: str | None = None) -> None:
        """Note an error about the name of the field `key`."""
        self.errors.append(self.document.key_error((self._name(key),), message, hint=hint))

    def _name(self, key: str) -> str:
        """What the user wrote for the field `key`."""
        return self._written_as.get(key, key)

    def _place(self, path: JsonPath) -> JsonPath:
        """The longest part of `path` that the user's file has."""
        if path:
            path = (self._name(str(path[0])), *path[1:])
        while path not in self.document.values:
            path = path[:-1]
        return path


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
