"""Run an image the way `scons run-qemu` does: IMAGE SCREENSHOT [LIMIT]. A program for tests to start."""

import os
import sys
from pathlib import Path

from bootimage.machine import qemu
from bootimage.machine.qemu import Machine
from bootimage.machine.run_guest import run_interactive

machine = Machine(qemu.find_qemu(os.environ), Path(sys.argv[1]), extra=("-nic", "none"))
sys.exit(run_interactive(machine, Path(sys.argv[2]), limit=float(sys.argv[3])))
