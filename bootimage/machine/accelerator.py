"""Choose QEMU's accelerator: plain emulation (TCG) unless the user asks for more.

That a machine has /dev/kvm proves nothing: nested in another virtual machine it can be sixty times
slower than emulation. So "auto" boots a boot sector of five bytes, and takes the accelerator that
gets it done in a second.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bootimage.machine.guest_environment import guest_environment
from bootimage.machine.qemu import DEBUG_EXIT, SUCCESS_CODE, escaped

_PROBE_S = 1.0

# mov al, 0x10; out 0xf4, al; hlt: the success code, at once.
_PROBE = bytes.fromhex("b010 e6f4 f4").ljust(510, b"\0") + b"\x55\xaa"


def choose_accel(environ: Mapping[str, str], program: Path, named: str | None = None) -> str:
    """The value for QEMU's -accel: what the user names, else QEMU_ACCEL in `environ`, else "tcg".

    "auto" stands for the machine's own accelerator where it is quick, else "tcg".
    """
    wanted = named or environ.get("QEMU_ACCEL") or "tcg"
    return _fastest(program) if wanted == "auto" else wanted


@functools.cache
def _fastest(program: Path) -> str:
    native = "hvf" if sys.platform == "darwin" else "kvm"
    return native if _is_quick(program, native) else "tcg"


def _is_quick(program: Path, accel: str) -> bool:
    with tempfile.NamedTemporaryFile(prefix="probe-") as image:
        image.write(_PROBE)
        image.flush()
        command = [
            *(os.fspath(program), "-accel", accel, "-display", "none", "-nic", "none", "-no-reboot"),
            *("-drive", f"format=raw,readonly=on,if=floppy,file={escaped(Path(image.name))}"),
            *("-device", DEBUG_EXIT),
        ]
        try:
            env = guest_environment()
            done = subprocess.run(command, env=env, capture_output=True, timeout=_PROBE_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == SUCCESS_CODE
