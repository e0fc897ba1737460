"""Where the network cache is and how it may be used, from the environment.

    RUSTKERNEL_CACHE          http(s)://host[:port]/path; empty or `off`: none
    RUSTKERNEL_CACHE_MODE     read (the default) or write
    RUSTKERNEL_CACHE_TIMEOUT  seconds that the server may be silent, 10 by default

Who we are to the server is in remote_credentials.py, the way to it in remote_proxy.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, quote, urlsplit

from bootimage.base.errors import BuildError, closest
from bootimage.base.lazy_dataclass import dataclass
from bootimage.store.remote_credentials import Credentials, credentials
from bootimage.store.remote_proxy import Proxy, proxy_for

_DEFAULT_TIMEOUT = 10.0
_EXAMPLE = "https://cache.example/rustkernel"
_PLACE = "RUSTKERNEL_CACHE"
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~-._"


@dataclass(frozen=True)
class RemoteSettings:
    """A network cache: `path` has no slash at its end; `proxy` is what stands between, if anything."""

    scheme: str
    host: str
    port: int | None
    path: str
    writes: bool
    timeout: float
    credentials: Credentials
    proxy: Proxy | None

    @property
    def name(self) -> str:
        """The URL, for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{f':{self.port}' if self.port else ''}{self.path}"


def remote_settings(environ: Mapping[str, str]) -> RemoteSettings | None:
    """The user's network cache, or None. BuildError for a setting that cannot be meant."""
    url = environ.get(_PLACE, "").strip()
    if not url or url.lower() == "off":
        return None
    parts, port = _split(url)
    host = parts.hostname or ""
    return RemoteSettings(
        parts.scheme,
        host,
        port,
        quote(parts.path.rstrip("/"), safe=_PATH_CHARACTERS),
        _mode(environ) == "write",
        _timeout(environ),
        credentials(environ, parts.scheme, host),
        proxy_for(parts.scheme, host, port, environ),
    )


def _split(url: str) -> tuple[SplitResult, int | None]:
    if any(each.isspace() or not each.isprintable() for each in url):
        raise _wrong_url(_without_user(url), "it has a space or a control character in it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong_url(_without_user(url), "its host or port cannot be understood") from None
    if parts.scheme not in ("http", "https") or "://" not in url:
        raise _wrong_scheme(_without_user(url), parts.scheme if "://" in url else "")
    if "@" in parts.netloc:
        raise BuildError(
            f"{_PLACE} holds a user name or password ({_without_user(url)})",
            hint="put them in RUSTKERNEL_CACHE_USER and RUSTKERNEL_CACHE_PASSWORD, or in ~/.netrc",
        )
    if not parts.hostname or parts.query or parts.fragment:
        raise _wrong_url(url, "it names no host" if not parts.hostname else "it is not the URL of a folder")
    return parts, port


def _without_user(url: str) -> str:
    """The URL without what may be a password."""
    scheme, mark, rest = url.rpartition("://") if "://" in url else ("", "", url)
    host, slash, path = rest.partition("/")
    # A password may hold a slash that its owner forgot to escape: then the last @ is the one that counts.
    if "@" in rest:
        host, slash, path = rest.rpartition("@")[2].partition("/")
        host = f"***@{host}"
    return f"{scheme}{mark}{host}{slash}{path}"


def _wrong_url(shown: str, why: str) -> BuildError:
    mended = _with_two_slashes(shown)
    meant = f"did you mean {mended}?" if mended != shown else f"expected a URL such as {_EXAMPLE}"
    return BuildError(f"{_PLACE} is {shown!r}: {why}", hint=meant)


def _wrong_scheme(shown: str, scheme: str) -> BuildError:
    if not scheme:
        if (mended := _with_two_slashes(shown)) != shown:
            why, meant = "it has one slash for two", mended
        else:
            why, meant = "it has no scheme", f"http://{shown.lstrip('/:')}"
        return BuildError(f"{_PLACE} is {shown!r}: {why}", hint=f"did you mean {meant}?")
    near = closest(scheme, ["http", "https"], cutoff=0.5)
    return BuildError(
        f"{_PLACE} is {shown!r}: expected http:// or https://, found {scheme}://",
        hint=f"did you mean {near}{shown[len(scheme) :]}?" if near else f"expected a URL such as {_EXAMPLE}",
    )


def _with_two_slashes(url: str) -> str:
    """`http://x` for `http:/x` and `http:///x`; other URLs as they are."""
    return re.sub(r"^(https?):/+(?=[^/])", r"\1://", url)


def _mode(environ: Mapping[str, str]) -> str:
    mode = environ.get("RUSTKERNEL_CACHE_MODE", "").strip().lower() or "read"
    if mode not in ("read", "write"):
        raise BuildError(
            f"RUSTKERNEL_CACHE_MODE is {mode!r}; expected read or write",
            hint="write uploads what is built here (for CI); read only downloads",
        )
    return mode


def _timeout(environ: Mapping[str, str]) -> float:
    text = environ.get("RUSTKERNEL_CACHE_TIMEOUT", "").strip()
    try:
        seconds = float(text) if text else _DEFAULT_TIMEOUT
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 3600:
        raise BuildError(
            f"RUSTKERNEL_CACHE_TIMEOUT is {text!r}; expected a number of seconds, above 0 and at most 3600",
            hint=f"unset it for the default of {_DEFAULT_TIMEOUT:.0f}",
        )
    return seconds
