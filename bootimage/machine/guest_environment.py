"""What QEMU gets of the user's environment: what a program with a window, a sound card and modules needs.

No token and no password: a guest may attack the machine that it runs on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

_NAMES = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "COLORTERM", "TMPDIR", "TZ", "LD_LIBRARY_PATH"),
    *("LANG", "LANGUAGE", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"),
}
_FAMILIES = (
    *("LC_", "XDG_", "QEMU_", "SDL_", "GDK_", "GTK_", "QT_", "LIBGL_", "MESA_", "VK_"),
    *("PULSE_", "PIPEWIRE_", "ALSA_", "JACK_"),
)


def guest_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables of `environ` that QEMU may see."""
    return {name: value for name, value in environ.items() if name in _NAMES or name.startswith(_FAMILIES)}
