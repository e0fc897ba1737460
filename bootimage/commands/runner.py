"""`bootimage runner EXE ARGS...`: what cargo calls to run a kernel or one of its tests.

The image is made of the executable as it is; cargo has built it. A test is judged by how the guest ends,
anything else is run for the user. Exit codes are those of the Rust program `bootimage` 0.10.5.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.cargo.target_folder import is_test
from bootimage.commands import quiet, version

if TYPE_CHECKING:
    from bootimage.cargo.metadata_tables import BootimageSettings
    from bootimage.cargo_cli.run_command import RunCommand
    from bootimage.machine.qemu import Machine

HELP = """\
Creates a bootable disk image from a Rust kernel and launches it in QEMU

USAGE:
    bootimage runner [OPTIONS] EXECUTABLE [ARGS]

An executable in cargo's own folder (`deps`, `build`) is a test: it has passed when the guest
says so.
ARGS are added to the command that runs the image, see `run-command`, `run-args` and
`test-args` in [package.metadata.bootimage].

OPTIONS:
    --quiet        Print nothing but what the guest writes
    --uefi         Boot the UEFI disk (kernels on loader 0.11)
    -h, --help     Print this
    --version      Print the version
"""


@dataclass(frozen=True)
class RunnerRequest:
    """What to run: `executable` with `arguments` for the machine."""

    executable: Path
    arguments: tuple[str, ...] = ()
    quiet: bool = False
    uefi: bool = False

    @property
    def is_test(self) -> bool:
        """True for a test's executable, which cargo keeps apart from the others."""
        return is_test(self.executable)


def run(words: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Run the command; its exit code is the guest's, 0 for a test that passed."""
    options = _options(words)
    if {"-h", "--help"} & set(options):
        console.output(HELP)
        return 0
    if "--version" in options:
        console.output(f"{version()}\n")
        return 0
    request = _request(words, options)
    return run_kernel(request, _manifest(request.executable, environ), environ)


def _options(words: Sequence[str]) -> list[str]:
    """The words before the executable."""
    first = next((at for at, word in enumerate(words) if not word.startswith("-")), len(words))
    return list(words[:first])


def _request(words: Sequence[str], options: list[str]) -> RunnerRequest:
    for option in options:
        if option not in ("--quiet", "--uefi"):
            raise BuildError(f"bootimage runner knows no option {option}", hint="bootimage runner --help")
    if len(words) == len(options):
        raise BuildError("the path of a kernel's executable is missing", hint="bootimage runner --help")
    executable, *arguments = words[len(options) :]
    return RunnerRequest(Path(executable), tuple(arguments), "--quiet" in options, "--uefi" in options)


def _manifest(executable: Path, environ: Mapping[str, str]) -> Path:
    """The Cargo.toml of the executable's package: cargo says it to the runners it starts."""
    from bootimage.cargo.find_manifest import nearest_manifest

    if named := environ.get("CARGO_MANIFEST_DIR"):
        return Path(named) / "Cargo.toml"
    manifest = nearest_manifest(executable.absolute().parent) or nearest_manifest(Path.cwd())
    if manifest is None:
        raise BuildError(
            "no Cargo.toml lies in a folder above it, so nothing tells which loader it needs",
            file=executable,
            hint="set CARGO_MANIFEST_DIR to the folder of the kernel's Cargo.toml, as cargo does",
        )
    return manifest


def run_kernel(request: RunnerRequest, manifest: Path, environ: Mapping[str, str]) -> int:
    """Make the image of the executable, whose package is `manifest`, and run it."""
    from bootimage.base.toml_file import read_toml
    from bootimage.cargo.metadata_tables import bootimage_settings
    from bootimage.cargo_cli.run_command import run_command

    settings = bootimage_settings(read_toml(manifest))
    with quiet(request.quiet):
        image = _image(request, manifest, environ)
        command = run_command(settings, image, request.arguments, is_test=request.is_test)
        console.output(f"Running: `{' '.join(command.words)}`\n")
    if request.is_test:
        return _test(request, settings, command, environ)
    return _run(request, command, environ)


def _image(request: RunnerRequest, manifest: Path, environ: Mapping[str, str]) -> Path:
    from bootimage.cargo.manifest import read_package
    from bootimage.context import open_context
    from bootimage.image.kernel_images import KernelImages, provide_images

    kernel = request.executable.absolute()
    if not kernel.is_file():
        raise BuildError("there is no such executable", file=request.executable, hint="cargo build")
    context = open_context(manifest.parent, environ)
    console.output("Building bootloader\n")
    images = provide_images(context, KernelImages(read_package(manifest), kernel, kernel.parent))
    if not request.uefi:
        return images.bios
    if images.uefi is None:
        raise BuildError("a kernel on loader 0.9 boots on BIOS only", file=manifest, hint="leave out --uefi")
    return images.uefi


def _machine(request: RunnerRequest, command: RunCommand, environ: Mapping[str, str]) -> Machine | None:
    from dataclasses import replace

    from bootimage.cargo_cli.run_command import as_machine

    machine = as_machine(command, environ)
    if not request.uefi:
        return machine
    if machine is None:
        raise BuildError("--uefi goes with QEMU's usual arguments only", hint="see `run-command`")
    from bootimage.machine.uefi_firmware import find_firmware

    return replace(machine, firmware=find_firmware(environ, program=machine.program))


# Where arguments say how guest and user meet, QEMU does it as they say.
_MEETING = ("-display", "-nographic", "-serial", "-monitor", "-vnc", "-curses", "-spice", "-full-screen")


def _run(request: RunnerRequest, command: RunCommand, environ: Mapping[str, str]) -> int:
    machine = _machine(request, command, environ)
    if machine is None or (not request.uefi and set(_MEETING) & set(machine.extra)):
        return _attached(command, environ, None)
    from bootimage.machine.run_guest import run_interactive

    return run_interactive(machine, screenshot=command.image.with_suffix(".png"))


def _attached(command: RunCommand, environ: Mapping[str, str], limit: float | None) -> int:
    from bootimage.cargo_cli.run_command import find_program
    from bootimage.machine.terminal import run_attached
    from bootimage.toolchain.clean_environment import without_secrets

    words = [str(find_program(command.words, environ)), *command.words[1:]]
    code = run_attached(words, without_secrets(environ), limit)
    if code < 0:
        raise BuildError(f"{Path(command.words[0]).name} was ended by signal {-code}")
    return code


def _test(
    request: RunnerRequest, settings: BootimageSettings, command: RunCommand, environ: Mapping[str, str]
) -> int:
    success = settings.test_success_exit_code
    machine = _machine(request, command, environ) if settings.test_no_reboot else None
    if machine is None:
        code = _attached(command, environ, settings.test_timeout)
        return 0 if code == success else code or (0 if success is None else 1)
    from bootimage.kernel_test.run_tests import GuestTest, run_guest_test
    from bootimage.kernel_test.verdict import describe
    from bootimage.machine.serial_line import as_text

    test = GuestTest(
        name=request.executable.name,
        machine=machine,
        limit=settings.test_timeout,
        # Without the key, QEMU's own 0 is success: that of a guest which shuts the machine down.
        success_code=success,
        serial_log=command.image.with_suffix(".serial.txt"),
        screenshot=command.image.with_suffix(".png"),
    )
    result = run_guest_test(test, as_text())
    if result.passed:
        return 0
    console.output(f"\n{describe(result)}\n")  # the guest may have stopped in mid line
    return result.exit_code if result.exit_code and result.exit_code > 0 else 1
