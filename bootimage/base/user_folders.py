"""The home, the cache and the configuration folder of this user, and whether anything may be kept."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path


def home_folder(environ: Mapping[str, str]) -> Path:
    """HOME, or what the system's user list says where it is empty or not set."""
    if home := environ.get("HOME"):
        return Path(home)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # a user without a name, as in some containers
        return Path("/")


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The folder of this user's caches of ours: `$XDG_CACHE_HOME/rustkernel`."""
    named = environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    return (Path(named) if named.startswith("/") else home_folder(environ) / ".cache") / "rustkernel"


def store_is_off(environ: Mapping[str, str]) -> bool:
    """True where nothing may be written below the cache folder (RUSTKERNEL_STORE=off)."""
    return environ.get("RUSTKERNEL_STORE", "").strip().lower() == "off"


def config_folder(environ: Mapping[str, str]) -> Path:
    """The folder of what this user sets for us: `$XDG_CONFIG_HOME/rustkernel`."""
    named = environ.get("XDG_CONFIG_HOME", "")
    return (Path(named) if named.startswith("/") else home_folder(environ) / ".config") / "rustkernel"
