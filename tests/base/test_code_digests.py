"""The digest of code: what only people read in it does not count, and what it does counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootimage.base.code_digests import CodeDigests

_CODE = '''"""A module."""

LIMIT = 3  # of something


def double(number: int) -> int:
    """Twice as much."""
    return number * 2
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "code"
    (made / "deeper").mkdir(parents=True)
    (made / "one.py").write_text(_CODE)
    (made / "deeper/table.toml").write_text("# for tests\nnumber = 1\n")
    (made / "README.md").write_text("not code")
    return made


def _digests(folder: Path) -> dict[str, str]:
    return dict(CodeDigests(folder / "__pycache__" / "digests").of(folder))


def test_code_and_tables_have_one_each(folder: Path) -> None:
    assert list(_digests(folder)) == ["deeper/table.toml", "one.py"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A module."""', '"""Another text,\n\nof three lines."""'),
        ("  # of something", "  # of something else"),
        ('    """Twice as much."""\n', ""),
        ("\n\ndef double", "\n\n\n\n# More air.\ndef double"),
        ("(number: int)", "(\n    number: int,\n)"),
    ],
)
def test_what_only_people_read_does_not_count(folder: Path, old: str, new: str) -> None:
    before = _digests(folder)
    assert old in _CODE
    (folder / "one.py").write_text(_CODE.replace(old, new))
    assert _digests(folder) == before


@pytest.mark.parametrize(
    ("old", "new"), [("LIMIT = 3", "LIMIT = 4"), ("* 2", "* 3"), ("number", "amount"), ("int)", "float)")]
)
def test_what_code_does_counts(folder: Path, old: str, new: str) -> None:
    before = _digests(folder)
    (folder / "one.py").write_text(_CODE.replace(old, new))
    after = _digests(folder)
    assert after["one.py"] != before["one.py"]
    assert after["deeper/table.toml"] == before["deeper/table.toml"]


def test_a_table_counts_by_its_values(folder: Path) -> None:
    before, table = _digests(folder), folder / "deeper/table.toml"
    table.write_text("number = 1  # still\n")
    assert _digests(folder) == before
    table.write_text("number = 2\n")
    assert _digests(folder) != before


def test_a_file_in_the_middle_of_an_edit_has_one_too(folder: Path) -> None:
    (folder / "one.py").write_text("def double(")
    before = _digests(folder)
    (folder / "one.py").write_text("def double((")
    assert _digests(folder) != before


def test_removed_and_added_files_count(folder: Path) -> None:
    (folder / "one.py").rename(folder / "two.py")
    assert list(_digests(folder)) == ["deeper/table.toml", "two.py"]


def test_what_is_remembered_is_not_asked_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _digests(folder)
    monkeypatch.setattr("bootimage.base.code_digests._digest", lambda _file: pytest.fail("read again"))
    assert _digests(folder) == before


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"one\n", b"0 1:2:3:4 one.py\n\n", b" \n"])
def test_a_damaged_memory_counts_as_none(folder: Path, damage: bytes) -> None:
    before = _digests(folder)
    (folder / "__pycache__/digests").write_bytes(damage)
    assert _digests(folder) == before


def test_a_folder_that_cannot_be_written_is_read_each_time(folder: Path) -> None:
    before = _digests(folder)
    cache = folder / "__pycache__"
    (cache / "digests").unlink()
    cache.rmdir()
    cache.write_text("in the way")  # root may write into every folder
    assert _digests(folder) == before
    assert not cache.is_dir()
