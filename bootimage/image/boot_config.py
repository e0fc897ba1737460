"""boot.json: what the user tells the boot loader, beside what the kernel tells it.

Source of the format: the crate `bootloader-boot-config` 0.11.17, which leaves unknown keys unread and
falls back to its defaults for the whole file when one value is wrong; so both are errors here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bootimage.base.errors import BuildError, closest
from bootimage.base.json_text import parse_object
from bootimage.cargo.versions import order

NEWEST = "0.11.17"
"""The newest loader whose keys are known here; what a newer one may know is passed on."""
LOG_LEVELS = ("Off", "Error", "Warn", "Info", "Debug", "Trace")
_LARGEST = (1 << 64) - 1


def boot_json(settings: Mapping[str, Any], loader: str = NEWEST) -> bytes:
    """The bytes of boot.json for `settings`; the same settings give the same bytes.

    Keys: `frame_buffer` (a mapping of `minimum_framebuffer_height` and `minimum_framebuffer_width`, in
    pixels), `log_level` (one of LOG_LEVELS), `frame_buffer_logging` and `serial_logging` (booleans). A key
    left out has the loader's default: any size, Trace, True. Raises BuildError for anything else, except that
    a `loader` (its version) which is newer than NEWEST gets unknown keys as they are.
    """
    passed_on = {key: settings[key] for key in unchecked_keys(settings, loader)}
    known = {key: settings[key] for key in settings if key not in passed_on} if passed_on else settings
    checked = _checked(known, _CHECKS, "boot.json")
    return json.dumps({**checked, **passed_on}, sort_keys=True, separators=(",", ":")).encode("ascii")


def unchecked_keys(settings: Mapping[str, Any], loader: str) -> list[str]:
    """The keys that `boot_json` passes on to this version of the loader without knowing them."""
    if order(loader) <= order(NEWEST) or not isinstance(settings, Mapping):
        return []
    return [key for key in settings if isinstance(key, str) and key not in _CHECKS]


def unchecked_key(key: str, loader: str) -> str:
    """What to tell the user of such a key."""
    return f"boot.json: {key!r} is passed on unchecked: loader {loader} is newer than {NEWEST}, known here"


_BIOS_SCREEN = (1280, 720)
"""The largest mode that stage 2 of loader 0.11 sets (its main.rs), whatever it is asked for."""


def note_on_bios_screen(kernel: tuple[int, int], settings: Mapping[str, Any]) -> str | None:
    """What to tell a user whose kernel, or whose BOOT_CONFIG, asks for a screen that BIOS never gives.

    `kernel` is the least width and height that it asks for itself, 0 where it does not.
    """
    wishes = settings.get("frame_buffer") or {}
    names = ("minimum_framebuffer_width", "minimum_framebuffer_height")
    asked = tuple(wishes.get(name, own) for name, own in zip(names, kernel, strict=True))
    if all(wish <= most for wish, most in zip(asked, _BIOS_SCREEN, strict=True)):
        return None
    wanted = " and ".join(
        f"{wish} {what}" for wish, what in zip(asked, ("wide", "high"), strict=True) if wish
    )
    most = "x".join(map(str, _BIOS_SCREEN))
    return f"on BIOS the loader sets a screen of {most} pixels at most; asked for is one at least {wanted}"


def check_boot_json(path: Path) -> None:
    """Raise BuildError for a boot.json of the user's that makes the loader fall back to its defaults."""
    try:
        content = parse_object(path.read_bytes())
        _checked({key: value for key, value in content.items() if key in _CHECKS}, _CHECKS, "boot.json")
    except OSError as error:
        raise BuildError(f"cannot read the file: {error.strerror}", file=path) from None
    except ValueError as error:
        raise BuildError(f"expected a JSON object ({error})", file=path) from None
    except BuildError as error:
        raise BuildError(error.message, file=path, hint=error.hint) from None


def _checked(settings: Any, checks: Mapping[str, Callable[[str, Any], Any]], place: str) -> dict[str, Any]:
    if not isinstance(settings, Mapping):
        raise _wrong(place, settings, f"a mapping with the keys {', '.join(checks)}")
    for key in settings:
        if key not in checks:
            raise _unknown(place, str(key), list(checks))
    return {key: checks[key](f"{place}: {key}", value) for key, value in settings.items()}


def _pixels(place: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LARGEST:
        raise _wrong(place, value, "a positive number of pixels")
    return value


def _boolean(place: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(place, value, "True or False")
    return value


def _log_level(place: str, value: Any) -> str:
    if value not in LOG_LEVELS:
        expected = f"one of {', '.join(LOG_LEVELS)}"
        near = closest(str(value).capitalize(), LOG_LEVELS)
        raise _wrong(place, value, expected, hint=f"did you mean {near!r}?" if near else None)
    return str(value)


def _frame_buffer(place: str, value: Any) -> dict[str, Any]:
    return _checked(value, _FRAME_BUFFER_CHECKS, place)


_FRAME_BUFFER_CHECKS = {"minimum_framebuffer_height": _pixels, "minimum_framebuffer_width": _pixels}
_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "frame_buffer": _frame_buffer,
    "log_level": _log_level,
    "frame_buffer_logging": _boolean,
    "serial_logging": _boolean,
}


def _unknown(place: str, key: str, known: list[str]) -> BuildError:
    near = closest(key, known)
    hint = f"did you mean {near!r}?" if near else None
    return BuildError(f"{place}: unknown key {key!r}; known are {', '.join(known)}", hint=hint)


def _wrong(place: str, value: Any, expected: str, hint: str | None = None) -> BuildError:
    return BuildError(f"{place}: {value!r} is not {expected}", hint=hint)
