"""A compiler that nobody has tried: it is said once, and what it lacks is a rule that the user can add."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from fake_cargo import StandIns, make_stand_ins
from scons_project import FILES, Project, environment

UNTRIED = "rustc 1.105.0-nightly (2026-05-19) has not been tried with this program"
REFUSES = """\
case "$*" in
  "build "*-Ztomorrow* | "fetch "*-Ztomorrow* | "tree "*-Ztomorrow*) ;;
  "build "* | "fetch "* | "tree "*) echo 'error: this needs -Ztomorrow' >&2; exit 101 ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path, plugin: Path) -> Project:
    """One whose compiler is of a later time."""
    tools = make_stand_ins(tmp_path / "toolchain", "1.105.0-nightly")
    made = Project(tmp_path / "project", tools, environment(tmp_path / "home", tools))
    made.write(FILES)
    (made.root / "site_scons").symlink_to(plugin)
    return made


def refuse(tools: StandIns) -> None:
    """Let cargo ask for an argument."""
    cargo = tools.root / "bin/cargo"
    first, rest = cargo.read_text().split("\n", 1)
    cargo.write_text(f"{first}\n{REFUSES}{rest}")


def proposed(said: str) -> tuple[Path, str]:
    """The file that the error names, and the rule for it."""
    match = re.search(r"Add it to (\S+):\n((?: +\S.*\n?)+)", said)
    assert match, said
    return Path(match[1]), match[2]


def test_one_line_says_that_it_has_not_been_tried(project: Project) -> None:
    assert project.scons().count(UNTRIED) == 1
    assert UNTRIED not in project.scons()  # nothing is built


def test_the_rule_that_the_error_proposes_is_all_it_takes(project: Project) -> None:
    refuse(project.tools)
    file, rule = proposed(project.scons(status=2))
    assert tomllib.loads(rule)["argument"][0]["words"] == ["-Ztomorrow"]
    file.parent.mkdir(parents=True)
    file.write_text(rule)
    project.scons()
    project.scons("-q")
    file.unlink()  # what was made by the rule is not taken for what is made without it
    assert "this needs -Ztomorrow" in project.scons(status=2)


def test_a_key_that_it_knows_no_more(project: Project) -> None:
    project.edit("x86_64-my_os.json", '"arch"', '"machine-of-old": true, "arch"')
    file, rule = proposed(project.scons(status=2))
    assert tomllib.loads(rule)["specification-key"][0]["key"] == "machine-of-old"
    file.parent.mkdir(parents=True)
    file.write_text(re.sub("now = .*", "", rule))
    assert "x86_64-my_os.json: machine-of-old: true -> nothing" in project.scons()


def test_an_error_of_the_users_is_no_matter_of_rules(project: Project) -> None:
    project.write({"kernel/src/main.rs": "// reads nowhere\n"})
    assert "Add it to" not in project.scons(status=2)


def test_a_rule_that_is_wrong(project: Project) -> None:
    file = Path(project.environ["HOME"], ".config/rustkernel/compiler_rules.toml")
    file.parent.mkdir(parents=True)
    file.write_text('[[argument]]\nname = "x"\nprogramm = "cargo"\n')
    said = project.scons(status=2)
    assert f"{file}:3:1: error: [[argument]]: " in said
    assert "'programm' was unexpected" in said
