"""The proxy between us and the network cache, as HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say.

No standard says what these variables mean. What curl, Go and Python agree on is meant here: the name in small
letters counts before the one in capitals; a proxy without a scheme is one that is spoken to by http; NO_PROXY
is a list of hosts (with all below them), addresses, networks (10.0.0.0/8) and `*`, each perhaps with a port.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from urllib.parse import unquote, urlsplit

from bootimage.base.lazy_dataclass import dataclass

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Proxy:
    """A proxy at `url`, which holds no password; `login` is `user:password`; `variable` named it."""

    variable: str
    url: str
    login: str | None = field(default=None, repr=False)


def proxy_for(scheme: str, host: str, port: int | None, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy on the way to a server; None where there is none, or where NO_PROXY has the server."""
    if _excluded(host, port or _PORTS[scheme], _value("NO_PROXY", environ)):
        return None
    for variable in (f"{scheme.upper()}_PROXY", "ALL_PROXY"):
        if named := _value(variable, environ):
            return _proxy(variable, named)
    return None


def _value(variable: str, environ: Mapping[str, str]) -> str:
    # In a CGI program, HTTP_PROXY is the value of a header that anybody may send.
    spoilt = variable == "HTTP_PROXY" and "REQUEST_METHOD" in environ
    capitals = "" if spoilt else environ.get(variable, "")
    return environ.get(variable.lower(), capitals).strip()


def _proxy(variable: str, named: str) -> Proxy:
    url = named if "://" in named else f"http://{named}"
    login, at, _ = urlsplit(url).netloc.rpartition("@")
    return Proxy(variable, url.replace(f"{login}@", "", 1) if at else url, unquote(login) if at else None)


def _excluded(host: str, port: int, listed: str) -> bool:
    return any(_matches(host.lower(), port, each.lower()) for each in listed.replace(",", " ").split())


def _matches(host: str, port: int, entry: str) -> bool:
    name, wanted = _name_and_port(entry)
    return wanted in (None, port) and _covers(name, host)


def _name_and_port(entry: str) -> tuple[str, int | None]:
    """An IPv6 address has a port only behind brackets."""
    name, colon, number = entry.rpartition(":")
    if colon and number.isascii() and number.isdigit() and (":" not in name or name.endswith("]")):
        return name.strip("[]"), int(number)
    return entry.strip("[]"), None


def _covers(name: str, host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False)
    domain = name.removeprefix("*").removeprefix(".")
    return name == "*" or host == domain or (domain != "" and host.endswith(f".{domain}"))
