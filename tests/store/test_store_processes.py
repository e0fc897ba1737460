"""Several processes and threads in one store, any of which may be killed at any moment."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

from stores import GIB, KEY, build, finished, key_of, put, python, read

from bootimage.store.build_once import perform
from bootimage.store.store import Store

PERFORM = """
    from bootimage.store.build_once import perform
    root, log, key = sys.argv[1:4]
    def build(folder):
        with open(log, "a") as file: file.write("built\\n")
        time.sleep(1.5)
        (folder / "f").write_bytes(b"x" * 100000)
        return {"f": folder / "f"}
    store = Store(Path(root), 1 << 30)
    entry = perform(store, None, key, "core", build)
    assert entry.files["f"].read_bytes() == b"x" * 100000
    assert (store.tree(entry, {"f": "lib/f"}) / "lib/f").read_bytes() == b"x" * 100000
"""


def test_eight_at_once_build_once(tmp_path: Path) -> None:
    running = [python(PERFORM, tmp_path / "store", tmp_path / "log", KEY) for _ in range(8)]
    outputs = [finished(each) for each in running]
    assert (tmp_path / "log").read_text() == "built\n"
    assert sum("Waiting for another build of core to end" in output for output in outputs) >= 1


def test_eight_put_the_same_at_once(tmp_path: Path) -> None:
    script = """
        store = Store(Path(sys.argv[1]), 1 << 30)
        sys.stdin.readline()
        for number in range(40):
            key = f"{number:064x}"
            with store.work("x") as folder:
                (folder / "f").write_bytes(key.encode() * 50)
                entry = store.put(key, {"f": folder / "f"}, key, 1)
            assert entry.files["f"].read_bytes() == key.encode() * 50
            assert store.get(key).files["f"].read_bytes() == key.encode() * 50
    """
    running = [python(script, tmp_path / "store") for _ in range(8)]
    time.sleep(0.5)
    for each in running:
        finished(each)


def test_one_damages_while_eight_use_it(tmp_path: Path) -> None:
    """Whoever finds damage removes it, and must never remove what another has just mended."""
    script = """
        from bootimage.store.build_once import perform
        store = Store(Path(sys.argv[1]), 1 << 30)
        def build(folder):
            (folder / "f").write_bytes(b"good" * 1000)
            return {"f": folder / "f"}
        for _ in range(60):
            entry = perform(store, None, "0" * 64, "x", build)
            content = entry.files["f"]
            try:
                if os.getpid() % 4 == 0:
                    os.chmod(content, 0o644)
                    content.write_bytes(b"evil" * 1000)
            except FileNotFoundError:
                pass
    """
    running = [python(script, tmp_path / "store") for _ in range(8)]
    for each in running:
        finished(each)
    store = Store(tmp_path / "store", GIB)
    entry = store.get("0" * 64)
    assert entry is None or entry.files["f"].read_bytes() == b"good" * 1000
    store.close()


def test_kill_9_at_any_moment(tmp_path: Path) -> None:
    script = """
        from bootimage.store.build_once import perform
        number = int(sys.argv[2])
        store = Store(Path(sys.argv[1]), 300_000)
        print("ready", flush=True)
        while True:
            number += 1
            name = f"{number % 12:064x}"
            def build(folder):
                (folder / "f").write_bytes(name.encode() * 1000)
                return {"f": folder / "f"}
            entry = perform(store, None, name, name, build)
            store.tree(entry, {"f": "a/f"})
    """
    chance = random.Random(1)
    for turn in range(12):
        running = [python(script, tmp_path / "store", turn * 5 + each) for each in range(2)]
        for each in running:
            assert each.stdout is not None and each.stdout.readline() == "ready\n"
        time.sleep(chance.random() * 0.15)
        for each in running:
            each.kill()
            each.communicate()
    for folder in (tmp_path / "store/tmp").iterdir():
        os.utime(folder, (1, 1))  # one killed before it had locked its lease counts as young
    store = Store(tmp_path / "store", 300_000)
    found = 0
    for number in range(12):
        key = f"{number:064x}"
        entry = store.get(key)
        found += entry is not None
        assert entry is None or read(entry) == {"f": key.encode() * 1000}
        with store.building(key):
            pass
    assert found > 0
    put(store, "another", b"z" * 300_000)
    assert len(list((store.root / "tmp").iterdir())) == 1, "what the dead left is swept"
    store.close()


def test_threads_of_one_process_build_once(store: Store) -> None:
    built: list[int] = []

    def slow(folder: Path) -> dict[str, Path]:
        built.append(1)
        time.sleep(0.2)
        return build(folder)

    threads = [threading.Thread(target=perform, args=(store, None, KEY, "x", slow)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert built == [1]


def test_one_at_a_time_however_often_the_lock_changes_hands(store: Store) -> None:
    inside: list[int] = []
    most: list[int] = []

    def enter() -> None:
        for _ in range(12):
            with store.building(KEY):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.002)
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(most) == 72 and max(most) == 1
    assert list((store.root / "locks").iterdir()) == []


def test_a_forked_child_leaves_its_parents_things_alone(store: Store) -> None:
    with store.work("x") as folder:
        child = os.fork()
        if child == 0:
            put(store, "child", b"child")
            store.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        idle = os.fork()
        if idle == 0:
            store.close()
            os._exit(0)
        assert os.waitpid(idle, 0)[1] == 0
        assert folder.is_dir()
    entry = store.get(key_of("child"))
    assert entry is not None and read(entry) == {"f": b"child"}


def test_a_long_wait_is_announced_once(store: Store, said: list[str]) -> None:
    waiter = threading.Thread(target=lambda: store.building(KEY, "core").__enter__())
    with store.building(KEY, "core"):
        waiter.start()
        time.sleep(1.5)
    waiter.join()
    assert said == ["Waiting for another build of core to end"]
