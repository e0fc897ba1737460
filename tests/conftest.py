"""Tests that take too long for every run: `./sconsw test --NAME` runs those of one name, and nothing else.

Such a test bears the mark `long("NAME")`. Without an option none of them runs.
"""

from __future__ import annotations

import pytest

LONG = {
    "versions": "the tests of the graph with every Python, SCons and library that is allowed",
    "configurations": "200 configurations of a user, none of which may reach a loader or core",
    "kills": "kill -9 at random moments of build, edit and clean: N times, 500 by default",
}
"""What each option runs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("long tests", "each option runs these tests alone")
    for name, what in LONG.items():
        # The number is for those that repeat something.
        group.addoption(f"--{name}", nargs="?", type=int, const=500, metavar="N", help=what)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    asked = {name for name in LONG if config.getoption(name)}
    kept = [item for item in items if _names(item) & asked or not (_names(item) or asked)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def _names(item: pytest.Item) -> set[str]:
    return {str(name) for mark in item.iter_markers("long") for name in mark.args}
