"""A clone that somebody looks at: nothing of it is started, and nothing that a terminal obeys is shown."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from cargo_tree import named, tree
from cli_shell import Shell

EVIL = r"\u001b]0;title\u0007\u001b[2J\u001b[31mred\u009b2J\u202e"
LOADER = (
    '[[package]]\nname = "bootloader"\nversion = "0.9.35{}"\nsource = "registry+https://example.invalid"\n'
)
LOCK = 'version = 4\n[[package]]\nname = "os"\nversion = "0.1.0"\ndependencies = ["bootloader"]\n'
INIT = "bootimage init --dry-run"
BOOTIMAGE = "[package.metadata.bootimage]\n"

CLONES: dict[str, tuple[str, dict[str, str]]] = {
    "a version": (INIT, {"Cargo.toml": named("os").replace("0.1.0", f"0.1.0{EVIL}")}),
    "a binary": (INIT, {"Cargo.toml": f'{named("os")}[[bin]]\nname = "{EVIL}"\npath = "src/main.rs"\n'}),
    "a key": (INIT, {"Cargo.toml": f'{named("os")}{BOOTIMAGE}"{EVIL}" = 1\n'}),
    "a value": (INIT, {"Cargo.toml": f'{named("os")}{BOOTIMAGE}test-timeout = "{EVIL}"\n'}),
    "run-args": (INIT, {"Cargo.toml": f'{named("os")}{BOOTIMAGE}run-args = ["{EVIL}"]\n'}),
    "a locked version": (INIT, {"Cargo.lock": LOCK + LOADER.format(EVIL)}),
    "a configured target": (INIT, {".cargo/config.toml": f'[build]\ntarget = "{EVIL}"\n'}),
    "a channel": (INIT, {"rust-toolchain.toml": f'[toolchain]\nchannel = "{EVIL}"\n'}),
    "a file's name": ("bootimage target-spec 'x\x1b[2J.json'", {}),
}


@pytest.mark.parametrize("name", CLONES)
def test_nothing_that_a_terminal_obeys_is_shown(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    line, files = CLONES[name]
    if "rust-toolchain.toml" in files:
        monkeypatch.delenv("CARGO")  # which would come first
    loader = '[dependencies]\nbootloader = "0.9"\n'
    tree(shell.folder, {"Cargo.lock": LOCK + LOADER.format(""), **files})
    manifest = shell.folder / "Cargo.toml"
    manifest.write_text(f"{manifest.read_text()}{loader}")
    shell.capsys.readouterr()
    with_any_status(shell, line)
    shown = "".join(shell.capsys.readouterr())
    assert "red" in shown or r"\x1b[2J" in shown
    assert [each for each in shown if each not in "\n\t" and not each.isprintable()] == []


def with_any_status(shell: Shell, line: str) -> None:
    """Run a command that may or may not succeed."""
    from bootimage import cli

    assert cli.main(shlex.split(line)[1:]) in (0, 1)


@pytest.mark.parametrize("command", [INIT, "bootimage rust-analyzer", "bootimage target-spec t.json"])
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("rust-toolchain.toml", '[toolchain]\npath = "tc"\n'),
        ("rust-toolchain.toml", '[toolchain]\nchannel = "./tc"\n'),
        ("rust-toolchain", "./tc\n"),
    ],
)
def test_its_compiler_is_not_started(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str, file: str, text: str
) -> None:
    monkeypatch.delenv("CARGO")
    started = shell.folder / "started"
    rustc = tree(shell.folder, {file: text, "t.json": "{}", "tc/bin/rustc": f"#!/bin/sh\ntouch {started}\n"})
    Path(rustc, "tc/bin/rustc").chmod(0o755)
    assert f"{file}: error: " in shell.run(command, fails=1)
    assert not started.exists()
