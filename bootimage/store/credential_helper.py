"""Headers for a server from a program of the user's, by Bazel's credential-helper protocol.

The program is started as `HELPER get`, reads `{"uri": "https://..."}` and answers on standard output with
`{"headers": {"Authorization": ["Bearer ..."]}, "expires": "2026-01-31T12:00:00Z"}`; `expires` may be missing.
Source: EngFlow/credential-helper-spec. What it answers is kept in memory alone, and shown to nobody; nor is
what it writes to standard error, which may hold a token if it is a script that shows its commands.
"""

from __future__ import annotations

import json
import shlex
import threading
import time
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bootimage.base.errors import BuildError
from bootimage.base.json_text import parse_object
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.run_program import run
from bootimage.store.remote_health import RemoteProblem

_KEPT_S = 30 * 60
"""How long an answer without `expires` is used: Bazel's own default."""


@dataclass(frozen=True)
class Helper:
    """A credential helper: the path of the program, and the environment that it runs in."""

    program: str
    environ: Mapping[str, str] = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """What a user calls it."""
        return Path(self.program).name


class HelperHeaders:
    """The headers for all requests below `uri`. Several threads may ask at once."""

    def __init__(self, helper: Helper, uri: str, timeout: float) -> None:
        self._helper = helper
        self._uri = uri
        self._timeout = timeout
        self._headers: dict[str, str] = {}
        self._until = 0.0
        self._guard = threading.Lock()

    def get(self) -> dict[str, str]:
        """The headers as of now. RemoteProblem when the program does not tell."""
        with self._guard:
            if time.time() >= self._until:
                self._headers, self._until = self._read(self._run())
            return self._headers

    def renewed(self, refused: Mapping[str, str]) -> dict[str, str]:
        """The headers to use instead of those that the server has refused."""
        with self._guard:
            if self._headers == refused:  # else another thread has asked meanwhile
                self._until = 0.0
        return self.get()

    def _run(self) -> bytes:
        given = json.dumps({"uri": self._uri}).encode()
        program = self._helper.program
        try:
            ended = run(
                (program, "get"), env=self._helper.environ, quiet=True, given=given, at_most=self._timeout
            )
        except BuildError as problem:
            raise self._failed(problem.message) from None
        if ended.returncode != 0:
            raise self._failed(f"exit status {ended.returncode}")
        return ended.stdout

    def _read(self, answer: bytes) -> tuple[dict[str, str], float]:
        try:
            content = parse_object(answer)
            return _headers(content.get("headers", {})), _end(content.get("expires"))
        except ValueError as problem:
            raise self._failed(str(problem)) from None

    def _failed(self, why: str) -> RemoteProblem:
        asked = shlex.quote(json.dumps({"uri": self._uri}))
        return RemoteProblem(
            f"the credential helper {self._helper.name} gave no credentials ({why})",
            final=True,
            hint=f"try it: echo {asked} | {shlex.quote(self._helper.program)} get",
        )


def _headers(content: Any) -> dict[str, str]:
    """Several values of one header are one value, with commas (RFC 9110, 5.3)."""
    if not isinstance(content, dict):
        raise ValueError("its `headers` is no object")
    headers = {}
    for name, values in content.items():
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            raise ValueError("its `headers` has something else than lists of strings")
        if not all(text.isascii() and text.isprintable() for text in (name, *values)):
            raise ValueError("its `headers` has a character that no header can have")
        headers[name] = ", ".join(values)
    return headers


def _end(expires: Any) -> float:
    """When an answer must not be used any more, in seconds since 1970."""
    if expires is None:
        return time.time() + _KEPT_S
    try:
        moment = datetime.fromisoformat(expires)
    except (TypeError, ValueError):
        raise ValueError("its `expires` is no time as RFC 3339 has it") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
