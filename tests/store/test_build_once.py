"""Files of the build folder that come from the network cache, or go there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bootimage.base.errors import BuildError
from bootimage.base.file_digest import digest_of_files
from bootimage.store.build_once import SharedFiles, provide_files
from bootimage.store.record import Entry


@dataclass
class Remote:
    """A network cache that has `has`, and what it was asked for and offered."""

    has: bytes | None = None
    writes: bool = True
    asked: list[str] = field(default_factory=list)
    offered: list[Entry] = field(default_factory=list)

    def fetch_files(self, _store: Any, key: str, _label: str, outputs: Mapping[str, Path]) -> bool:
        self.asked.append(key)
        for path in outputs.values() if self.has is not None else ():
            path.write_bytes(self.has or b"")
        return self.has is not None

    def offer(self, _store: Any, entry: Entry) -> None:
        self.offered.append(entry)


@dataclass
class Context:
    remote: Remote | None
    store: None = None


@dataclass
class Work:
    """A source, and the file that is made from it."""

    folder: Path
    made: int = 0

    def wanted(self) -> SharedFiles:
        source = self.folder / "source"
        return SharedFiles("it", {"out": self.folder / "out"}, lambda: digest_of_files([("source", source)]))

    def make(self) -> bool:
        self.made += 1
        (self.folder / "out").write_bytes(b"made")
        return True


@pytest.fixture
def work(tmp_path: Path) -> Work:
    (tmp_path / "source").write_text("1")
    return Work(tmp_path)


def provide(remote: Remote | None, work: Work, make: Callable[[], bool] | None = None, **more: bool) -> bool:
    context: Any = Context(remote)
    return provide_files(context.store, context.remote, work.wanted(), make or work.make, **more)


def test_without_a_cache_it_is_made(work: Work) -> None:
    (work.folder / "source").unlink()  # whose digest nobody asks for
    assert provide(None, work) and work.made == 1


def test_what_the_cache_has_is_not_made(work: Work) -> None:
    remote = Remote(has=b"fetched")
    assert not provide(remote, work)
    assert (work.made, (work.folder / "out").read_bytes(), remote.offered) == (0, b"fetched", [])


def test_what_was_made_is_offered(work: Work) -> None:
    remote = Remote()
    assert provide(remote, work)
    (entry,) = remote.offered
    assert entry.key == remote.asked[0] == work.wanted().key()
    assert (entry.blobs["out"].size, entry.files["out"].read_bytes()) == (4, b"made")


def test_what_is_known_to_be_new_is_not_asked_for(work: Work) -> None:
    remote = Remote(has=b"of no use")
    assert provide(remote, work, ask=False)
    assert remote.asked == [] and len(remote.offered) == 1


def test_a_source_that_changes_meanwhile_is_not_blamed_on_the_old_one(work: Work) -> None:
    def make() -> bool:
        (work.folder / "source").write_text("2")
        return work.make()

    remote = Remote()
    assert provide(remote, work, make) and remote.offered == []


@pytest.mark.parametrize(("may", "writes"), [(False, True), (True, False)])
def test_what_must_stay_here_stays(work: Work, may: bool, writes: bool) -> None:
    remote = Remote(writes=writes)
    assert provide(remote, work, lambda: work.make() and may) and remote.offered == []


def test_what_fails_is_not_offered(work: Work) -> None:
    def make() -> bool:
        raise BuildError("no")

    remote = Remote()
    with pytest.raises(BuildError):
        provide(remote, work, make)
    assert remote.offered == []


def test_the_digest_covers_names_contents_and_folders(tmp_path: Path) -> None:
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/f").write_text("1")
    (tmp_path / "g").write_text("1")
    folder, file = ("d", tmp_path / "d"), ("g", tmp_path / "g")
    digests = [digest_of_files(each) for each in ([folder, file], [file, folder], [folder], [("h", file[1])])]
    (tmp_path / "d/e/f").write_text("2")
    digests.append(digest_of_files([folder, file]))
    assert digests[0] == digests[1] and len(set(digests)) == 4
