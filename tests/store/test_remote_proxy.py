"""Which proxy the environment names for a server, and which servers go without one."""

from __future__ import annotations

import pytest

from bootimage.store.remote_proxy import proxy_for

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environ", "variable", "url", "login"),
    [
        ({"HTTP_PROXY": PROXY}, "HTTP_PROXY", PROXY, None),
        ({"http_proxy": PROXY, "HTTP_PROXY": "http://other"}, "HTTP_PROXY", PROXY, None),
        ({"ALL_PROXY": PROXY}, "ALL_PROXY", PROXY, None),
        ({"all_proxy": "http://other", "HTTP_PROXY": PROXY}, "HTTP_PROXY", PROXY, None),
        ({"HTTP_PROXY": "proxy.example:3128"}, "HTTP_PROXY", PROXY, None),
        ({"HTTP_PROXY": "http://me:a%40b@proxy.example:3128"}, "HTTP_PROXY", PROXY, "me:a@b"),
        ({"HTTP_PROXY": "me:secret@proxy.example:3128"}, "HTTP_PROXY", PROXY, "me:secret"),
    ],
)
def test_the_proxy(environ: dict[str, str], variable: str, url: str, login: str | None) -> None:
    found = proxy_for("http", "cache.example", None, environ)
    assert found is not None and (found.variable, found.url, found.login) == (variable, url, login)
    assert login is None or login.partition(":")[2] not in repr(found)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"HTTPS_PROXY": PROXY},
        {"HTTP_PROXY": ""},
        {"http_proxy": "", "HTTP_PROXY": PROXY},
        {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"},
    ],
)
def test_no_proxy_at_all(environ: dict[str, str]) -> None:
    assert proxy_for("http", "cache.example", None, environ) is None


@pytest.mark.parametrize(
    ("host", "port", "listed"),
    [
        ("cache.example", None, "*"),
        ("cache.example", None, "other, cache.example"),
        ("cache.example", None, "other cache.example"),
        ("cache.example", None, "Cache.Example"),
        ("Cache.example", None, ".example"),
        ("cache.example", None, "*.example"),
        ("cache.example", None, "example"),
        ("cache.example", 8080, "example:8080"),
        ("cache.example", None, "example:443"),
        ("10.1.2.3", None, "10.1.2.3"),
        ("10.1.2.3", None, "10.0.0.0/8"),
        ("10.1.2.3", None, "10.1.2.3/8"),
        ("::1", None, "::1"),
        ("::1", None, "[::1]"),
        ("::1", 80, "[::1]:80"),
        ("fd00::7", None, "fd00::/8"),
    ],
)
def test_servers_without_one(host: str, port: int | None, listed: str) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        assert proxy_for("https", host, port, {"HTTPS_PROXY": PROXY, name: listed}) is None


@pytest.mark.parametrize(
    ("host", "port", "listed"),
    [
        ("cache.example", None, ""),
        ("cache.example", None, "che.example"),
        ("cache.example", None, "cache.example.org"),
        ("cache.example", None, "example:80"),
        ("cache.example", 8080, "example:443"),
        ("cache.example", None, "."),
        ("10.1.2.3", None, "11.0.0.0/8"),
        ("10.1.2.3", None, "::/0"),
        ("::1", 80, "[::1]:81"),
        ("::2", None, "::1"),
    ],
)
def test_servers_with_one(host: str, port: int | None, listed: str) -> None:
    assert proxy_for("https", host, port, {"HTTPS_PROXY": PROXY, "NO_PROXY": listed}) is not None
