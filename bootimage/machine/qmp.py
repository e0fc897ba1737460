"""Talk to a running QEMU over QMP, its monitor protocol.

The `qemu.qmp` library does the protocol. Its socket is one half of a pair whose other half QEMU
inherits, so there is no socket file: no limit on its path's length, nothing to leave behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qemu.qmp import EventListener, QMPClient

# What a busy machine may take for any one command; QEMU itself answers in a millisecond.
_PATIENCE_S = 60.0


class MonitorError(Exception):
    """QEMU refused a command, or is no longer there to answer it."""


class Monitor:
    """The connection to one QEMU. To be used within one event loop."""

    def __init__(self, client: QMPClient, shutdowns: EventListener) -> None:
        self._client = client
        self._shutdowns = shutdowns

    @classmethod
    async def connect(cls, end: socket.socket) -> Monitor:
        """Greet the QEMU at the other end. Raises MonitorError when it ends instead."""
        from qemu.qmp import EventListener, QMPClient, QMPError

        # The library logs a QEMU that goes away as an error; here that is the usual end.
        logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL + 1)
        client, shutdowns = QMPClient(), EventListener("SHUTDOWN")
        client.register_listener(shutdowns)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await client.connect(end)
        except (QMPError, OSError, EOFError) as error:
            raise MonitorError(f"QEMU did not answer: {error}") from error
        return cls(client, shutdowns)

    async def execute(self, command: str, **arguments: object) -> Any:
        """QEMU's answer to a command; an underscore in an argument's name stands for a hyphen."""
        from qemu.qmp import QMPError

        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._client.execute(command, named)
        except (QMPError, OSError, EOFError) as error:  # OSError: TimeoutError is one
            raise MonitorError(f"QEMU did not do {command}: {error}") from error

    async def shutdown_reason(self) -> str:
        """Wait for the guest's end; why it ended, as QEMU's ShutdownCause: "guest-reset", "host-ui", ..."""
        event = await self._shutdowns.get()
        return str(event["data"]["reason"])

    async def close(self) -> None:
        """Drop the connection; QEMU may have done so already."""
        with contextlib.suppress(Exception):
            await self._client.disconnect()
