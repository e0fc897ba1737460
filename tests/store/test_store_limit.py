"""The limit of the store: the least recently used goes, what is in use stays."""

from __future__ import annotations

from pathlib import Path

from stores import GIB, age, filled, finished, held, key_of, put, python

from bootimage.store.store import Store


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    user = Store(tmp_path / "store", GIB)
    assert user.get(key_of("r0")) is not None
    user.close()
    small = Store(tmp_path / "store", 45_000)
    put(small, "new", b"n" * 10_000)
    assert held(small) == {"new", "r0", "r4", "r5"}
    assert small.stats().size == 40_000
    for name in ("r1", "r2", "r3"):
        assert small.get(key_of(name)) is None
    small.close()


def test_what_a_living_process_uses_stays(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    script = f"""
        store = Store(Path(sys.argv[1]), 1 << 30)
        entry = store.get({key_of("r0")!r})
        tree = store.tree(entry, {{"f": "lib/f"}})
        text = store.text("spec.json", "{{}}")
        print("ready", flush=True)
        sys.stdin.readline()
        assert (tree / "lib/f").read_bytes() == entry.files["f"].read_bytes() == bytes(10_000)
        assert text.read_text() == "{{}}"
    """
    user = python(script, tmp_path / "store")
    assert user.stdout is not None and user.stdout.readline() == "ready\n"
    age_all = Store(tmp_path / "store", GIB)
    age(age_all, "r0", 5000)
    age_all.close()
    small = Store(tmp_path / "store", 15_000)
    put(small, "new", b"n" * 10_000)
    assert held(small) == {"new", "r0"}
    assert len(list((tmp_path / "store/trees").iterdir())) == 2
    finished(user)
    small.close()
    last = Store(tmp_path / "store", 15_000)
    put(last, "newer", b"m" * 10_000)
    assert held(last) == {"newer"}
    assert list((tmp_path / "store/trees").iterdir()) == []
    last.close()


def test_what_is_in_use_stays_without_its_record(tmp_path: Path) -> None:
    """Damage that another finds takes the record away, and not the contents from who uses them."""
    filled(tmp_path / "store")
    user = Store(tmp_path / "store", GIB)
    entry = user.get(key_of("r0"))
    assert entry is not None
    next(tmp_path.glob(f"store/ac/*/{entry.key}.json")).unlink()
    small = Store(tmp_path / "store", 15_000)
    put(small, "new", b"n" * 10_000)
    assert entry.files["f"].read_bytes() == bytes(10_000) and held(small) == {"new"}
    small.close()
    user.close()


def test_an_orphan_content_is_removed_when_room_is_made(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    orphan = tmp_path / "store/cas/ab" / ("ab" * 32)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(bytes(10_000))
    small = Store(tmp_path / "store", 75_000)
    put(small, "new", b"n" * 10_000)
    assert not orphan.exists() and len(held(small)) == 6
    small.close()


def test_use_and_making_room_at_once(tmp_path: Path) -> None:
    """What a process has got stays until it ends, however hard the others push."""
    script = """
        import random
        chance = random.Random(int(sys.argv[2]))
        from bootimage.store.build_once import perform
        for _ in range(8):
            store = Store(Path(sys.argv[1]), 60_000)
            mine = []
            for _ in range(6):
                key = f"{chance.randrange(12):064x}"
                def build(folder):
                    (folder / "f").write_bytes(key.encode() * 150)
                    return {"f": folder / "f"}
                entry = perform(store, None, key, key, build)
                mine.append((key, entry, store.tree(entry, {"f": "f"})))
                for key, entry, tree in mine:
                    assert entry.files["f"].read_bytes() == key.encode() * 150
                    assert (tree / "f").read_bytes() == key.encode() * 150
            store.close()
    """
    for each in [python(script, tmp_path / "store", seed) for seed in range(6)]:
        finished(each)
    store = Store(tmp_path / "store", 60_000)
    put(store, "last", b"x")
    assert store.stats().size <= 60_000
    store.close()
