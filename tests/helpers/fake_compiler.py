"""For tests of target specifications: a compiler that is no program, and short ways to ask for results."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bootimage.base.errors import BuildError
from bootimage.target_spec.canonical_spec import CanonicalSpec, canonical
from bootimage.toolchain.rule_files import Rules, read_rules

X86_64 = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
X86 = "e-m:e-p:32:32-p270:32:32-p271:32:32-p272:64:64-i128:128-f64:32:64-f80:32-n8:16:32-S128"

_BOOLEANS = ("disable-redzone", "executables", "has-thread-local", "is-like-darwin", "plt-by-default")
_STRINGS = ("cpu", "features", "linker", "os", "vendor", "env", "default-codegen-backend")
_ARGUMENTS = ("pre-link-args", "late-link-args", "post-link-args", "pre-link-objects", "post-link-objects")


def _optional(name: str, **more: Any) -> dict[str, Any]:
    return {"type": [name, "null"], **more}


def _choice(*strings: str) -> dict[str, Any]:
    return {"anyOf": [{"type": "string", "enum": list(strings)}, {"type": "null"}]}


def _kind(name: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"kind": {"type": "string", "const": name}},
        "required": ["kind"],
    }


SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["llvm-target", "target-pointer-width", "data-layout", "arch"],
    "properties": {
        "llvm-target": {"type": "string"},
        "data-layout": {"type": "string"},
        "arch": {"$ref": "#/$defs/Arch"},
        "target-pointer-width": {"type": "integer", "format": "uint16", "minimum": 0, "maximum": 65535},
        "target-c-int-width": _optional("integer", format="uint16", minimum=0, maximum=65535),
        "max-atomic-width": _optional("integer", format="uint64", minimum=0),
        "default-dwarf-version": _optional("integer", format="uint32", minimum=0),
        "target-endian": _choice("big", "little"),
        "code-model": _choice("tiny", "small", "kernel", "medium", "large"),
        "relocation-model": _choice("static", "pic"),
        "frame-pointer": _choice("always", "non-leaf", "may-omit"),
        "panic-strategy": _choice("unwind", "abort"),
        "default-visibility": _choice("hidden", "protected", "interposable"),
        "linker-flavor": _choice("gnu", "gnu-lld", "gnu-cc", "gcc", "ld", "ld.lld", "msvc", "msvc-lld"),
        "rustc-abi": {"anyOf": [{"$ref": "#/$defs/RustcAbi"}, {"type": "null"}]},
        "stack-probes": {"anyOf": [{"$ref": "#/$defs/StackProbeType"}, {"type": "null"}]},
        "llvm-args": _optional("array", items={"type": "string"}),
        "metadata": _optional("object"),
        **{key: _optional("boolean") for key in _BOOLEANS},
        **{key: _optional("string") for key in _STRINGS},
        **{
            key: _optional("object", additionalProperties={"type": "array", "items": {"type": "string"}})
            for key in _ARGUMENTS
        },
    },
    "$defs": {
        "Arch": {"type": "string"},
        "RustcAbi": {
            "oneOf": [{"type": "string", "const": "x86-sse2"}, {"type": "string", "const": "softfloat"}]
        },
        "StackProbeType": {"oneOf": [_kind("none"), _kind("inline"), _kind("call")]},
    },
}

TARGETS: dict[str, dict[str, Any]] = {
    "x86_64-unknown-none": {
        "llvm-target": "x86_64-unknown-none-elf",
        "arch": "x86_64",
        "data-layout": X86_64,
        "target-pointer-width": 64,
        "features": "-mmx,-sse,+soft-float",
        "rustc-abi": "softfloat",
        "stack-probes": {"kind": "inline"},
    },
    "x86_64-unknown-linux-gnu": {
        "llvm-target": "x86_64-unknown-linux-gnu",
        "arch": "x86_64",
        "data-layout": X86_64,
        "target-pointer-width": 64,
    },
    "x86_64-unknown-uefi": {
        "llvm-target": "x86_64-unknown-windows",
        "arch": "x86_64",
        "data-layout": X86_64.replace("m:e", "m:w"),
        "target-pointer-width": 64,
    },
    "i686-unknown-linux-gnu": {
        "llvm-target": "i686-unknown-linux-gnu",
        "arch": "x86",
        "data-layout": X86,
        "target-pointer-width": 32,
    },
    "sparc-unknown-none-elf": {
        "llvm-target": "sparc-unknown-none-elf",
        "arch": "sparc",
        "data-layout": "E-m:e-p:32:32-i64:64-i128:128-f128:64-n32-S64",
        "target-endian": "big",
        "target-pointer-width": 32,
    },
}


@dataclass(frozen=True)
class FakeCompiler:
    """Speaks in the manner of rustc 1.97, and complains of nothing unless told to."""

    name: str = "rustc 1.97.0-nightly"
    schema: Mapping[str, Any] = field(default_factory=lambda: SCHEMA)
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: TARGETS)
    told: tuple[str, ...] = ()
    rules: Rules = field(default_factory=lambda: read_rules({"HOME": "/nowhere"}))

    def rule_for(self, key: str, value: str | None = None) -> str | None:
        """It has been tried."""
        return None

    def complaints(self, name: str, specification: str) -> tuple[str, ...]:
        """What it was made to tell."""
        return self.told


GOOD: dict[str, Any] = {
    "llvm-target": "x86_64-unknown-none",
    "data-layout": X86_64,
    "arch": "x86_64",
    "target-pointer-width": 64,
}
"""A specification with which nothing is wrong. Written with indent=0, its keys stand in lines 2 to 5."""


def canonical_of(fields: Any, compiler: FakeCompiler | None = None) -> CanonicalSpec:
    """The result for a file `my_os.json` with `fields` (or, given a string, with that text)."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "my_os.json")
        text = fields if isinstance(fields, str) else json.dumps(fields, indent=0)
        file.write_text(text, encoding="utf-8")
        return canonical(file, compiler or FakeCompiler())


def refusal(fields: Any, compiler: FakeCompiler | None = None) -> list[str]:
    """The lines that the user sees for such a file, from `LINE:COLUMN: error:` on."""
    with pytest.raises(BuildError) as caught:
        canonical_of(fields, compiler)
    return [line.partition("my_os.json:")[2] or line.strip() for line in str(caught.value).splitlines()]


def refusal_of_line(line: str) -> str:
    """What the user sees first when `line` is line 6 of an otherwise good file."""
    return refusal(json.dumps(GOOD, indent=0).rstrip("}\n") + f",\n{line}\n}}")[0]
