"""Find UEFI firmware for QEMU: the code, and the template of its variable store (VARS).

QEMU's firmware descriptors (docs/interop/firmware.json in its sources) say what is installed: JSON
files in three folders, the user's first, read in the order of their names. A file hides those of the
same name in later folders, and an empty file hides them without offering anything itself. Where no
descriptor fits, the distributions' known paths are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from bootimage.base import install_hints
from bootimage.base.errors import BuildError
from bootimage.base.json_text import read_object
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.private_programs import copy_folder

_SYSTEM = Path("/")

# Code and variable store are two halves of one flash chip, and each build of OVMF has its own split:
# 2 MiB and 4 MiB chips are common. Halves of two different builds do not add up to a whole chip.
_MIB = 1024 * 1024

# What QEMU calls the machines that we run: `pc`, or `q35` where Secure Boot asks for it.
_MACHINE = {False: "pc-i440fx-7.2", True: "pc-q35-7.2"}

_KNOWN_PAIRS = (
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),  # Debian, Ubuntu
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),  # Fedora
    ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),  # Arch
    ("/usr/share/edk2-ovmf/x64/OVMF_CODE.fd", "/usr/share/edk2-ovmf/x64/OVMF_VARS.fd"),
    ("/usr/share/qemu/ovmf-x86_64-4m-code.bin", "/usr/share/qemu/ovmf-x86_64-4m-vars.bin"),  # openSUSE
    ("/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"),
    ("/usr/share/edk2/OvmfX64/OVMF_CODE.fd", "/usr/share/edk2/OvmfX64/OVMF_VARS.fd"),  # Gentoo
)


@dataclass(frozen=True)
class Firmware:
    """UEFI firmware: `code` is only read; `vars_template` is to be copied for each machine.

    `format` is QEMU's name for the format of both files, raw or qcow2. `secure_boot` firmware needs
    a machine with system management mode.
    """

    code: Path
    vars_template: Path
    format: str = "raw"
    secure_boot: bool = False


def find_firmware(
    environ: Mapping[str, str],
    *,
    code: str | None = None,
    vars_template: str | None = None,
    program: Path | None = None,
    secure_boot: bool = False,
    root: Path = _SYSTEM,
) -> Firmware:
    """The firmware to boot UEFI images with.

    `code` and `vars_template` are the user's own choice, else OVMF_CODE and OVMF_VARS in `environ`.
    `program` is the QEMU program: its own data folder is searched last. `root` stands for the file
    system's root; the user's private copy of QEMU comes after it. Raises BuildError where there is none, or
    where two files do not belong together.
    """
    code = code or environ.get("OVMF_CODE") or None
    vars_template = vars_template or environ.get("OVMF_VARS") or None
    if code or vars_template:
        return _named(code, vars_template, secure_boot)
    data = _data_folder(program)
    for firmware in _described(_descriptor_folders(environ, root, data), root, secure_boot):
        if _exists(firmware):
            return firmware
    for firmware in () if secure_boot else _known(root, data):
        if _exists(firmware):
            return firmware
    if root == _SYSTEM and (copy := copy_folder("qemu", environ)):
        return find_firmware(environ, secure_boot=secure_boot, root=copy / "root")
    raise BuildError(
        "no UEFI firmware for x86_64 was found: no descriptor in QEMU's firmware folders names one "
        f"{'with' if secure_boot else 'without'} Secure Boot, and no known path holds one",
        hint=f"{install_hints.install_command(install_hints.OVMF)}; "
        "or name the files with OVMF_CODE and OVMF_VARS",
    )


def _named(code: str | None, vars_template: str | None, secure_boot: bool) -> Firmware:
    if not code:
        raise BuildError("OVMF_VARS is set, but OVMF_CODE is not", hint="set both")
    code_path = Path(code)
    vars_path = Path(vars_template) if vars_template else _partner(code_path)
    for path in (code_path, vars_path):
        if not path.is_file():
            raise BuildError("there is no such UEFI firmware file", file=path)
    firmware = Firmware(code_path, vars_path, secure_boot=secure_boot)
    _check_halves(firmware)
    return firmware


def _partner(code: Path) -> Path:
    """The variable store that lies beside `code`, by the naming that all distributions share."""
    for word, other in (("CODE", "VARS"), ("code", "vars")):
        if word in code.name and (path := code.with_name(code.name.replace(word, other))).is_file():
            return path
    raise BuildError(
        "the variable store (VARS) that belongs to this firmware is not beside it",
        file=code,
        hint="set OVMF_VARS too; OVMF.fd, which holds both halves, will not do: it would be written to",
    )


def _check_halves(firmware: Firmware) -> None:
    sizes = [path.stat().st_size for path in (firmware.code, firmware.vars_template)]
    if sum(sizes) % _MIB:
        raise BuildError(
            f"{firmware.code.name} ({sizes[0]} bytes) and {firmware.vars_template.name} ({sizes[1]} bytes) "
            "are of two different builds: together they must fill a flash chip of whole MiB",
            file=firmware.vars_template,
            hint="use CODE and VARS of the same build, both 2M or both 4M",
        )


def _data_folder(program: Path | None) -> Path | None:
    """PREFIX/share/qemu of a QEMU in PREFIX/bin: where Homebrew's and hand-built ones keep firmware."""
    return program.resolve().parent.parent / "share/qemu" if program else None


def _descriptor_folders(environ: Mapping[str, str], root: Path, data: Path | None) -> list[Path]:
    home = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '')}/.config"
    folders = [Path(home) / "qemu/firmware", root / "etc/qemu/firmware", root / "usr/share/qemu/firmware"]
    return folders if data is None else [*folders, data / "firmware"]


def _described(folders: Sequence[Path], root: Path, secure_boot: bool) -> Iterator[Firmware]:
    descriptors: dict[str, Path] = {}
    for folder in folders:
        for path in folder.glob("*.json"):
            descriptors.setdefault(path.name, path)
    for name in sorted(descriptors):
        firmware = _read_descriptor(descriptors[name], root, secure_boot)
        if firmware is not None:
            yield firmware


def _read_descriptor(path: Path, root: Path, secure_boot: bool) -> Firmware | None:
    """The firmware that a descriptor offers, if it suits us; one that cannot be read offers none."""
    try:
        descriptor = read_object(path)
        if not _suits(descriptor, secure_boot):
            return None
        code = descriptor["mapping"]["executable"]
        template = descriptor["mapping"]["nvram-template"]
        files = [root / str(half["filename"]).lstrip("/") for half in (code, template)]
        return Firmware(files[0], files[1], code["format"], secure_boot)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _suits(descriptor: Mapping[str, Any], secure_boot: bool) -> bool:
    if "uefi" not in descriptor.get("interface-types", ()):
        return False
    mapping = descriptor["mapping"]
    if mapping["device"] != "flash" or mapping.get("mode", "split") != "split":
        return False
    formats = {mapping[half]["format"] for half in ("executable", "nvram-template")}
    features = set(descriptor.get("features", ()))
    wanted = "secure-boot" in features if secure_boot else not features & {"requires-smm", "enrolled-keys"}
    return len(formats) == 1 and formats <= {"raw", "qcow2"} and wanted and _runs_on(descriptor, secure_boot)


def _runs_on(descriptor: Mapping[str, Any], secure_boot: bool) -> bool:
    return any(
        target["architecture"] == "x86_64"
        and any(fnmatch(_MACHINE[secure_boot], pattern) for pattern in target["machines"])
        for target in descriptor["targets"]
    )


def _known(root: Path, data: Path | None) -> Iterator[Firmware]:
    for code, vars_template in _KNOWN_PAIRS:
        yield Firmware(root / code.lstrip("/"), root / vars_template.lstrip("/"))
    if data is not None:
        # QEMU's own build: the 32-bit and the 64-bit code share one variable store.
        yield Firmware(data / "edk2-x86_64-code.fd", data / "edk2-i386-vars.fd")


def _exists(firmware: Firmware) -> bool:
    return firmware.code.is_file() and firmware.vars_template.is_file()
