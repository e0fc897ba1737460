"""cargo's messages, and what else comes out of it among them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bootimage.cargo.messages import artifacts, build_scripts, executables, printed_lines, rendered_errors

ARTIFACT: dict[str, Any] = {
    "reason": "compiler-artifact",
    "package_id": "path+file:///k#0.1.0",
    "manifest_path": "/k/Cargo.toml",
    "target": {"name": "k", "kind": ["bin"], "edition": "2024"},
    "profile": {"test": False, "opt_level": "0"},
    "filenames": ["/t/debug/k"],
    "executable": "/t/debug/k",
    "fresh": False,
}
SCRIPT: dict[str, Any] = {"reason": "build-script-executed", "package_id": "k", "out_dir": "/t/out"}
ERROR = {"reason": "compiler-message", "message": {"level": "error", "rendered": "error: no\n"}}

PRINTED = {
    "a debug format": "{ debug }",
    "a number": "{1}",
    "half a line": "half a line",
    "no keys": '{"reason":"compiler-artifact"}',
    "no reason": '{"name": "k"}',
    "a reason of another type": '{"reason": ["compiler-artifact"]}',
    "another type": json.dumps({**ARTIFACT, "filenames": 7}),
    "another type within": json.dumps({**ARTIFACT, "filenames": [7]}),
    "no target": json.dumps({**ARTIFACT, "target": None}),
    "an executable that is none": json.dumps({**ARTIFACT, "executable": 7}),
    "no folder": json.dumps({**SCRIPT, "out_dir": None}),
    "a message without a level": '{"reason":"compiler-message","message":{}}',
    "depth": '{"a":' * 100_000,
    "digits": '{"reason":' + "9" * 5000 + "}",
    "no text": "\udce4 {",
}


@pytest.mark.parametrize("name", PRINTED)
def test_what_a_macro_prints_is_shown(name: str) -> None:
    lines = [json.dumps(ARTIFACT), PRINTED[name], json.dumps(SCRIPT), "", json.dumps(ERROR)]
    messages = "\n".join(lines).encode(errors="surrogateescape")
    assert printed_lines(messages) == [PRINTED[name].replace("\udce4", "\ufffd")]
    assert [*artifacts(messages)] == [ARTIFACT]
    assert [*build_scripts(messages)] == [SCRIPT]
    assert {name: str(path) for name, path in executables(messages).items()} == {"k": "/t/debug/k"}
    assert rendered_errors(messages) == "error: no\n"


def test_messages_of_tomorrow_are_not_shown() -> None:
    assert printed_lines(b'{"reason":"timing-info","duration":1.0}\n{"reason":"new"}\n') == []
