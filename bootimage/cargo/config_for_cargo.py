"""The user's cargo configuration, as it is handed to a cargo that runs outside the project.

A project's `.cargo/config.toml` may ask for build-std, and no argument can take that back, so cargo
runs from the root folder, where it finds none, and is given the rest of the file. Where cargo's home (or
`/.cargo`) asks for it, cargo gets a home of its own with the rest of that.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from bootimage.base.errors import closest
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.run_program import decode, run
from bootimage.base.toml_file import read_toml
from bootimage.base.write_files import write_whole
from bootimage.cargo.cfg import CfgSet, cfg_set
from bootimage.cargo.config import CargoConfig, read_cargo_config
from bootimage.cargo.config_values import rustflags_for
from bootimage.cargo.core_flags import profile_flags
from bootimage.cargo.own_home import OwnHome, make_home
from bootimage.cargo.workspace import find_workspace
from bootimage.context import BuildContext
from bootimage.target_spec.target import Target

# The folder beside cargo's results with what we hand over.
_CONFIG = "config"
_UNUSED = re.compile(r"unused config key `(?P<key>[^`]+)` in `(?P<file>[^`]+)`")
# What is often written in another way; cargo's manual has `target-spec-json`.
_NAMES = ("json-target-spec", "build-std", "build-std-features")


@dataclass(frozen=True)
class CrateConfig:
    """`arguments` for cargo, and the `rustflags` that the configuration has for the target.

    `home` is cargo's home where it cannot be the user's. `wrapped`: a program is between cargo and rustc.
    `profile_flags` are those flags for which the profile stands that concern `core` too. `users` is what all
    this was made from.
    """

    arguments: tuple[str, ...]
    rustflags: tuple[str, ...]
    home: OwnHome | None = None
    wrapped: bool = False
    profile_flags: tuple[str, ...] = ()
    users: CargoConfig | None = None

    def reword(self, line: str) -> str:
        """A line of cargo's about a key that it does not use, with the user's file in place of ours."""
        found = _UNUSED.search(line)
        if found is None or self.users is None or _CONFIG not in Path(found["file"]).parts:
            return line
        place = self.users.error("", *found["key"].split("."))
        if place.file is None:
            return line
        near = closest(found["key"].rpartition(".")[2], _NAMES)
        hint = f" (did you mean `{near}`?)" if near else ""
        return f"{line[: found.start('file')]}{place.file}:{place.line or 1}`{hint}{line[found.end() :]}"

    @property
    def working_directory(self) -> Path:
        """Where cargo is to be started: it finds none of the project's configuration by itself there."""
        return self.home.working_directory if self.home else Path("/")


def crate_config(
    context: BuildContext,
    manifest: Path,
    target: Target,
    target_dir: Path,
    config: CargoConfig | None = None,
    profile: str = "dev",
) -> CrateConfig:
    """The configuration of the package `manifest` for `target`; its file is written in `target_dir`.

    `config` is the user's, by default what cargo finds from the package's folder.
    """
    config = config or read_cargo_config(manifest.parent, context.toolchain.cargo_home())
    flags = rustflags_for(config, target.name, _cfg(context, target, config))
    handed_over = config.handed_over()
    arguments = ("--config", str(_write(handed_over, target_dir))) if handed_over else ()
    found = config.found_anyway()
    user_home = context.toolchain.cargo_home()
    home = make_home(target_dir / _CONFIG / "own", found, user_home) if found is not None else None
    of_profile = profile_flags(find_workspace(read_toml(manifest)), config, profile)
    return CrateConfig(arguments, tuple(flags), home, _has_wrapper(config), tuple(of_profile), config)


def _has_wrapper(config: CargoConfig) -> bool:
    build = config.merged.get("build", {})
    return isinstance(build, dict) and any(
        build.get(key) for key in ("rustc-wrapper", "rustc-workspace-wrapper")
    )


def _write(values: dict[str, object], target_dir: Path) -> Path:
    import tomli_w

    # cargo takes relative paths from the folder above the file's; the values have none left.
    path = target_dir / _CONFIG / "handed-over.toml"
    write_whole(path, tomli_w.dumps(values))
    return path


def _cfg(context: BuildContext, target: Target, config: CargoConfig) -> CfgSet:
    """The compiler's cfg set for `target`, asked only where flags in the configuration depend on it."""
    conditions = (name for name in config.table("target") if name.startswith("cfg("))
    if not any("rustflags" in config.table("target", name) for name in conditions):
        return frozenset()
    return _printed(
        context.toolchain.rustc,
        target.argument(context.store),
        tuple(sorted(context.toolchain.environment().items())),
    )


@cache
def _printed(rustc: Path, target: str, environment: tuple[tuple[str, str], ...]) -> CfgSet:
    command = [str(rustc), "-Zunstable-options", "--print=cfg", "--target", target]
    finished = run(command, env={**dict(environment), "RUSTC_BOOTSTRAP": "1"}, quiet=True)
    return cfg_set(decode(finished.or_fail(f"rustc does not know the target {target}").stdout))
