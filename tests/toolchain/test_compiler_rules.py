"""Rules about compilers: which files count, for which compilers a row is, and what depends on them."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from fake_toolchain import program, rustc
from jsonschema import Draft202012Validator

from bootimage.base.errors import BuildError
from bootimage.loader.pinned_crates import holds_key
from bootimage.toolchain import compiler_rules as rules_module
from bootimage.toolchain import fact_cache
from bootimage.toolchain.compiler_rules import Version, compiler_rules
from bootimage.toolchain.rule_files import NAME, PACKAGE, SHIPPED, read_rules
from bootimage.toolchain.toolchain import Toolchain, ToolchainRequest, find_toolchain

CHECKOUT = Path(__file__).resolve().parents[2]
NEWER = 'written = "2099-01-01"\nformat = 1\n'
FLAG = """
[[argument]]
name = "tomorrow"
program = "cargo"
when = "always"
words = ["-Ztomorrow"]
why = "a test"
"""
PIN = """
[[pinned-crate]]
name = "volatile of tomorrow"
crate = "volatile"
series = "0.4"
bound = "at least"
version = "0.4.6"
checksum = "442887c63f2c839b346c192d047a7c87e73d0689c9157b00b53dcc27dd5ea793"
why = "a test"
"""


@pytest.fixture(autouse=True)
def remembers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fact_cache, "_known", {})


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "bin")}


def users(environ: dict[str, str], text: str) -> Path:
    """The user's own file, with `text`."""
    path = Path(environ["HOME"], ".config/rustkernel", NAME)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def package(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The package, installed in `folder`, with `text` as its rules."""
    (folder / PACKAGE).mkdir(parents=True)
    (folder / PACKAGE / "__init__.py").touch()
    (folder / PACKAGE / NAME).write_text(text)
    monkeypatch.syspath_prepend(str(folder))


def words(environ: dict[str, str], release: str = "1.97.0", day: str = "2026-06-30") -> list[str]:
    version = Version(release, day)
    return compiler_rules(version, version, environ).words("cargo", "kernel", "always")


def toolchain(folder: Path, environ: dict[str, str]) -> Toolchain:
    compiler = rustc(folder / "usr", "1.97.0-nightly")
    return find_toolchain(ToolchainRequest(folder, rustc=str(compiler), environ=environ))


def test_the_users_file_adds_replaces_and_takes_away(environ: dict[str, str]) -> None:
    assert words(environ) == []
    users(environ, FLAG)
    assert words(environ) == ["-Ztomorrow"]
    users(environ, FLAG.replace("-Ztomorrow", "-Zother"))
    assert words(environ) == ["-Zother"]
    off = '[[argument]]\nname = "target specifications"\noff = true\n'
    users(environ, off)
    version = Version("1.97.0", "2026-06-30")
    assert compiler_rules(version, version, environ).words("cargo", "json-target") == []


def test_the_order_is_ours_the_packages_the_users(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "site", monkeypatch, NEWER + FLAG.replace("-Ztomorrow", "-Zpackage"))
    assert words(environ) == ["-Zpackage"]
    users(environ, FLAG)
    assert words(environ) == ["-Ztomorrow"]


@pytest.mark.parametrize(
    "head", ['written = "2020-01-01"\nformat = 1\n', 'written = "2099-01-01"\nformat = 2\n']
)
def test_an_older_package_and_one_for_a_later_program_do_not_count(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    package(tmp_path / "site", monkeypatch, f"{head}{FLAG}\n[[of-tomorrow]]\nname = 1\n")
    assert words(environ) == []


def test_the_package_is_found_without_being_imported(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "site", monkeypatch, NEWER + FLAG)
    (tmp_path / "site" / PACKAGE / "__init__.py").write_text("raise SystemExit('imported')")
    assert words(environ) == ["-Ztomorrow"]
    assert PACKAGE not in sys.modules


def test_a_folder_that_one_is_in_brings_no_rules(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "site", monkeypatch, NEWER + FLAG)
    monkeypatch.chdir(tmp_path / "site")
    assert words(environ) == []


BAD = {
    "[[argument]]\nname = 3\n": (2, "3 is not of type 'string'"),
    FLAG + "[[argumint]]\nname = 1\n": (8, "'argumint'"),
    FLAG.replace("why", "because"): (7, "'because' was unexpected"),
    FLAG.replace('when = "always"', 'when = "never"'): (5, "'never' is not one of"),
    FLAG.replace('program = "cargo"\n', ""): (2, "'program' is a required property"),
    FLAG + 'since = { nightly = "tomorrow", release = "1.99.0" }\n': (8, "'tomorrow' does not match"),
    PIN.replace("0.4.6", "0.5.1"): (7, "version 0.5.1 is not of the series 0.4"),
    PIN.replace("442887c6", "xyz"): (8, "does not match"),
    "[[argument]\n": (1, "this is not TOML"),
    "format = 2\n": (1, "1 was expected"),
    '\n[[specification-key]]\nkey = ["a", 5]\n': (3, "5 is not of type 'string'"),
}


@pytest.mark.parametrize("text", BAD)
def test_bad_rules(environ: dict[str, str], text: str) -> None:
    line, message = BAD[text]
    path = users(environ, text)
    with pytest.raises(BuildError) as caught:
        words(environ)
    assert (caught.value.file, caught.value.line) == (path, line)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("release", "day", "applies"),
    [
        ("1.98.0-nightly", "2026-07-05", False),
        ("1.98.0-nightly", "2026-07-06", True),
        ("1.99.0-nightly", "unknown", True),
        ("1.98.1", "2027-01-01", False),
        ("1.99.0", "2026-01-01", True),
        ("1.99.0-beta.2", "2026-01-01", True),
        ("1.100.0", "", True),
    ],
)
def test_for_which_compilers_a_row_is(environ: dict[str, str], release: str, day: str, applies: bool) -> None:
    bound = '{ nightly = "2026-07-06", release = "1.99.0" }\n'
    users(environ, f"{FLAG}since = {bound}")
    assert words(environ, release, day) == ["-Ztomorrow"] * applies
    users(environ, f"{FLAG}before = {bound}")
    assert words(environ, release, day) == ["-Ztomorrow"] * (not applies)


def test_arguments_of_cargo_go_by_cargos_version(environ: dict[str, str]) -> None:
    old, new = Version("1.95.0", "2026-04-14"), Version("1.99.0", "")
    users(environ, f'{FLAG}since = {{ nightly = "2026-04-11", release = "1.97.0" }}\n')
    late = ["-Ztomorrow"]
    for rustc_, cargo, flags in ((old, old, []), (old, new, late), (new, old, []), (new, new, late)):
        assert compiler_rules(rustc_, cargo, environ).words("cargo", "kernel", "always") == flags


def test_what_depends_on_the_rules(environ: dict[str, str], tmp_path: Path) -> None:
    before = toolchain(tmp_path, environ)
    later = '{ nightly = "2099-01-01", release = "9.0.0" }\n'
    for of_no_matter in (f"{FLAG}since = {later}", f"{PIN}since = {later}"):
        users(environ, of_no_matter)
        same = toolchain(tmp_path, environ)
        assert (same.identity, holds_key(same, "0.11.17")) == (before.identity, holds_key(before, "0.11.17"))
    users(environ, FLAG)
    assert toolchain(tmp_path, environ).identity != before.identity
    users(environ, PIN)  # that is for loaders alone
    pinned = toolchain(tmp_path, environ)
    assert pinned.identity == before.identity
    assert holds_key(pinned, "0.11.17") != holds_key(before, "0.11.17")
    users(environ, '[[specification-value]]\nkey = "os"\nspellings = ["none", "nothing"]\n')
    assert toolchain(tmp_path, environ).identity != before.identity


def test_what_is_known_needs_no_file_read(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users(environ, FLAG)
    first = toolchain(tmp_path, environ).rules.words("cargo", "always")
    monkeypatch.setattr(fact_cache, "_known", {})  # another process

    def never(_environ: object) -> Any:
        raise AssertionError("read again")

    monkeypatch.setattr(rules_module, "read_rules", never)
    assert toolchain(tmp_path, environ).rules.words("cargo", "always") == first == ["-Ztomorrow"]


def test_another_cargo_counts(environ: dict[str, str], tmp_path: Path) -> None:
    compiler = rustc(tmp_path / "usr", "1.97.0-nightly")
    cargo = program(tmp_path / "own/cargo", "echo 'cargo 1.99.0 (0123456 2026-09-01)'")
    request = ToolchainRequest(tmp_path, rustc=str(compiler), cargo=str(cargo), environ=environ)
    found = find_toolchain(request)
    assert found.cargo_release == "1.99.0"
    assert found.bootstrap  # a stable cargo takes no -Z flags otherwise
    own = toolchain(tmp_path, environ)
    assert (own.cargo_release, own.bootstrap, own.rules.untried) == ("1.97.0-nightly", False, "")
    assert found.identity == f"{own.identity}cargo 1.99.0 (0123456 2026-09-01)\n"


def test_a_compiler_that_the_users_rules_call_tried(environ: dict[str, str]) -> None:
    version = Version("9.9.9", "2099-01-01")
    assert compiler_rules(version, version, environ).untried == "rustc 9.9.9"
    users(environ, '[[tried]]\nrelease = "9.9.9"\n')
    assert compiler_rules(version, version, environ).untried == ""


def test_the_shipped_file_is_of_the_format() -> None:
    schema = json.loads(SHIPPED.with_name("compiler_rules.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(tomllib.loads(SHIPPED.read_text()))


def test_the_package_is_of_the_shipped_file() -> None:
    data = tomllib.loads((CHECKOUT / "rules/pyproject.toml").read_text())
    written = tomllib.loads(SHIPPED.read_text())["written"]
    assert data["project"]["version"] == ".".join(str(int(part)) for part in written.split("-"))
    assert (CHECKOUT / "rules" / PACKAGE / NAME).resolve() == SHIPPED
    assert data["tool"]["setuptools"]["package-data"] == {PACKAGE: [NAME]}


def test_the_page_describes_every_field() -> None:
    page = (CHECKOUT / "docs/compilers.md").read_text()
    schema = json.loads(SHIPPED.with_name("compiler_rules.schema.json").read_text())
    for table in schema["properties"]:
        fields = schema["$defs"].get(table, {}).get("properties", {})
        missing = [field for field in (table, *fields) if f"`{field}`" not in page]
        assert not missing, f"{table}: {missing}"


def test_rules_of_nobody(environ: dict[str, str]) -> None:
    assert read_rules(environ).rows["pinned-crate"]
