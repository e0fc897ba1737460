"""cargo's profiles: `dev`, `release` and the user's own."""

from __future__ import annotations


def profile_folder(profile: str) -> str:
    """The folder that cargo gives a profile: `debug` for dev (and test), else the profile's name."""
    return {"dev": "debug", "test": "debug", "bench": "release"}.get(profile, profile)
