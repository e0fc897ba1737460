"""What the shell's environment tells a cargo that the user started: flags, target, folders.

Builds by SCons never look at it. `cargo bootimage` and its kin stand in for cargo, so they take it as
cargo does (the Cargo Book, "Environment variables" and "Configuration").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from bootimage.base.lazy_dataclass import dataclass
from bootimage.toolchain.clean_environment import without_secrets

# What would undo what we decide: cargo takes these for the configuration that we have taken over.
_TAKEN_OVER = (
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_UNSTABLE_BUILD_STD",
    "CARGO_UNSTABLE_BUILD_STD_FEATURES",
    "RUSTFLAGS",
)


@dataclass(frozen=True)
class CargoShell:
    """`target` and `target_dir` as the shell names them, `environment` what cargo is to see of it.

    `rustflags` take the place of those in the configuration (None: there are none to do so).
    """

    target: str | None
    target_dir: Path | None
    rustflags: tuple[str, ...] | None
    environ: Mapping[str, str]

    def added_flags(self, target: str) -> tuple[str, ...]:
        """The flags that cargo adds to those of the configuration for `target`."""
        name = "CARGO_TARGET_{}_RUSTFLAGS".format(target.upper().replace("-", "_").replace(".", "_"))
        return tuple(self.environ.get(name, self.environ.get("CARGO_BUILD_RUSTFLAGS", "")).split())

    def environment(self, ours: Iterable[str]) -> dict[str, str]:
        """The variables to hand on: no secrets, nothing that we take over, nothing that is in `ours`."""
        kept_back = {*_TAKEN_OVER, *ours}
        kept = {name: value for name, value in self.environ.items() if name not in kept_back}
        return without_secrets(kept)


def read_shell(environ: Mapping[str, str], folder: Path) -> CargoShell:
    """Read `environ`, of a shell in `folder`."""
    target = environ.get("CARGO_BUILD_TARGET") or None
    target_dir = environ.get("CARGO_TARGET_DIR") or environ.get("CARGO_BUILD_TARGET_DIR")
    return CargoShell(
        target=str(folder / target) if target and target.endswith(".json") else target,
        target_dir=folder / target_dir if target_dir else None,
        rustflags=_flags(environ),
        environ=dict(environ),
    )


def _flags(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    encoded = environ.get("CARGO_ENCODED_RUSTFLAGS")
    if encoded is not None:
        return tuple(encoded.split("\x1f")) if encoded else ()
    plain = environ.get("RUSTFLAGS")
    return None if plain is None else tuple(plain.split())
