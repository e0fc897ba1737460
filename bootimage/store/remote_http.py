"""HTTP as a cache needs it: GET, HEAD and PUT below one folder, within a time and a size, or a clear problem.

urllib3 carries it, with its connections, proxies and TLS. Ours are the limits: a total time, a size for each
answer, a redirection on the same server only (so that credentials go nowhere else), and a server that says
it is busy is asked again as long as that time allows. Whatever goes wrong is a RemoteProblem.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, Timeout, make_headers
from urllib3.exceptions import InvalidHeader, LocationValueError, ProtocolError
from urllib3.util import Retry

from bootimage.base import console
from bootimage.base.lazy_dataclass import dataclass
from bootimage.store.credential_helper import HelperHeaders
from bootimage.store.remote_health import RemoteProblem
from bootimage.store.remote_patience import Patience
from bootimage.store.remote_problems import as_remote_problem, proxy_problem
from bootimage.store.remote_settings import RemoteSettings
from bootimage.store.remote_tls import tls_for

_CHUNK = 1 << 18
_REDIRECTS = 3
_BUSY = (429, 503)
_PAUSES = (0.25, 0.5, 1.0)
"""Seconds before a busy server is asked again, where it does not say by itself."""
_SHOWN_PAUSE = 2.0
# Of an answer that nobody wants, so much is read to keep the connection.
_DRAIN = 1 << 16


@dataclass(frozen=True)
class Answer:
    """The server's answer: its status, and the number of bytes that it announced, if it did."""

    status: int
    length: int | None


@dataclass(frozen=True)
class _Request:
    """What is asked: `path` begins at the server's root; `told` gets the size of each piece that was sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Path | bytes | None = None
    told: Callable[[int], object] = lambda _count: None


class HttpFolder:
    """The folder on a server that `settings` name. Several threads may use it at once."""

    def __init__(self, settings: RemoteSettings) -> None:
        self._settings = settings
        here = urlsplit(settings.name)
        self._origin = f"{here.scheme}://{here.netloc}"
        self._pool = _pool(settings)
        known = settings.credentials
        self._authorization = {"Authorization": known.authorization} if known.authorization else {}
        self._helper = HelperHeaders(known.helper, settings.name, settings.timeout) if known.helper else None

    def get(self, name: str, limit: int, sink: Callable[[bytes], object], patience: Patience) -> Answer:
        """GET `name`; with status 200 pass the body, at most `limit` bytes, to `sink` piece by piece."""

        def take(chunk: bytes) -> None:
            patience.earn(len(chunk))
            sink(chunk)

        def receive(response: BaseHTTPResponse) -> Answer:
            return _receive(response, limit, take) if response.status == 200 else _drain(response)

        return self._timed(patience, self._request("GET", name), receive)

    def head(self, name: str, patience: Patience) -> Answer:
        """HEAD `name`."""
        return self._timed(patience, self._request("HEAD", name), _drain)

    def put(self, name: str, body: Path | bytes, patience: Patience) -> Answer:
        """PUT `body` as `name`, on the condition that there is none yet (which not every server honours)."""
        size = len(body) if isinstance(body, bytes) else body.stat().st_size
        headers = {
            "Content-Length": str(size),
            "Content-Type": "application/octet-stream",
            "If-None-Match": "*",
        }
        return self._timed(patience, self._request("PUT", name, headers, body, patience.earn), _drain)

    def _request(
        self,
        method: str,
        name: str,
        headers: Mapping[str, str] | None = None,
        body: Path | bytes | None = None,
        told: Callable[[int], object] = lambda _count: None,
    ) -> _Request:
        plain = {"Accept-Encoding": "identity", "User-Agent": "rustkernel"}
        return _Request(method, f"{self._settings.path}/{name}", {**plain, **(headers or {})}, body, told)

    def _timed(
        self, patience: Patience, request: _Request, receive: Callable[[BaseHTTPResponse], Answer]
    ) -> Answer:
        """What `receive` makes of the answer, in the time that is left."""
        try:
            return patience.within(lambda: receive(self._when_ready(request, patience)))
        except Exception as problem:
            told = as_remote_problem(problem, self._settings)
            if told is None:
                raise
            raise told from problem

    def _when_ready(self, request: _Request, patience: Patience) -> BaseHTTPResponse:
        """The answer of a server that is not busy, or that is busy for longer than we wait."""
        for usual in _PAUSES:
            response = self._authorized(request)
            if response.status not in _BUSY:
                return response
            pause = _asked_pause(response, usual)
            if not patience.allows(pause):
                return response
            _drain(response)
            if pause >= _SHOWN_PAUSE:
                console.say(f"network cache {self._settings.name} is busy: asking again in {pause:.0f} s")
            time.sleep(pause)
        return self._authorized(request)

    def _authorized(self, request: _Request) -> BaseHTTPResponse:
        """The answer to us as who we are; headers that are not taken any more are asked for anew."""
        if self._helper is None:
            return self._follow(request, self._authorization)
        headers = self._helper.get()
        response = self._follow(request, headers)
        if response.status != 401:
            return response
        renewed = self._helper.renewed(headers)
        if renewed == headers:
            return response
        _drain(response)
        return self._follow(request, renewed)

    def _follow(self, request: _Request, authorization: Mapping[str, str]) -> BaseHTTPResponse:
        path = request.path
        for _ in range(_REDIRECTS):
            response = self._ask(request, path, authorization)
            target = response.headers.get("Location")
            if request.method == "PUT" or response.status not in (301, 302, 303, 307, 308) or target is None:
                return response
            _drain(response)
            path = self._redirected(path, target)
        raise RemoteProblem("it redirects in a circle", final=True)

    def _redirected(self, path: str, target: str) -> str:
        there = urlsplit(urljoin(f"{self._origin}{path}", target))
        if f"{there.scheme}://{there.netloc}" != self._origin:
            raise RemoteProblem(
                f"it redirects to another server ({there.scheme}://{there.hostname})", final=True
            )
        return there.path + (f"?{there.query}" if there.query else "")

    def _ask(self, request: _Request, path: str, authorization: Mapping[str, str]) -> BaseHTTPResponse:
        try:
            return self._send(request, path, authorization)
        except ProtocolError as problem:
            if not isinstance(problem.args[-1], ConnectionError):
                raise
            # The server may have closed a kept connection since its last answer. Asking twice does no harm.
            return self._send(request, path, authorization)

    def _send(self, request: _Request, path: str, authorization: Mapping[str, str]) -> BaseHTTPResponse:
        with _opened(request.body) as content:
            return self._pool.request(
                request.method,
                f"{self._origin}{path}",
                headers={**request.headers, **authorization},
                body=content and _pieces(content, request.told),
                redirect=False,
                preload_content=False,
                decode_content=False,
                enforce_content_length=False,  # said in our words by `_receive`
            )


def _pool(settings: RemoteSettings) -> PoolManager:
    kept: dict[str, Any] = {
        "timeout": Timeout(connect=settings.timeout, read=settings.timeout),
        "retries": False,
        "maxsize": 16,  # idle connections, of as many threads
        "blocksize": _CHUNK,
        "ssl_context": tls_for(settings),
    }
    if settings.proxy is None:
        return PoolManager(**kept)
    scheme, login = settings.proxy.url.partition("://")[0].lower(), settings.proxy.login
    if scheme not in ("http", "https"):
        raise proxy_problem(settings, f"a {scheme} proxy; expected http:// or https://")
    shown = make_headers(proxy_basic_auth=login) if login else None
    try:
        return ProxyManager(settings.proxy.url, proxy_headers=shown, **kept)
    except LocationValueError:
        raise proxy_problem(settings, "a proxy that cannot be understood") from None


def _opened(body: Path | bytes | None) -> AbstractContextManager[BinaryIO | None]:
    if body is None:
        return nullcontext()
    return io.BytesIO(body) if isinstance(body, bytes) else body.open("rb")


def _pieces(content: BinaryIO, told: Callable[[int], object]) -> Iterator[bytes]:
    """The content piece by piece; each that has been taken is told."""
    while piece := content.read(_CHUNK):
        yield piece
        told(len(piece))


def _asked_pause(response: BaseHTTPResponse, usual: float) -> float:
    """The seconds that a busy server asks for, which it may say as a number or as a time of day."""
    asked = response.headers.get("Retry-After")
    if asked is None:
        return usual
    with suppress(InvalidHeader):
        return Retry().parse_retry_after(asked)
    return usual


def _receive(response: BaseHTTPResponse, limit: int, sink: Callable[[bytes], object]) -> Answer:
    """Pass the body to `sink`, as long as it is what can be expected."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _closed(response, "it sends an encoding that was not asked for")
    announced = _announced(response)
    if announced is not None and announced > limit:
        raise _closed(response, f"it sends {announced} bytes where at most {limit} can be")
    received = 0
    while chunk := response.read1(_CHUNK):
        received += len(chunk)
        if received > limit:
            raise _closed(response, f"it sends more than {limit} bytes")
        sink(chunk)
    if announced is not None and received < announced:
        raise _closed(response, f"it sends {received} of {announced} bytes")
    response.release_conn()
    return Answer(response.status, announced)


def _closed(response: BaseHTTPResponse, why: str) -> RemoteProblem:
    response.close()
    return RemoteProblem(why)


def _drain(response: BaseHTTPResponse) -> Answer:
    """The answer without its body, of which a little is read, so that the connection can be kept."""
    read = 0
    while read < _DRAIN and (chunk := response.read1(_CHUNK)):
        read += len(chunk)
    if read >= _DRAIN:
        response.close()
    response.release_conn()
    return Answer(response.status, _announced(response))


def _announced(response: BaseHTTPResponse) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else None
