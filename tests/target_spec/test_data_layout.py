"""Data layouts: older spellings of one layout are told from other layouts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootimage.target_spec.data_layout import added_since, difference

X86_64 = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
X86 = "e-m:e-p:32:32-p270:32:32-p271:32:32-p272:64:64-i128:128-f64:32:64-f80:32-n8:16:32-S128"
BEFORE_2014 = (
    "e-p:64:64:64-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-f32:32:32-f64:64:64-v64:64:64"
    "-v128:128:128-a0:0:64-s0:64:64-f80:128:128-n8:16:32:64-S128"
)


@pytest.mark.parametrize(
    ("old", "current", "added"),
    [
        (X86_64, X86_64, ""),
        ("e-m:e-i64:64-f80:128-n8:16:32:64-S128", X86_64, "p270:32:32 p271:32:32 p272:64:64 i128:128"),
        (X86_64.replace("-i128:128", ""), X86_64, "i128:128"),
        (BEFORE_2014, X86_64, "m:e p270:32:32 p271:32:32 p272:64:64 i128:128"),
        ("e-m:e-p:32:32-f64:32:64-f80:32-n8:16:32-S128", X86, "p270:32:32 p271:32:32 p272:64:64 i128:128"),
        ("-".join(reversed(X86.split("-"))), X86, ""),
    ],
)
def test_older_spellings(old: str, current: str, added: str) -> None:
    assert added_since(old, current) == tuple(added.split())


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (X86_64.replace("m:e", "m:w"), "it states m:w where LLVM's states m:e"),
        (X86_64.replace("e-m", "E-m"), "it states E where LLVM's states e"),
        (X86_64.replace("S128", "S64"), "it states S64 where LLVM's states S128"),
        (X86_64.replace("n8:16:32:64", "n8:16:32"), "it states n8:16:32 where LLVM's states n8:16:32:64"),
        (X86_64.replace("-f80:128", ""), "it lacks f80:128"),
        (X86, "it states p:32:32, which LLVM's does not"),
        ("banana", "it states banana, which LLVM's does not"),
        (f"{X86_64}-", "it states an empty part, which LLVM's does not"),
        ("", "it lacks e, i64:64, f80:128, n8:16:32:64, S128"),
    ],
)
def test_other_layouts(other: str, told: str) -> None:
    assert added_since(other, X86_64) is None
    assert difference(other, X86_64) == told


@settings(deadline=None)
@given(st.sets(st.sampled_from(X86_64.split("-"))))
def test_only_what_came_later_may_be_left_out(left_out: set[str]) -> None:
    old = "-".join(part for part in X86_64.split("-") if part not in left_out)
    came_later = {"m:e", "p270:32:32", "p271:32:32", "p272:64:64", "i128:128"}
    added = added_since(old, X86_64)
    assert (added is not None) == (left_out <= came_later)
    assert added is None or set(added) == left_out


@settings(deadline=None)
@given(st.text("emEpifvasnSFP0123456789:-"))
def test_any_text_is_the_same_an_older_spelling_or_different(layout: str) -> None:
    if added_since(layout, X86_64) is None:
        assert difference(layout, X86_64).startswith(("it states ", "it lacks "))
