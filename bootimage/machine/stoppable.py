"""End a guest in good order when the user interrupts, from the main thread or any other."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeVar

from bootimage.base.errors import BuildError
from bootimage.base.signals import handled

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_S = 0.1

T = TypeVar("T")


class Stopped(BuildError):
    """The user stopped the guest (Ctrl-C, SIGTERM, or whoever called us asked for it)."""

    def __init__(self) -> None:
        super().__init__("the guest was stopped before its end")


def run_stoppable(work: Coroutine[Any, Any, T], stop: Callable[[], bool] | None = None) -> T:
    """Run `work` to its end in an event loop of its own, or cancel it when the user interrupts.

    In the main thread SIGINT, SIGTERM and SIGHUP are noted, `work` ends what it has started, and only
    then the signal takes its usual way (KeyboardInterrupt, the end of the process, a build tool's own
    handler). Other threads see no signals: there `stop` is asked, ten times a second. Raises Stopped
    where the process goes on after that.
    """
    caught: list[int] = []
    try:
        return asyncio.run(_cancelled_on_request(work, caught, stop))
    finally:
        # raise_signal and not an exception of ours, so that whoever handles signals learns of it.
        for number in caught[:1]:
            signal.raise_signal(number)


async def _cancelled_on_request(
    work: Coroutine[Any, Any, T], caught: list[int], stop: Callable[[], bool] | None
) -> T:
    task = asyncio.ensure_future(work)
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    with _signals_noted(caught, lambda: loop.call_soon_threadsafe(asked.set)):
        watch = asyncio.ensure_future(_cancel_when_asked(task, asked, stop))
        try:
            return await task
        except asyncio.CancelledError:
            raise Stopped() from None
        finally:
            watch.cancel()


async def _cancel_when_asked(
    task: asyncio.Future[Any], asked: asyncio.Event, stop: Callable[[], bool] | None
) -> None:
    while not asked.is_set() and not (stop is not None and stop()):
        with suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), _POLL_S)
    task.cancel()  # once only: what `work` does to end the guest must not be cancelled in its turn


@contextmanager
def _signals_noted(caught: list[int], wake: Callable[[], object]) -> Iterator[None]:
    """Append the numbers of signals to `caught` while the body runs; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        wake()

    with handled(_SIGNALS, note):
        yield
