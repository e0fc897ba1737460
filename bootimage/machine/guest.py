"""A guest that runs: its screen, its serial line, its disk, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path

from bootimage.base.lazy_dataclass import dataclass
from bootimage.machine.qmp import Monitor, MonitorError
from bootimage.machine.screen import Picture, parse_ppm

Serial = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Ending:
    """How a guest came to its end.

    `reason` is QEMU's ShutdownCause ("guest-reset", "guest-shutdown", "host-ui", ...), None when QEMU
    ended without a word: isa-debug-exit before QEMU 9 does, and so does a QEMU that fails.
    `exit_code` is QEMU's own, negative for a signal. `triple_fault` is known under TCG only, and only
    of a guest that was launched with `pause_at_end`. `complaint` is the end of what QEMU wrote to
    standard error.
    """

    reason: str | None
    exit_code: int
    triple_fault: bool
    complaint: str


class Guest:
    """One running QEMU: see `launch.running`, which makes it and ends it."""

    def __init__(
        self, process: asyncio.subprocess.Process, monitor: Monitor, folder: Path, serial: Serial | None
    ) -> None:
        self._process = process
        self._monitor = monitor
        self._folder = folder
        self._serial = serial

    async def start(self) -> None:
        """Let the guest run: it is launched paused. `end_reached` tells of a QEMU that cannot."""
        with contextlib.suppress(MonitorError):
            await self._monitor.execute("cont")

    async def read_serial(self) -> bytes:
        """What the guest has written to its serial line since the last call; b"" after QEMU's end."""
        assert self._serial is not None
        try:
            return await self._serial[0].read(65536)
        except ConnectionError:
            return b""

    def write_serial(self, data: bytes) -> None:
        """Send `data` to the guest, which gets it as fast as its serial port takes it."""
        assert self._serial is not None
        self._serial[1].write(data)

    async def picture(self) -> Picture:
        """What is on the guest's screen now. Raises MonitorError when QEMU cannot tell any more."""
        file = self._folder / "screen.ppm"
        await self._monitor.execute("screendump", filename=str(file))
        try:
            return parse_ppm(file.read_bytes())
        except (OSError, ValueError) as error:
            raise MonitorError(f"QEMU's picture of the screen cannot be read: {error}") from error

    async def disk_reads(self) -> int:
        """How many operations have read the boot disk so far. Raises MonitorError."""
        devices = await self._monitor.execute("query-blockstats")
        return sum(each["stats"]["rd_operations"] for each in devices if each.get("device") == "image")

    async def where(self) -> str:
        """What the processor is at, in one line: "RIP 0x8000042, CR2 0x0, halted". Raises MonitorError."""
        text = await self._monitor.execute("human-monitor-command", command_line="info registers")
        registers = {name: int(value, 16) for name, value in _REGISTER.findall(text)}
        halted = registers.pop("HLT", 0) == 1
        told = [f"{name} {value:#x}" for name, value in registers.items()]
        return ", ".join([*told, *(["halted"] if halted else [])])

    async def end_reached(self) -> str | None:
        """Wait until the guest has ended; QEMU's reason, None when QEMU is gone without naming one."""
        told = asyncio.ensure_future(self._monitor.shutdown_reason())
        gone = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait({told, gone}, return_when=asyncio.FIRST_COMPLETED)
            return told.result() if told.done() else None
        finally:
            told.cancel()
            gone.cancel()


# The instruction pointer, the address of the last page fault, and whether the processor sleeps.
_REGISTER = re.compile(r"\b([RE]IP|CR2|HLT)=([0-9a-fA-F]+)")
