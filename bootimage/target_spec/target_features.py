"""The `features` of a target specification, and what follows from them on x86: the float ABI.

On x86-64 floating point lives in SSE registers. Code that may not touch them needs `+soft-float`, and
rustc wants that said twice: as a feature, and as `rustc-abi` (rust PR 136146).
"""

from __future__ import annotations

from collections.abc import Mapping

from bootimage.target_spec.compiler_facts import Specification
from bootimage.target_spec.target_draft import Draft
from bootimage.target_spec.target_spellings import Spellings

_SOFT = "softfloat"
# All that imply SSE2 on x86-64, where LLVM reads features from left to right.
_WITH_SSE2 = ("sse2", "sse3", "ssse3", "sse4", "avx", "fma", "aes", "pclmul", "f16c", "xop", "sha")
_HINT = 'for a kernel: "features": "-mmx,-sse,+soft-float"'


def check_features(draft: Draft, spellings: Spellings) -> None:
    """Check `features`, drop what LLVM has dropped, and state the `rustc-abi` that goes with the rest."""
    value = draft.fields.get("features", "")
    if not isinstance(value, str):
        return
    features = value.split(",") if value else []
    if not _well_formed(draft, value, features):
        return
    gone = {
        row["feature"]: row.get("why", "by your rules") for row in spellings.rules.rows["dropped-feature"]
    }
    kept = [each for each in features if each[1:] not in gone]
    if kept != features:
        first = next(each for each in features if each[1:] in gone)
        draft.put("features", ",".join(kept), gone[first[1:]])
    if draft.fields.get("arch") in ("x86", "x86_64"):
        _float_abi(draft, kept, spellings)


def _well_formed(draft: Draft, value: str, features: list[str]) -> bool:
    if any(sign.isspace() for sign in value):
        together = "".join(value.split())
        message = 'there is a space in "features"; LLVM would take it for a part of a name'
        draft.refuse(("features",), message, hint=f'write "features": "{together}"')
        return False
    wrong = [each for each in features if len(each) < 2 or each[0] not in "+-"]
    if wrong:
        message = f'each feature starts with + or -, and has a name; found "{wrong[0]}" in "features"'
        draft.refuse(("features",), message, hint=_HINT)
    return not wrong


def _float_abi(draft: Draft, features: list[str], spellings: Spellings) -> None:
    soft = "+soft-float" in features
    stated = draft.fields.get("rustc-abi")
    if not soft and draft.fields.get("arch") == "x86_64" and not _has_sse2(features):
        message = '"features" turns sse off without +soft-float: floating point has no registers left'
        draft.refuse(("features",), message, hint=_HINT)
    elif not soft and stated in spellings.of("rustc-abi", _SOFT):
        draft.refuse(("rustc-abi",), f'"rustc-abi": "{stated}" needs +soft-float in "features"', hint=_HINT)
    elif soft:
        _state_soft_float(draft, spellings)


def _state_soft_float(draft: Draft, spellings: Spellings) -> None:
    spelling = _spelling(spellings.targets)
    if spelling is not None and draft.fields.get("rustc-abi") is None:
        draft.put("rustc-abi", spelling, "+soft-float needs it since rust PR 136146")


def _spelling(targets: Mapping[str, Specification]) -> str | None:
    """How this compiler's own soft-float targets for x86 name their ABI; None where they name none."""
    for target in targets.values():
        if target["arch"] == "x86_64" and "+soft-float" in target.get("features", "").split(","):
            return target.get("rustc-abi")
    return None


def _has_sse2(features: list[str]) -> bool:
    """Whether SSE2 is on, which it is unless said otherwise."""
    has = True
    for each in features:
        if each in ("-sse", "-sse2"):
            has = False
        elif each[0] == "+" and each[1:].startswith(_WITH_SSE2):
            has = True
    return has
