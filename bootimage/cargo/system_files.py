"""Files that belong to the system and not to a project: nobody declares them as inputs.

They change with the system's packages, as the C compiler does. What has read one is not shared with others.
"""

from __future__ import annotations

_FOLDERS = ("bin", "dev", "etc", "lib", "lib64", "nix", "opt", "proc", "run", "sbin", "sys", "usr")


def is_of_system(path: str) -> bool:
    """Whether the absolute `path` lies in a folder of the system's."""
    return path.startswith(tuple(f"/{folder}/" for folder in _FOLDERS))
