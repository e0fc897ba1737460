"""The note of a finished set-up, which ./sconsw checks on every call without starting a program.

First the key that ./sconsw made of everything that the set-up depends on; then a line for each thing
found: `+PATH` is there, `-PATH` is not, `=PATH` is a folder in which nothing was added or removed; and
`:PATH` is a folder of programs, to come after all on PATH.
"""

from __future__ import annotations

from dataclasses import field
from pathlib import Path

from bootimage.base.lazy_dataclass import dataclass


@dataclass
class Note:
    """What one set-up found, as it goes on."""

    lines: list[str] = field(default_factory=list)

    def there(self, *paths: Path) -> None:
        """The set-up is void once one of `paths` is gone."""
        self.lines += [f"+{path}" for path in paths]

    def unchanged(self, folder: Path) -> None:
        """The set-up is void once something is added to `folder`, or once there is such a folder."""
        self.lines.append(f"={folder}" if folder.is_dir() else f"-{folder}")

    def programs(self, *folders: Path) -> None:
        """What ./sconsw starts finds the programs in `folders` too."""
        self.lines += [f":{folder}" for folder in folders]

    def write(self, file: Path, key: str) -> None:
        """Keep the note in `file`, for the same `key`."""
        new = file.with_name(f"{file.name}.new")
        new.write_text("\n".join([key, *self.lines, ""]))
        new.replace(file)
