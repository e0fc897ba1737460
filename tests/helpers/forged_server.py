"""Cache servers that offer what a machine has published, or something forged of it."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

from bad_server import Behaviour, answer, serving
from store_machines import Machine, remote
from stores import KEY

from bootimage.store.bazel_action_result import decode_stdout, encode_action_result
from bootimage.store.record import Blob, seal, unseal


def published_files(tmp_path: Path) -> dict[str, bytes]:
    """What a server has after one machine has built."""
    held: dict[str, bytes] = {}

    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        if method == "PUT":
            held[path] = body
        answer(line, 201 if method == "PUT" else 404, method=method)

    with serving(behave) as server:
        Machine(tmp_path / "ci", remote(server.url)).make()
    return held


def offering(files: dict[str, bytes]) -> Behaviour:
    """A server that has these files."""

    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        answer(line, 200 if path in files else 404, files.get(path, b""), method=method)

    return behave


def forged(filled: dict[str, bytes], **changes: object) -> dict[str, bytes]:
    """The server's files, with one file in a record whose check sum is right."""
    content = unseal(decode_stdout(filled[f"ac/{KEY}"]))
    plain = {"sha256": hashlib.sha256(b"").hexdigest(), "size": 0}
    packed = {**plain, "encoding": "identity"}
    content["record"]["files"] = {changes.pop("name", "f"): {**plain, **changes.pop("plain", {})}}  # type: ignore[dict-item]
    content["packed"] = {name: {**packed, **changes} for name in content["record"]["files"]}
    return {**filled, f"ac/{KEY}": encode_action_result([("f", Blob("0" * 64, 1))], seal(content))}
