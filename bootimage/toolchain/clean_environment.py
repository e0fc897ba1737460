"""What each kind of program that we start gets of the user's environment: a list for each.

Lists of what is let through, not of what is kept out: RUSTFLAGS, CARGO_TARGET_DIR, CARGO_BUILD_*,
CARGO_PROFILE_* and whatever is thought of next would change what is built without the graph's knowledge.

- What **fetches** (`cargo fetch`, `metadata`, `vendor`) runs no code of others. It may see credentials.
- What **compiles** starts build scripts and macros of anybody's. It sees no token and no password.
- What is **sealed** (`core`, the boot loaders) makes results that projects and machines share. It sees
  nothing that could differ from one user to the next.

What QEMU gets is machine/guest_environment.py's matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PERSON = ("TMPDIR", "TERM")
_NETWORK = ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
_LOGINS = ("NETRC", "SSH_AUTH_SOCK", "GIT_SSH", "GIT_SSH_COMMAND")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_ALL_PROXIES = (*_PROXIES, *map(str.upper, _PROXIES))
_CARGO = ("CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_")
_WRAPPER = "RUSTC_WRAPPER"  # sccache answers with what the compiler would have made
_WRAPPERS_OWN = ("SCCACHE_",)

_FETCHING = {*_PERSON, *_NETWORK, *_LOGINS, *_ALL_PROXIES}
_COMPILING = {*_PERSON, *_NETWORK, *_ALL_PROXIES, _WRAPPER}
# A credential by its name; or an address with a user (and so a password) in it.
_SECRET_NAME = re.compile(r"CARGO_REGISTR.*_(TOKEN|SECRET_KEY|CREDENTIAL_PROVIDER\w*)|RUSTKERNEL_CACHE.*")
_LOGIN_IN_ADDRESS = re.compile(r"[^/]*//[^/]*@|[^/]*@")


def fetch_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environ` for a cargo that downloads and starts no code of others."""
    return _plain({name: value for name, value in environ.items() if name in _FETCHING or _is_cargos(name)})


def compile_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environ` for a cargo that compiles, and for all that it starts."""
    kept = {name: value for name, value in environ.items() if name in _COMPILING or _is_cargos(name)}
    wrappers = wrapper_variables(environ) if environ.get(_WRAPPER) else {}
    return _plain({**without_secrets(kept), **wrappers})


def wrapper_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environ` for a program between cargo and rustc, credentials of its servers too."""
    return {name: value for name, value in environ.items() if name.startswith(_WRAPPERS_OWN)}


def sealed_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environ` for a build whose result is shared."""
    return _plain({name: environ[name] for name in _PERSON if name in environ})


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without the credentials of registries, of our network cache, and of proxies."""
    return {name: value for name, value in environ.items() if not _is_secret(name, value)}


def _is_secret(name: str, value: str) -> bool:
    is_proxy = name in _ALL_PROXIES or name == "CARGO_HTTP_PROXY"
    return bool(_SECRET_NAME.fullmatch(name) or (is_proxy and _LOGIN_IN_ADDRESS.match(value)))


def _is_cargos(name: str) -> bool:
    return name.startswith(_CARGO)


def _plain(kept: Mapping[str, str]) -> dict[str, str]:
    """Messages come in one language and in UTF-8."""
    return {**kept, "LC_ALL": "C.UTF-8"}
