from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import boot_sectors as bs
import pytest

from bootimage.base.errors import BuildError
from bootimage.machine import uefi_firmware
from bootimage.machine.launch import Mode, running
from bootimage.machine.qemu import Machine

pytestmark = pytest.mark.boot


async def started(machine: Machine) -> None:
    async with running(machine, Mode()) as (guest, _launched):
        await guest.start()


def refused(machine: Machine) -> str:
    with pytest.raises(BuildError) as caught:
        asyncio.run(started(machine))
    return str(caught.value)


def test_a_missing_image(guest_of: Callable[..., Machine], tmp_path: Path) -> None:
    machine = replace(guest_of(bs.HALT), image=tmp_path / "nothing.img")
    assert "nothing.img: error: there is no such image" in refused(machine)


def test_what_qemu_says_of_wrong_arguments(guest_of: Callable[..., Machine], empty_tmp: Path) -> None:
    text = refused(replace(guest_of(bs.HALT), extra=("-nonsense",)))
    assert "QEMU did not start (exit status 1)" in text and "-nonsense: invalid option" in text
    assert list(empty_tmp.iterdir()) == []


def fake_qemu(folder: Path, script: str) -> Path:
    program = folder / "fake-qemu"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ('[ "$1" = --version ] && echo QEMU emulator version 5.2.0; exit 1', "QEMU 5.2 is too old: 6.0 is"),
        ("echo broken >&2; exit 3", r"did not start (exit status 3): broken"),
        ("kill -9 $$", "did not start (exit status -9): it said nothing"),
    ],
)
def test_a_qemu_that_does_not_start(
    guest_of: Callable[..., Machine], tmp_path: Path, script: str, message: str
) -> None:
    assert message in refused(replace(guest_of(bs.HALT), program=fake_qemu(tmp_path, script)))


def test_a_program_that_cannot_be_run(guest_of: Callable[..., Machine], tmp_path: Path) -> None:
    (tmp_path / "not-a-program").touch()
    assert "cannot run" in refused(replace(guest_of(bs.HALT), program=tmp_path / "not-a-program"))


def test_no_room_for_temporary_files(
    guest_of: Callable[..., Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = guest_of(bs.HALT)
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    assert "cannot make a temporary folder" in refused(machine)


def test_uefi_writes_to_a_copy_of_its_variable_store(
    guest_of: Callable[..., Machine], empty_tmp: Path
) -> None:
    firmware = uefi_firmware.find_firmware(os.environ)
    before = hashlib.sha256(firmware.vars_template.read_bytes()).digest()
    template = firmware.vars_template.stat()

    async def until_written(machine: Machine) -> None:
        async with running(machine, Mode(pause_at_end=True)) as (guest, launched):
            [copy] = launched.folder.glob("*.fd")
            await guest.start()
            async with asyncio.timeout(120):
                while hashlib.sha256(copy.read_bytes()).digest() == before:
                    await asyncio.sleep(0.2)

    asyncio.run(until_written(replace(guest_of(bs.HALT), firmware=firmware)))
    assert firmware.vars_template.stat().st_mtime_ns == template.st_mtime_ns
    assert hashlib.sha256(firmware.vars_template.read_bytes()).digest() == before
    assert list(empty_tmp.iterdir()) == []
