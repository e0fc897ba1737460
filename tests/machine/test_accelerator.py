from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootimage.machine import accelerator, qemu


@pytest.mark.parametrize(
    ("environ", "named", "expected"),
    [
        ({}, None, "tcg"),
        ({"QEMU_ACCEL": "kvm"}, None, "kvm"),
        ({"QEMU_ACCEL": "kvm"}, "tcg,thread=single", "tcg,thread=single"),
        ({"QEMU_ACCEL": ""}, None, "tcg"),
    ],
)
def test_what_the_user_names(environ: dict, named: str | None, expected: str) -> None:
    assert accelerator.choose_accel(environ, Path("qemu"), named) == expected


@pytest.mark.parametrize("quick", [True, False])
def test_auto_takes_what_is_quick(monkeypatch: pytest.MonkeyPatch, quick: bool) -> None:
    monkeypatch.setattr(accelerator, "_is_quick", lambda _program, _accel: quick)
    chosen = accelerator.choose_accel({}, Path(f"qemu-{quick}"), "auto")
    assert (chosen == "tcg") is not quick


@pytest.mark.boot
def test_the_probe_boots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accelerator, "_PROBE_S", 60.0)
    program = qemu.find_qemu(os.environ)
    assert accelerator._is_quick(program, "tcg")
    assert not accelerator._is_quick(program, "nonsense")
