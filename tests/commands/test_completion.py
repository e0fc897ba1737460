"""Completion, by the shell that asks for it."""

from __future__ import annotations

import subprocess

import pytest
from cli_shell import Shell


def completed(script: str, *words: str) -> list[str]:
    """What bash offers for the last of these words after `bootimage`."""
    asked = [
        script,
        f"COMP_WORDS=(bootimage {' '.join(repr(word) for word in words)}); COMP_CWORD={len(words)}",
        "function=$(complete -p bootimage | sed 's/.*-F \\([^ ]*\\) .*/\\1/')",
        f'"$function" bootimage {words[-1]!r} ""; printf "%s\\n" "${{COMPREPLY[@]}}"',
    ]
    command = ["bash", "--norc", "-c", "\n".join(asked)]
    return sorted(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_bash_completes_commands_and_options(shell: Shell) -> None:
    script = shell.run("bootimage completion bash")
    assert completed(script, "in") == ["init"]
    assert completed(script, "ta") == ["target-spec"]
    assert completed(script, "build", "--kernel-") == ["--kernel-binary", "--kernel-manifest"]
    assert completed(script, "init", "--d") == ["--dry-run"]


@pytest.mark.parametrize("name", ["zsh", "tcsh"])
def test_other_shells_get_theirs(shell: Shell, name: str) -> None:
    script = shell.run(f"bootimage completion {name}")
    assert {"zsh": "#compdef bootimage", "tcsh": "complete bootimage"}[name] in script
    assert "kernel-manifest" in script


def test_a_shell_that_is_not_known(capsys: pytest.CaptureFixture[str], shell: Shell) -> None:
    with pytest.raises(SystemExit):
        shell.run("bootimage completion sh")
    assert "invalid choice: 'sh' (choose from" in capsys.readouterr().err
