"""What is taken from the network cache past the store, and what is offered to it late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from nginx import Nginx
from store_machines import Machine, remote
from stores import CONTENTS, KEY, build, key_of

from bootimage.store.build_once import contents_of, perform
from bootimage.store.store import Store


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    with Nginx(tmp_path / "nginx") as server:
        yield server


@pytest.fixture
def filled(nginx: Nginx, tmp_path: Path) -> Nginx:
    Machine(tmp_path / "ci", remote(nginx.url)).make()
    return nginx


def outputs(folder: Path, names: list[str]) -> dict[str, Path]:
    return {name: folder / "out" / name.replace("/", "-") for name in names}


def test_files_come_past_the_store(filled: Nginx, store: Store, tmp_path: Path) -> None:
    wanted = outputs(tmp_path, list(CONTENTS))
    assert remote(filled.url, "read").fetch_files(store, KEY, "core", wanted)
    assert {name: path.read_bytes() for name, path in wanted.items()} == CONTENTS
    assert [name for name, path in wanted.items() if path.stat().st_mode & 0o100] == ["liba.rlib"]
    assert store.get(KEY) is None and store.stats().usages == ()


@pytest.mark.parametrize("names", [["c"], [*CONTENTS, "more"]])
def test_a_result_with_other_files_is_none(
    filled: Nginx, store: Store, tmp_path: Path, names: list[str]
) -> None:
    assert not remote(filled.url, "read").fetch_files(store, KEY, "core", outputs(tmp_path, names))
    assert not (tmp_path / "out").exists()


def test_what_is_there_already_stays_where_a_content_is_missing(
    filled: Nginx, store: Store, tmp_path: Path
) -> None:
    max((filled.root / "cas").iterdir(), key=lambda path: path.stat().st_size).unlink()
    wanted = outputs(tmp_path, list(CONTENTS))
    (tmp_path / "out").mkdir()
    wanted["c"].write_text("the old one")
    assert not remote(filled.url, "read").fetch_files(store, KEY, "core", wanted)
    assert wanted["c"].read_text() == "the old one" and len(list((tmp_path / "out").iterdir())) == 1


def test_digests_alone_cost_one_request(filled: Nginx, store: Store) -> None:
    before = len(filled.requests())
    found = contents_of(store, remote(filled.url, "read"), KEY, "core", build)
    assert {name: blob.size for name, blob in found.items()} == {n: len(c) for n, c in CONTENTS.items()}
    assert len(filled.requests()) == before + 1 and store.get(KEY) is None


def test_digests_of_what_nobody_has_are_built(nginx: Nginx, store: Store) -> None:
    contents_of(store, remote(nginx.url, "read"), KEY, "core", build)
    assert store.get(KEY) is not None


def test_what_the_store_had_before_is_offered_once(nginx: Nginx, tmp_path: Path) -> None:
    """A machine that gets the network cache later fills it with what it has."""
    machine = Machine(tmp_path / "ci", None)
    machine.make()
    machine.cache = remote(nginx.url)
    machine.make()
    assert f"ac/{KEY}" in nginx.files()
    before = len(nginx.requests())
    machine.make()
    assert [line.split()[:2] for line in nginx.requests()[before:]] == [["HEAD", f"/cache/ac/{KEY}"]]


def test_what_another_has_made_while_this_one_waited_is_offered(
    nginx: Nginx, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    building = Store.building

    def waits(store: Store, key: str, label: str) -> AbstractContextManager[None]:
        with store.work(label) as folder:
            store.put(key, build(folder), label, 1.0)
        return building(store, key, label)

    monkeypatch.setattr(Store, "building", waits)
    perform(store, remote(nginx.url), KEY, "core", build)
    assert f"ac/{KEY}" in nginx.files()


def test_a_reader_offers_nothing(nginx: Nginx, store: Store) -> None:
    perform(store, remote(nginx.url, "read"), key_of("a"), "a", build)
    perform(store, remote(nginx.url, "read"), key_of("a"), "a", build)
    assert {line.split()[0] for line in nginx.requests()} == {"GET"}
