"""Values of target specifications that have had several spellings, and the one that a compiler has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bootimage.base.lazy_dataclass import dataclass
from bootimage.target_spec.compiler_facts import Specification
from bootimage.target_spec.json_positions import Json
from bootimage.target_spec.target_schema import Schema
from bootimage.toolchain.rule_files import Rules


@dataclass(frozen=True)
class Spellings:
    """The rules about spellings, and what the compiler knows: by its schema, else by its built-in targets."""

    rules: Rules
    schema: Schema
    targets: Mapping[str, Specification]

    def of(self, key: str, value: Json) -> Sequence[str]:
        """All spellings of the `value` of `key`, that one included; none for a value without others."""
        rows = (row for row in self.rules.rows["specification-value"] if row["key"] == key)
        return next((row["spellings"] for row in rows if value in row["spellings"]), ())

    def current(self, key: str, value: Json) -> tuple[Json, str]:
        """How the compiler spells the `value` of `key`, and why; unchanged where it knows no spelling."""
        known = self._known(key)
        for row in self.rules.rows["specification-value"]:
            if row["key"] == key and value in row["spellings"] and value not in known:
                new = next((each for each in row["spellings"] if each in known), value)
                return new, row.get("why", "by your rules")
        return value, ""

    def _known(self, key: str) -> Sequence[str]:
        stated = self.schema.choices(key)
        return stated or [str(each[key]) for each in self.targets.values() if key in each]
