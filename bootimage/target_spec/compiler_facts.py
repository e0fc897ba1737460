"""What a compiler itself says of target specifications: its schema, its built-in targets, a trial.

All of it is behind `-Zunstable-options`. Each part is asked for when it is first needed (a call takes
20 to 50 ms) and kept for this process.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

from bootimage.base.errors import BuildError
from bootimage.base.json_text import parse_object
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.run_program import Finished, decode, run
from bootimage.toolchain.missing_rule import missing_key, missing_spelling
from bootimage.toolchain.rule_files import Rules, read_rules
from bootimage.toolchain.toolchain import Toolchain

Specification = Mapping[str, Any]
"""A target specification as Python's json reads it."""

# Nothing to compile, and yet LLVM is set up for the target and compares the data layout.
_TRIAL = '#![feature(no_core)]\n#![no_core]\n#![crate_type = "lib"]\n'
_UNKNOWN_TO_LLVM = re.compile(r"^'[^']*' is not a recognized (?:feature|processor) for this target", re.M)
_ERROR = re.compile(r"^error(?:\[\w+\])?: (?:error loading target specification: )?(.*)$", re.M)
_REQUIRED = ["llvm-target", "target-pointer-width", "data-layout", "arch"]
_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


class Compiler(Protocol):
    """What `target_spec` has to know of a compiler."""

    @property
    def name(self) -> str:
        """For messages: `rustc 1.95.0`."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema of its target specifications."""

    @property
    def targets(self) -> Mapping[str, Specification]:
        """Its built-in targets by name."""

    @property
    def rules(self) -> Rules:
        """The rules about compilers that count."""

    def rule_for(self, key: str, value: str | None = None) -> str | None:
        """The rule that may be missing where it refuses a `key`, or its `value`; None where it is known."""

    def complaints(self, name: str, specification: str) -> tuple[str, ...]:
        """What it has against a specification (JSON text) called `name`: one line each."""


@lru_cache(maxsize=8)
def _rustc(rustc: Path, environment: tuple[tuple[str, str], ...], toolchain: Toolchain | None) -> Rustc:
    return Rustc(rustc, dict(environment), toolchain)


def compiler_facts(
    rustc: Path, environment: Mapping[str, str], toolchain: Toolchain | None = None
) -> Compiler:
    """The facts about the compiler `rustc`, which runs in `environment`. Starts no program yet.

    Where it is of a `toolchain`, that knows its rules; else they are looked for in `environment`.
    """
    return _rustc(rustc, tuple(sorted(environment.items())), toolchain)


def facts_of(toolchain: Toolchain) -> Compiler:
    """The facts about a toolchain's compiler."""
    return compiler_facts(toolchain.rustc, toolchain.environment(), toolchain)


def is_builtin(name: str, compiler: Compiler) -> bool:
    """Whether `name` is a target that the compiler brings along (`x86_64-unknown-none`)."""
    return name in compiler.targets


@dataclass(frozen=True)
class Rustc:
    """A real compiler, asked as need be. Raises BuildError when it cannot answer."""

    rustc: Path
    environment: Mapping[str, str]
    toolchain: Toolchain | None

    @property
    def rules(self) -> Rules:
        """The program's, the package's and the user's."""
        return read_rules(self.toolchain.environ if self.toolchain else self.environment)

    def rule_for(self, key: str, value: str | None = None) -> str | None:
        """For a compiler that has been tried no rule is missing."""
        if self.toolchain is None:
            return None
        if value is None:
            return missing_key(self.toolchain, key)
        return missing_spelling(self.toolchain, key, value)

    @cached_property
    def name(self) -> str:
        """Its release as `rustc --version` tells it, without commit and date."""
        words = decode(self._ask("--version").or_fail(f"{self.rustc} is no Rust compiler").stdout).split()
        return " ".join(words[:2])

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The schema it prints; for a compiler that prints none, what its built-in targets show."""
        finished = self._ask("--print", "target-spec-json-schema")
        if finished.returncode != 0:
            return schema_by_example(self.targets)
        return self._json(finished)

    @cached_property
    def targets(self) -> Mapping[str, Specification]:
        """All built-in targets, from one call."""
        return self._json(
            self._ask("--print", "all-target-specs-json").or_fail(
                f"{self.name} does not print its built-in targets",
                hint="name a newer compiler: rustup toolchain install nightly",
            )
        )

    def complaints(self, name: str, specification: str) -> tuple[str, ...]:
        """Compile an empty crate for the specification and return the errors, and what LLVM does not know."""
        with tempfile.TemporaryDirectory(prefix="target-") as folder:
            file = Path(folder, f"{name}.json")
            file.write_text(specification, encoding="utf-8")
            finished = self._trial(str(file), Path(folder))
            # A trial that fails for a built-in target too tells nothing about the specification.
            if finished.returncode != 0 and self._trial(self._any_target(), Path(folder)).returncode != 0:
                return ()
        return _complaints(finished)

    def _any_target(self) -> str:
        usual = "x86_64-unknown-none"
        return usual if usual in self.targets else next(iter(self.targets))

    def _trial(self, target: str, folder: Path) -> Finished:
        source = folder / "trial.rs"
        source.write_text(_TRIAL, encoding="utf-8")
        return self._ask("--target", target, "--emit=obj", "-o", str(folder / "trial.o"), str(source))

    def _ask(self, *arguments: str) -> Finished:
        # What is asked here goes into no result, so a stable compiler may answer as well.
        environment = {**self.environment, "RUSTC_BOOTSTRAP": "1"}
        return run([self.rustc, "-Zunstable-options", *arguments], env=environment, quiet=True)

    def _json(self, finished: Finished) -> Mapping[str, Any]:
        try:
            return parse_object(finished.stdout)
        except ValueError as error:
            raise BuildError(f"{self.name} answers {' '.join(finished.argv[1:])} with no JSON") from error


def schema_by_example(targets: Mapping[str, Specification]) -> dict[str, Any]:
    """The keys and types that built-in targets use, as a schema: other keys may be there as well."""
    seen: dict[str, set[str]] = {}
    for target in targets.values():
        for key, value in target.items():
            seen.setdefault(key, {"null"}).add(_JSON_TYPES.get(type(value), "null"))
    properties = {key: {"type": sorted(types)} for key, types in seen.items()}
    return {"type": "object", "properties": properties, "required": _REQUIRED}


def _complaints(finished: Finished) -> tuple[str, ...]:
    text = decode(finished.stderr)
    unknown = [match.group() for match in _UNKNOWN_TO_LLVM.finditer(text)]
    errors = [] if finished.returncode == 0 else [_first_error(text)]
    return tuple(dict.fromkeys([*errors, *unknown]))


def _first_error(text: str) -> str:
    found = [match.group(1) for match in _ERROR.finditer(text)]
    told: Sequence[str] = [each for each in found if not each.startswith("internal compiler error")]
    return told[0] if told else (found or text.strip().splitlines() or ["it ended without a word"])[0]
