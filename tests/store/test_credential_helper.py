"""Bazel's credential helper: what it is asked, what it may answer, and that nobody else sees it."""

from __future__ import annotations

import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bad_server import answer, serving
from store_machines import Machine, remote
from stores import CONTENTS, key_of, read

from bootimage.base.errors import BuildError
from bootimage.store.credential_helper import Helper, HelperHeaders
from bootimage.store.remote_settings import remote_settings

TOKEN = "open-sesame"


class Answers:
    """A helper that answers with `text`, and notes each time that it is asked."""

    def __init__(self, folder: Path, text: str, last: str = "exit 0") -> None:
        self.program = folder / "helper"
        self._asked = folder / "asked"
        (folder / "answer").write_text(text)
        self.program.write_text(
            f"#!/bin/sh\necho $1 >>{folder}/asked\ncat >>{folder}/asked\necho >>{folder}/asked\n"
            f"echo {TOKEN} >&2\ncat {folder}/answer\n{last}\n"
        )
        self.program.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        return self._asked.read_text().splitlines() if self._asked.exists() else []

    def headers(self, timeout: float = 5) -> HelperHeaders:
        return HelperHeaders(Helper(str(self.program), {"PATH": "/usr/bin:/bin"}), "https://c/x", timeout)


def text_of(headers: Any, **more: Any) -> str:
    return json.dumps({"headers": headers, **more})


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def test_what_is_sent_is_what_the_helper_says(tmp_path: Path, said: list[str]) -> None:
    helper = Answers(tmp_path, text_of({"Authorization": [f"Bearer {TOKEN}"], "X-Team": ["a", "b"]}))
    with serving(lambda line, method, path, body: answer(line, 404, method=method)) as server:
        machine = Machine(tmp_path / "me", remote(server.url, RUSTKERNEL_CACHE_HELPER=str(helper.program)))
        assert read(machine.make()) == CONTENTS
        sent = {(headers["authorization"], headers["x-team"]) for _, _, headers in server.requests}
        assert sent == {(f"Bearer {TOKEN}", "a, b")} and len(server.requests) == 3
        assert helper.asked == ["get", json.dumps({"uri": server.url})], "once for all"
    assert TOKEN not in "".join(said)


def test_a_name_on_the_path(tmp_path: Path) -> None:
    helper = Answers(tmp_path, text_of({}))
    environ = {"RUSTKERNEL_CACHE": "https://c", "RUSTKERNEL_CACHE_HELPER": "helper", "PATH": str(tmp_path)}
    settings = remote_settings(environ)
    assert settings is not None and settings.credentials.helper == Helper(str(helper.program), {})


def test_netrc_does_not_count_beside_it(tmp_path: Path) -> None:
    helper = Answers(tmp_path, text_of({}))
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login me password {TOKEN}\n")
    with serving(lambda line, method, path, body: answer(line, 404, method=method)) as server:
        environ = {"RUSTKERNEL_CACHE_HELPER": str(helper.program), "NETRC": str(tmp_path / "netrc")}
        Machine(tmp_path / "me", remote(server.url, "read", **environ)).make()
        assert "authorization" not in server.requests[0][2]


@pytest.mark.parametrize(
    ("seconds", "times"), [(None, 1), (3600, 1), (-3600, 3)], ids=["for a while", "later", "gone"]
)
def test_how_long_an_answer_is_used(tmp_path: Path, seconds: float | None, times: int) -> None:
    more = {} if seconds is None else {"expires": in_seconds(seconds)}
    helper = Answers(tmp_path, text_of({"A": ["b"]}, **more))
    headers = helper.headers()
    assert [headers.get() for _ in range(3)] == [{"A": "b"}] * 3
    assert helper.asked.count("get") == times


def test_an_answer_that_ends_soon(tmp_path: Path) -> None:
    helper = Answers(tmp_path, text_of({"A": ["b"]}, expires=in_seconds(1)))
    headers = helper.headers()
    headers.get()
    time.sleep(1.1)
    headers.get()
    assert helper.asked.count("get") == 2


def test_a_token_that_the_server_takes_no_more(tmp_path: Path, said: list[str]) -> None:
    """The helper is asked once more; the second token is good."""
    helper = Answers(tmp_path, text_of({"Authorization": ["old"]}), f"echo '{{}}' >{tmp_path}/answer")

    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        current = "authorization" not in server.requests[-1][2]
        answer(line, 404 if current else 401, method=method)

    with serving(behave) as server:
        machine = Machine(
            tmp_path / "me", remote(server.url, "read", RUSTKERNEL_CACHE_HELPER=str(helper.program))
        )
        machine.make()
        machine.make(key_of("other"))
        assert len(server.requests) == 3 and helper.asked.count("get") == 2
    assert said == []


def test_a_token_that_is_never_taken(tmp_path: Path, said: list[str]) -> None:
    helper = Answers(tmp_path, text_of({"Authorization": [TOKEN]}))
    with serving(lambda line, method, path, body: answer(line, 401, method=method)) as server:
        machine = Machine(
            tmp_path / "me", remote(server.url, "read", RUSTKERNEL_CACHE_HELPER=str(helper.program))
        )
        assert read(machine.make()) == CONTENTS and machine.built == 1
        assert len(server.requests) == 1 and helper.asked.count("get") == 2
    assert "it refuses access (status 401)" in said[0] and TOKEN not in "".join(said)


def test_many_threads_ask_once(tmp_path: Path) -> None:
    helper = Answers(tmp_path, text_of({"A": ["b"]}), "sleep 0.2")
    headers = helper.headers()
    threads = [threading.Thread(target=headers.get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert helper.asked.count("get") == 1


@pytest.mark.parametrize(
    ("text", "last", "told"),
    [
        ("{}", "exit 3", "exit status 3"),
        (TOKEN, "", "Expecting value"),
        ("[]", "", "JSON, but no object"),
        ('{"headers": []}', "", "its `headers` is no object"),
        (text_of({"A": TOKEN}), "", "something else than lists of strings"),
        (text_of({"A": [1]}), "", "something else than lists of strings"),
        (text_of({"A": [f"{TOKEN}\r\nX: y"]}), "", "a character that no header can have"),
        (text_of({"A\n": [TOKEN]}), "", "a character that no header can have"),
        (text_of({"A": [TOKEN]}, expires="soon"), "", "its `expires` is no time"),
        (text_of({"A": [TOKEN]}, expires=5), "", "its `expires` is no time"),
        ("{}", "sleep 60", "helper has not ended after 0.5 s"),
        ("{}", "kill -9 $$", "exit status -9"),
    ],
)
def test_a_helper_of_no_use(tmp_path: Path, said: list[str], text: str, last: str, told: str) -> None:
    helper = Answers(tmp_path, text, last)
    with serving(lambda line, method, path, body: answer(line, 404, method=method)) as server:
        environ = {"RUSTKERNEL_CACHE_HELPER": str(helper.program), "RUSTKERNEL_CACHE_TIMEOUT": "0.5"}
        machine = Machine(tmp_path / "me", remote(server.url, "read", **environ))
        assert read(machine.make()) == CONTENTS and machine.built == 1 and server.requests == []
        asked = json.dumps({"uri": server.url})
    assert "the credential helper helper gave no credentials (" in said[0] and told in said[0]
    assert said[1] == f"  help: try it: echo '{asked}' | {helper.program} get"
    assert TOKEN not in "".join(said)


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"RUSTKERNEL_CACHE_HELPER": "none-such"}, "'none-such': there is no such program on PATH"),
        ({"RUSTKERNEL_CACHE_HELPER": "/none/such"}, "'/none/such': there is no such program that can be run"),
        ({"RUSTKERNEL_CACHE_HELPER": "./helper"}, "'./helper': expected an absolute path"),
        ({"RUSTKERNEL_CACHE_HELPER": "/bin/true", "RUSTKERNEL_CACHE_TOKEN": "x"}, "_TOKEN are both set"),
        ({"RUSTKERNEL_CACHE_HELPER": "/bin/true", "RUSTKERNEL_CACHE_USER": "x"}, "_USER are both set"),
        ({"RUSTKERNEL_CACHE_CLIENT_CERTIFICATE": "/none"}, "'/none': there is no such file"),
        ({"RUSTKERNEL_CACHE_CLIENT_KEY": "/bin/sh"}, "_KEY is of use only with RUSTKERNEL_CACHE_CLIENT_CERT"),
        (
            {"RUSTKERNEL_CACHE_CLIENT_CERTIFICATE": "/bin/sh", "RUSTKERNEL_CACHE": "http://c"},
            "is of use only with https",
        ),
    ],
)
def test_settings_that_cannot_be_meant(environ: dict[str, str], told: str) -> None:
    with pytest.raises(BuildError) as caught:
        remote_settings({"RUSTKERNEL_CACHE": "https://c", **environ})
    assert told in caught.value.message
