"""Platform conditions: the grammar, and what rustc prints."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootimage.cargo.cfg import cfg_set, matches, parse

NONE = cfg_set(
    'panic="abort"\ntarget_arch="x86_64"\ntarget_feature="sse"\ntarget_feature="fxsr"\n\nlinux\ntrue\n'
)


@pytest.mark.parametrize(
    ("key", "applies"),
    [
        ("cfg(linux)", True),
        ("cfg( linux )", True),
        ("cfg(windows)", False),
        ('cfg(target_arch = "x86_64")', True),
        ('cfg(target_arch="x86")', False),
        ("cfg(target_arch)", False),
        ('cfg(linux = "x")', False),
        ('cfg(target_feature = "fxsr")', True),
        ("cfg(all())", True),
        ("cfg(any())", False),
        ('cfg(all(linux, target_arch = "x86_64",))', True),
        ("cfg(all(linux, windows))", False),
        ("cfg(any(windows, linux))", True),
        ("cfg(not(any(windows, not(linux))))", True),
        ("cfg(true)", True),
        ("cfg(false)", False),
        ("cfg(r#true)", True),
        ("cfg(not(r#false))", True),
        # Not a condition, or malformed: cargo lets such a table lie.
        ("x86_64-blog_os", False),
        ("cfg()", False),
        ("cfg(all(linux)", False),
        ("cfg(not(linux, linux))", False),
        ("cfg(linux linux)", False),
        ("cfg(-linux)", False),
        ('cfg(linux, "x")', False),
    ],
)
def test_matches(key: str, applies: bool) -> None:
    assert matches(key, NONE) is applies


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("all(a", "expected ,, found end of the condition"),
        ("a b", "expected end of the condition, found b"),
        ("a = b", "expected string, found b"),
        ("not()", "`not` takes one condition, found 0"),
        ('a = "open', 'cannot read `"open`'),
    ],
)
def test_malformed(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


Tree = Any
TREES = st.recursive(
    st.sampled_from(["linux", "windows"]),
    lambda inner: st.tuples(st.sampled_from(["all", "any", "not"]), st.lists(inner, max_size=3)),
    max_leaves=10,
)


@given(TREES)
def test_every_nesting(tree: Tree) -> None:
    assert matches(f"cfg({_written(tree)})", NONE) is _value(tree)


def _written(tree: Tree) -> str:
    if isinstance(tree, str):
        return tree
    word, parts = tree
    return f"{word}({', '.join(map(_written, parts[:1] or ['linux'] if word == 'not' else parts))})"


def _value(tree: Tree) -> bool:
    if isinstance(tree, str):
        return tree == "linux"
    word, parts = tree
    values = [_value(part) for part in parts]
    return {"all": all(values), "any": any(values), "not": not values[0] if values else False}[word]


@pytest.mark.rust
def test_what_rustc_prints() -> None:
    command = ["rustc", "--print", "cfg", "--target", "x86_64-unknown-linux-gnu"]
    printed = cfg_set(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert {("unix", None), ("target_os", "linux"), ("target_pointer_width", "64")} < printed
