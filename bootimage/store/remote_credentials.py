"""Who we are to the network cache, from the environment; a name and password also from netrc.

    RUSTKERNEL_CACHE_HELPER   a program that says which headers to send (credential_helper.py), or
    RUSTKERNEL_CACHE_TOKEN    a bearer token, or
    RUSTKERNEL_CACHE_USER and RUSTKERNEL_CACHE_PASSWORD, or netrc (NETRC)

    RUSTKERNEL_CACHE_CLIENT_CERTIFICATE  a PEM file, for a server that asks for a client's certificate
    RUSTKERNEL_CACHE_CLIENT_KEY          its private key, where that is not in the same file

Credentials appear in no message, and no object that holds them shows them.
"""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.store.credential_helper import Helper

_HELPER = "RUSTKERNEL_CACHE_HELPER"
_TOKEN = "RUSTKERNEL_CACHE_TOKEN"
_USER, _PASSWORD = "RUSTKERNEL_CACHE_USER", "RUSTKERNEL_CACHE_PASSWORD"
_CERTIFICATE, _KEY = "RUSTKERNEL_CACHE_CLIENT_CERTIFICATE", "RUSTKERNEL_CACHE_CLIENT_KEY"


@dataclass(frozen=True)
class Credentials:
    """What the server gets to see of us; each may be missing.

    `authorization` is that header's value; `helper` a program that knows headers; `certificate` and `key` are
    paths of PEM files.
    """

    authorization: str | None = field(default=None, repr=False)
    helper: Helper | None = None
    certificate: str | None = None
    key: str | None = None


def credentials(environ: Mapping[str, str], scheme: str, host: str) -> Credentials:
    """The user's credentials for a server. BuildError for a setting that cannot be meant."""
    certificate, key = _file(environ, _CERTIFICATE), _file(environ, _KEY)
    if key and not certificate:
        raise BuildError(f"{_KEY} is of use only with {_CERTIFICATE}")
    if certificate and scheme != "https":
        raise BuildError(
            f"{_CERTIFICATE} is of use only with https, and RUSTKERNEL_CACHE begins with {scheme}://"
        )
    helper = _helper(environ)
    return Credentials(None if helper else _authorization(environ, host), helper, certificate, key)


def _file(environ: Mapping[str, str], name: str) -> str | None:
    path = environ.get(name, "").strip()
    if path and not Path(path).is_file():
        raise BuildError(f"{name} is {path!r}: there is no such file", hint="name a file in PEM format")
    return path or None


def _helper(environ: Mapping[str, str]) -> Helper | None:
    named = environ.get(_HELPER, "").strip()
    if not named:
        return None
    if other := next((name for name in (_TOKEN, _USER, _PASSWORD) if environ.get(name)), None):
        raise BuildError(f"{_HELPER} and {other} are both set", hint="unset one of them")
    if os.sep in named and not Path(named).is_absolute():
        raise BuildError(
            f"{_HELPER} is {named!r}: expected an absolute path, or the name of a program on PATH",
            hint=f"write {Path(named).absolute()}",
        )
    found = shutil.which(named, path=environ.get("PATH"))
    if found is None:
        where = "that can be run" if os.sep in named else "on PATH"
        raise BuildError(f"{_HELPER} is {named!r}: there is no such program {where}")
    return Helper(found, environ)


def _authorization(environ: Mapping[str, str], host: str) -> str | None:
    token = environ.get(_TOKEN, "").strip()
    if token:
        if not (token.isascii() and token.isprintable()):
            raise BuildError(f"{_TOKEN} holds a character that no token can have")
        return f"Bearer {token}"
    user, password = environ.get(_USER), environ.get(_PASSWORD)
    if bool(user) != bool(password):
        raise BuildError(f"{_USER} and {_PASSWORD} are of use only together")
    if user and password:
        return _basic(user, password)
    return _from_netrc(environ, host)


def _basic(user: str, password: str) -> str:
    pair = f"{user}:{password}".encode(errors="surrogateescape")
    return f"Basic {base64.b64encode(pair).decode()}"


def _from_netrc(environ: Mapping[str, str], host: str) -> str | None:
    import netrc

    named = environ.get("NETRC") or str(Path(environ.get("HOME") or "/") / ".netrc")
    try:
        found = netrc.netrc(named).authenticators(host)
    except FileNotFoundError:
        return None
    except netrc.NetrcParseError as problem:  # whose text may quote a password
        console.say(
            f"warning: {named}:{problem.lineno or 1}: cannot be understood, so no password is taken from it"
        )
        return None
    except (OSError, ValueError):
        console.say(f"warning: {named}: cannot be read, so no password is taken from it")
        return None
    return _basic(found[0], found[2]) if found and found[2] else None
