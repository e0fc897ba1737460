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

from . import (  # noqa: E402
    commands,
    flat_image,
    image,
    kernel,
    kernel_test,
    loader,
    run,
    specification,
    sysroot,
    variables,
    verify,
)


def generate(env: Any, **_settings: Any) -> None:
    """Add the builders, their construction variables and the command line's options to `env`."""
    variables.generate(env)
    for part in (
        specification,
        sysroot,
        kernel,
        loader,
        image,
        flat_image,
        run,
        kernel_test,
        commands,
        verify,
    ):
        part.generate(env)


def exists(_env: Any) -> bool:
    """True: what the tool needs is looked for when a node needs it, with an error that helps."""
    return True
