"""A cargo home and a working directory of our own, so that cargo reads no configuration but ours.

cargo reads `config.toml` in its home, and `.cargo/config.toml` in each folder from its working directory up
to the root, whatever the manifest. No argument takes back what stands there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.write_files import write_whole

# What is downloaded, and the locks and the record of its use that go with it.
_SHARED_FOLDERS = ("registry", "git")
_SHARED_FILES = (".package-cache", ".package-cache-mutate", ".global-cache")
_CREDENTIALS = ("credentials.toml", "credentials")

# In the clean environment cargo's own tests have this variable to stop the search for configuration at a
# folder; every cargo since 2016 has it, and there is no other way past a `/.cargo/config.toml`.
_LAST_FOLDER = "__CARGO_TEST_ROOT"


@dataclass(frozen=True)
class OwnHome:
    """The folder `path` as cargo's home, and an empty folder in which cargo is to be started."""

    path: Path

    @property
    def working_directory(self) -> Path:
        """The folder above the home: neither it nor what is above it has a configuration that counts."""
        return self.path.parent

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which cargo uses this home, and no configuration but its."""
        return {"CARGO_HOME": str(self.path), _LAST_FOLDER: str(self.working_directory)}


def make_home(
    folder: Path, config: Mapping[str, Any], shared: Path | None, *, credentials: bool = False
) -> OwnHome:
    """A home in `folder`/home with this configuration.

    What is downloaded is that of the home `shared`, by links; None: nothing is there.
    With `credentials` its passwords are in reach too.
    """
    import tomli_w

    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    write_whole(home / "config.toml", tomli_w.dumps(config))
    if shared is not None:
        for name in _SHARED_FOLDERS:
            with contextlib.suppress(OSError):  # a home that cannot be written may have all that is needed
                (shared / name).mkdir(parents=True, exist_ok=True)
        for name in (*_SHARED_FOLDERS, *_SHARED_FILES, *(_CREDENTIALS if credentials else ())):
            _link(home / name, shared / name)
    return OwnHome(home)


def _link(link: Path, target: Path) -> None:
    if not (link.is_symlink() and os.readlink(link) == str(target)):  # noqa: PTH115 (as it was written)
        link.unlink(missing_ok=True)
        link.symlink_to(target)
