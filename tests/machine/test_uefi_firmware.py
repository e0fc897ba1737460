from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bootimage.base.errors import BuildError
from bootimage.machine.uefi_firmware import find_firmware

SYSTEM = "usr/share/qemu/firmware"
ADMIN = "etc/qemu/firmware"
USER = "home/.config/qemu/firmware"


def descriptor(name: str, **changes: object) -> dict:
    """A descriptor of firmware that suits us, its files named after it, with `changes`."""
    half = {"filename": f"/fw/{name}_CODE.fd", "format": "raw"}
    other = {"filename": f"/fw/{name}_VARS.fd", "format": "raw"}
    return {
        "interface-types": ["uefi"],
        "mapping": {"device": "flash", "executable": half, "nvram-template": other},
        "targets": [{"architecture": "x86_64", "machines": ["pc-i440fx-*", "pc-q35-*"]}],
        "features": ["acpi-s3"],
        **changes,
    }


def install(root: Path, where: str, content: object) -> None:
    file = root / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    for name in "ABCSE":
        for half in ("CODE", "VARS"):
            (root / "fw").mkdir(exist_ok=True)
            (root / f"fw/{name}_{half}.fd").touch()


def found(root: Path, **options: object) -> str:
    environ = {"HOME": str(root / "home")}
    return find_firmware(environ, root=root, **options).code.name


SUITABLE = {f"{SYSTEM}/60.json": descriptor("A")}


@pytest.mark.parametrize(
    ("installed", "code"),
    [
        (SUITABLE, "A_CODE.fd"),
        ({f"{SYSTEM}/60.json": descriptor("A"), f"{SYSTEM}/50.json": descriptor("B")}, "B_CODE.fd"),
        ({f"{SYSTEM}/60.json": descriptor("A"), f"{ADMIN}/70.json": descriptor("B")}, "A_CODE.fd"),
        ({f"{SYSTEM}/60.json": descriptor("A"), f"{ADMIN}/60.json": descriptor("B")}, "B_CODE.fd"),
        ({f"{ADMIN}/60.json": descriptor("A"), f"{USER}/60.json": descriptor("B")}, "B_CODE.fd"),
        ({**SUITABLE, f"{SYSTEM}/50.json": descriptor("B"), f"{USER}/50.json": ""}, "A_CODE.fd"),
        ({**SUITABLE, f"{SYSTEM}/50.json": "{ not JSON"}, "A_CODE.fd"),
        ({**SUITABLE, f"{SYSTEM}/50.json": "[]"}, "A_CODE.fd"),
        ({**SUITABLE, f"{SYSTEM}/50.json": '{"interface-types": ["uefi"]}'}, "A_CODE.fd"),
        ({**SUITABLE, f"{SYSTEM}/50.json": descriptor("missing")}, "A_CODE.fd"),
        ({**SUITABLE, f"{SYSTEM}/50.json": descriptor("B", **{"interface-types": ["bios"]})}, "A_CODE.fd"),
        ({**SUITABLE, f"{SYSTEM}/50.json": descriptor("B", features=["requires-smm"])}, "A_CODE.fd"),
        ({**SUITABLE, f"{SYSTEM}/50.json": descriptor("B", mapping={"device": "memory"})}, "A_CODE.fd"),
    ],
)
def test_descriptors(tmp_path: Path, installed: dict, code: str) -> None:
    for where, content in installed.items():
        install(tmp_path, where, content)
    assert found(tmp_path) == code


@pytest.mark.parametrize(
    ("architecture", "machines"), [("aarch64", ["virt-*"]), ("x86_64", ["pc-q35-*"]), ("x86_64", [])]
)
def test_other_machines_firmware_is_left_alone(tmp_path: Path, architecture: str, machines: list) -> None:
    targets = [{"architecture": architecture, "machines": machines}]
    install(tmp_path, f"{SYSTEM}/50.json", descriptor("B", targets=targets))
    install(tmp_path, f"{SYSTEM}/60.json", descriptor("A"))
    assert found(tmp_path) == "A_CODE.fd"


def test_secure_boot_only_when_asked(tmp_path: Path) -> None:
    secure = descriptor("S", features=["secure-boot", "requires-smm"])
    install(tmp_path, f"{SYSTEM}/50.json", secure)
    install(tmp_path, f"{SYSTEM}/60.json", descriptor("A"))
    assert found(tmp_path) == "A_CODE.fd"
    assert found(tmp_path, secure_boot=True) == "S_CODE.fd"


def test_known_paths_come_after_descriptors(tmp_path: Path) -> None:
    folder = tmp_path / "usr/share/OVMF"
    folder.mkdir(parents=True)
    for name in ("OVMF_CODE_4M.fd", "OVMF_VARS.fd", "OVMF_CODE.fd"):
        (folder / name).touch()
    # 4M code without its own variable store is passed over.
    assert found(tmp_path) == "OVMF_CODE.fd"
    install(tmp_path, f"{SYSTEM}/60.json", descriptor("A"))
    assert found(tmp_path) == "A_CODE.fd"


def test_qemus_own_data_folder_is_searched(tmp_path: Path) -> None:
    data = tmp_path / "prefix/share/qemu"
    data.mkdir(parents=True)
    (data / "edk2-x86_64-code.fd").touch()
    (data / "edk2-i386-vars.fd").touch()
    assert found(tmp_path, program=tmp_path / "prefix/bin/qemu") == "edk2-x86_64-code.fd"


def test_nothing_found_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"(?s)no UEFI firmware.*OVMF_CODE and OVMF_VARS") as caught:
        found(tmp_path)
    assert "install" in str(caught.value.hint)


class TestNamed:
    def flash(self, folder: Path, name: str, kib: int) -> str:
        (folder / name).write_bytes(b"\xff" * (kib * 1024))
        return str(folder / name)

    def test_the_partner_lies_beside(self, tmp_path: Path) -> None:
        code = self.flash(tmp_path, "OVMF_CODE.fd", 1920)
        partner = self.flash(tmp_path, "OVMF_VARS.fd", 128)
        assert find_firmware({"OVMF_CODE": code}).vars_template == Path(partner)
        assert find_firmware({}, code=code, vars_template=partner).vars_template == Path(partner)

    def test_two_builds_are_not_mixed(self, tmp_path: Path) -> None:
        code = self.flash(tmp_path, "OVMF_CODE.fd", 1920)
        template = self.flash(tmp_path, "OVMF_VARS_4M.fd", 528)
        with pytest.raises(BuildError, match="two different builds"):
            find_firmware({"OVMF_CODE": code, "OVMF_VARS": template})

    @pytest.mark.parametrize(
        ("environ", "message"),
        [
            ({"OVMF_VARS": "x"}, "OVMF_CODE is not"),
            ({"OVMF_CODE": "/nowhere/CODE.fd", "OVMF_VARS": "x"}, "no such UEFI firmware"),
            ({"OVMF_CODE": "/nowhere/OVMF.fd"}, "not beside it"),
        ],
    )
    def test_errors(self, environ: dict, message: str) -> None:
        with pytest.raises(BuildError, match=message):
            find_firmware(environ)


def test_this_machine_has_firmware() -> None:
    firmware = find_firmware({"HOME": os.environ["HOME"]})
    assert (firmware.code.stat().st_size + firmware.vars_template.stat().st_size) % (1 << 20) == 0
