"""The environment that cargo and the compiler get: what they need, and nothing that leaks into results.

A list of what is let through, not of what is kept out: RUSTFLAGS, CARGO_TARGET_DIR, CARGO_BUILD_*,
CARGO_PROFILE_* and whatever is thought of next would change what is built without the graph's knowledge.
"""

from __future__ import annotations

from collections.abc import Mapping

_PERSON = ("TMPDIR", "TERM", "SSH_AUTH_SOCK")
_NETWORK = (
    "NETRC",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_COMPILER_CACHE = ("RUSTC_WRAPPER",)  # sccache answers with what the compiler would have made
_KEPT = {*_PERSON, *_NETWORK, *_PROXIES, *map(str.upper, _PROXIES), *_COMPILER_CACHE}
_KEPT_FAMILIES = ("CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_", "SCCACHE_")


def kept_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environ` that a build may see; messages come in one language and UTF-8."""
    kept = {name: value for name, value in environ.items() if _is_kept(name)}
    return {**kept, "LC_ALL": "C.UTF-8"}


def _is_kept(name: str) -> bool:
    return name in _KEPT or name.startswith(_KEPT_FAMILIES)
