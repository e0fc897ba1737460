"""The network cache's settings: what cannot be meant is an error, and no secret is shown."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from bootimage.base.errors import BuildError
from bootimage.store.remote_settings import RemoteSettings, remote_settings

URL = "https://cache.example:8080/a/b"
SECRET = "swordfish"


def read(**more: str) -> RemoteSettings:
    settings = remote_settings({"RUSTKERNEL_CACHE": URL, "NETRC": "/nonexistent", **more})
    assert settings is not None
    return settings


@pytest.mark.parametrize(
    ("url", "name", "path"),
    [
        ("http://host", "http://host", ""),
        ("http://host/", "http://host", ""),
        (" HTTP://Host:80/a// ", "http://host:80/a", "/a"),
        (URL, URL, "/a/b"),
        ("http://[::1]:90/x", "http://[::1]:90/x", "/x"),
        ("http://host/ä%20b", "http://host/%C3%A4%20b", "/%C3%A4%20b"),
    ],
)
def test_urls(url: str, name: str, path: str) -> None:
    settings = read(RUSTKERNEL_CACHE=url)
    assert (settings.name, settings.path, settings.writes, settings.timeout) == (name, path, False, 10.0)


@pytest.mark.parametrize("url", ["", " ", "off", "OFF"])
def test_none(url: str) -> None:
    assert remote_settings({"RUSTKERNEL_CACHE": url}) is None


@pytest.mark.parametrize(
    ("url", "message", "hint"),
    [
        ("htp://host/x", "expected http:// or https://, found htp://", "did you mean http://host/x?"),
        ("htps://host", "found htps://", "did you mean https://host?"),
        ("ftp://host/x", "found ftp://", None),
        ("grpc://host:9092", "found grpc://", "expected a URL such as"),
        ("cache.example/x", "it has no scheme", "did you mean http://cache.example/x?"),
        ("localhost:8080", "it has no scheme", "did you mean http://localhost:8080?"),
        ("//host/x", "it has no scheme", "did you mean http://host/x?"),
        ("http:/host/x", "it has one slash for two", "did you mean http://host/x?"),
        ("https:/host", "it has one slash for two", "did you mean https://host?"),
        ("http:/me:secret@host/x", "it has no scheme", "did you mean http://***@host/x?"),
        ("http://", "it names no host", "expected a URL such as"),
        ("http:///path", "it names no host", "did you mean http://path?"),
        ("http://host:99999/", "its host or port cannot be understood", None),
        ("http://host:port/", "its host or port cannot be understood", None),
        ("http://[::1/", "its host or port cannot be understood", None),
        ("http://host/x?y=1", "it is not the URL of a folder", None),
        ("http://host/x#y", "it is not the URL of a folder", None),
        ("http://ho st/x", "a space or a control character", None),
        ("http://host/\r\nX-Evil: 1", "a space or a control character", None),
    ],
)
def test_urls_that_cannot_be_meant(url: str, message: str, hint: str | None) -> None:
    with pytest.raises(BuildError) as caught:
        read(RUSTKERNEL_CACHE=url)
    assert message in caught.value.message and (hint or "") in (caught.value.hint or "")


@pytest.mark.parametrize(
    "url",
    [
        f"http://ci:{SECRET}@host/x",
        f"http://{SECRET}@host/x",
        f"htp://ci:{SECRET}@host/x",
        f"ci:{SECRET}@host/x",
        f"http://ci:{SECRET}/with/slash@host/x",
        f"http://ci:{SECRET} @host/x",
        f"http://ci:{SECRET}@host:port/x",
        f"http://a@b:{SECRET}@host/x",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(BuildError) as caught:
        read(RUSTKERNEL_CACHE=url)
    assert SECRET not in str(caught.value) and "host" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("RUSTKERNEL_CACHE_MODE", "rw", "expected read or write"),
        ("RUSTKERNEL_CACHE_TIMEOUT", "soon", "expected a number of seconds"),
        ("RUSTKERNEL_CACHE_TIMEOUT", "0", "expected a number of seconds"),
        ("RUSTKERNEL_CACHE_TIMEOUT", "inf", "expected a number of seconds"),
        ("RUSTKERNEL_CACHE_TIMEOUT", "nan", "expected a number of seconds"),
        ("RUSTKERNEL_CACHE_USER", "ci", "only together"),
        ("RUSTKERNEL_CACHE_PASSWORD", SECRET, "only together"),
        ("RUSTKERNEL_CACHE_TOKEN", f"{SECRET}\r\nX-Evil: 1", "a character that no token can have"),
    ],
)
def test_values_that_cannot_be_meant(name: str, value: str, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        read(**{name: value})
    assert message in caught.value.message and SECRET not in str(caught.value)


def test_credentials(tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text(
        f"machine cache.example login from-netrc password {SECRET}\ndefault login other password x\n"
    )
    user = {"RUSTKERNEL_CACHE_USER": "ci", "RUSTKERNEL_CACHE_PASSWORD": "ä:b"}

    def basic(pair: str) -> str:
        return "Basic " + base64.b64encode(pair.encode()).decode()

    assert read().credentials.authorization is None
    assert read(NETRC=str(netrc)).credentials.authorization == basic(f"from-netrc:{SECRET}")
    assert read(NETRC="", HOME=str(tmp_path)).credentials.authorization == basic(f"from-netrc:{SECRET}")
    assert read(NETRC=str(netrc), **user).credentials.authorization == basic("ci:ä:b")
    assert (
        read(NETRC=str(netrc), RUSTKERNEL_CACHE_TOKEN=SECRET, **user).credentials.authorization
        == f"Bearer {SECRET}"
    )
    assert SECRET not in repr(read(RUSTKERNEL_CACHE_TOKEN=SECRET))


@pytest.mark.parametrize("text", [f"machine cache.example login a passwrd {SECRET}", "machine", "\udcff"])
def test_a_netrc_that_cannot_be_understood(tmp_path: Path, said: list[str], text: str) -> None:
    (tmp_path / "netrc").write_bytes(text.encode(errors="surrogateescape"))
    assert read(NETRC=str(tmp_path / "netrc")).credentials.authorization is None
    assert len(said) == 1 and said[0].startswith(f"warning: {tmp_path}/netrc:") and SECRET not in said[0]
