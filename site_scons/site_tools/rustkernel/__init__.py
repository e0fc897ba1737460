"""The SCons tool: builders that turn a Rust kernel into disk images which boot.

    env = Environment(tools=["default", "rustkernel"])
    kernel = env.RustKernel("kernel", RUST_TARGET="x86_64-blog_os.json")
    image = env.BootImage(kernel)

This package only connects the engine (`bootimage`) with SCons: nodes, signatures, command lines.
Every construction variable is listed in `variables.py` and in README.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# From a checkout, the engine lies beside this tool's site_scons folder; SCons does not look there for
# itself when the tool is loaded by toolpath or from a SConscript under a variant_dir.
_CHECKOUT = Path(__file__).resolve().parents[3]
if (_CHECKOUT / "bootimage" / "__init__.py").is_file() and str(_CHECKOUT) not in sys.path:
    sys.path.insert(0, str(_CHECKOUT))

from bootimage.base.systems import WINDOWS, is_windows  # noqa: E402

if is_windows():  # what is imported next is not there
    import SCons.Errors

    raise SCons.Errors.UserError(WINDOWS)

from . import (  # noqa: E402
    command_options,
    flat_image_builder,
    goals,
    image_builder,
    kernel_builder,
    kernel_test_builder,
    loader_builder,
    run_qemu,
    sysroot_builder,
    target_spec_builder,
    variables,
    verify_reproducible,
)
from .scons_internals import scons_version  # noqa: E402
from .scons_types import Env  # noqa: E402

options = variables.options


def generate(env: Env, **_settings: Any) -> None:
    """Add the builders, their construction variables and the command line's options to `env`."""
    scons_version.check_version()
    variables.generate(env)
    command_options.add_options()
    for part in (
        target_spec_builder,
        sysroot_builder,
        kernel_builder,
        loader_builder,
        image_builder,
        flat_image_builder,
        run_qemu,
        kernel_test_builder,
        goals,
        verify_reproducible,
    ):
        part.generate(env)


def exists(_env: Env) -> bool:
    """True: what the tool needs is looked for when a node needs it, with an error that helps."""
    return True
