"""How long a result is waited for: by what came, not by what a server says is to come."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from bad_server import answer, serving
from forged_server import forged
from store_machines import Machine, remote
from stores import CONTENTS, read

from bootimage.store.remote_patience import _BYTES_PER_TIMEOUT, Patience

QUICK = {"RUSTKERNEL_CACHE_TIMEOUT": "0.3"}


@pytest.mark.parametrize("size", [5, 9 << 30])
def test_a_server_that_promises_much_and_sends_little(
    tmp_path: Path, said: list[str], filled: dict[str, bytes], size: int
) -> None:
    """A byte at a time, each long before the time-out."""
    promising = forged(filled, plain={"size": size}, size=size, encoding="zlib")

    def behave(line: object, method: str, path: str, body: bytes) -> None:
        if path.startswith("ac/"):
            answer(line, 200, promising[path])  # type: ignore[arg-type]
            return
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n\x78\x01")  # type: ignore[attr-defined]
        while True:
            line.sendall(b"\0\0\0\xff\xff"[:1])  # type: ignore[attr-defined]
            time.sleep(0.1)

    with serving(behave) as server:
        machine = Machine(tmp_path / "me", remote(server.url, "read", **QUICK))
        started = time.monotonic()
        assert read(machine.make()) == CONTENTS
        assert time.monotonic() - started < 5
    assert sum(line.startswith("warning") for line in said) == 1


def test_many_requests_that_are_each_in_time() -> None:
    patience, calls = Patience(0.1), 0
    with pytest.raises(TimeoutError):
        while calls < 100:
            patience.within(lambda: time.sleep(0.05))
            calls += 1
    assert calls < 10


def test_what_comes_earns_time_and_what_is_done_between_costs_none() -> None:
    patience = Patience(0.1)
    time.sleep(0.4)
    for _ in range(10):
        patience.within(lambda: time.sleep(0.05))
        patience.earn(_BYTES_PER_TIMEOUT)
    with pytest.raises(ValueError, match="passed on"):
        patience.within(lambda: int("passed on"))


def test_who_was_left_behind_takes_nothing_more() -> None:
    patience, ended = Patience(0.05), threading.Event()

    def receive() -> None:
        try:
            while True:
                time.sleep(0.01)
                patience.earn(0)
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        patience.within(receive)
    assert ended.wait(5)
