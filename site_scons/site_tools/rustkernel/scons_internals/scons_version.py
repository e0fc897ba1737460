"""The versions of SCons that this tool was tried with: it rests on more than its public interface."""

from __future__ import annotations

import re

import SCons
import SCons.Errors

OLDEST, TOO_NEW = (4, 8), (4, 12)
"""From the first version to before the second; pyproject.toml says the same."""


def check_version(version: str = SCons.__version__) -> None:
    """Raise UserError for another version: a wrong image would be worse than none."""
    found = tuple(int(each) for each in re.findall(r"\d+", version)[:2])
    if OLDEST <= found < TOO_NEW:
        return
    wanted = f"SCons>={_dotted(OLDEST)},<{_dotted(TOO_NEW)}"
    newer = " or a newer version of scons-rustkernel" if found >= TOO_NEW else ""
    raise SCons.Errors.UserError(
        f"SCons {version} has not been tried with this version of rustkernel, which needs {wanted}\n"
        f"  help: pip install '{wanted}'{newer}"
    )


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
