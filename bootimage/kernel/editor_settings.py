"""What rust-analyzer and a plain `cargo check` need to know of a kernel: its target, and where `core` is.

Both read cargo's configuration. So the very flags of our builds are written as one: target specification
and sysroot lie in the build folder, where no store takes them away. Where the project has a configuration
of its own, that stays as it is, and ours is given to cargo by `--config`.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootimage.base import console
from bootimage.base.console import shown
from bootimage.base.generated_files import MARK, is_marked
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.partial_files import partial_path, remove_left
from bootimage.base.toml_file import read_toml
from bootimage.base.write_files import write_whole
from bootimage.cargo.config_for_cargo import crate_config
from bootimage.cargo.flags import json_target_flags
from bootimage.context import BuildContext
from bootimage.kernel.crate_build import CrateBuild


@dataclass(frozen=True)
class EditorFiles:
    """What was found out and written for one kernel.

    `config` is the cargo configuration, `found_by_cargo` whether cargo finds it by itself; `settings` are
    rust-analyzer's, by their names.
    """

    config: Path
    found_by_cargo: bool
    settings: Mapping[str, Any]
    environment: Mapping[str, str]

    @property
    def check_command(self) -> str:
        """What to type for `cargo check`."""
        words = [f"{name}={value}" for name, value in self.environment.items()]
        named = [] if self.found_by_cargo else ["--config", str(self.config)]
        return shlex.join([*words, "cargo", "check", *named])


def prepare_editor(
    context: BuildContext, build: CrateBuild, folder: Path, *, in_project: bool
) -> EditorFiles:
    """Lay out target and sysroot of `build` in `folder`, and write the configuration that names them.

    With `in_project` it becomes the package's `.cargo/config.toml`, if nobody else wrote one.
    """
    own = _configuration(build.manifest)
    is_free = in_project and _is_free(own)
    place = own if is_free else folder / "cargo-check.toml"
    write_whole(place, _text(context, build, folder))
    environment = _environment(context)
    settings = {
        "rust-analyzer.linkedProjects": [str(build.manifest)],
        "rust-analyzer.cargo.extraEnv": environment,
        **({} if is_free else {"rust-analyzer.cargo.extraArgs": ["--config", str(place)]}),
        "rust-analyzer.cargo.sysroot": str(context.toolchain.sysroot),
        "rust-analyzer.cargo.features": list(build.features),
        "rust-analyzer.cargo.noDefaultFeatures": not build.default_features,
        # The test harness needs `std`, which a kernel has not.
        "rust-analyzer.cargo.allTargets": False,
        "rust-analyzer.check.allTargets": False,
    }
    return EditorFiles(place, is_free, settings, environment)


def project_configuration(manifest: Path) -> Path | None:
    """The cargo configuration of the package `manifest`, if it is one that `prepare_editor` wrote."""
    place = _configuration(manifest)
    return place if place.is_file() and is_marked(read_toml(place).text) else None


def _configuration(manifest: Path) -> Path:
    return manifest.parent / ".cargo/config.toml"


def _is_free(place: Path) -> bool:
    older = place.with_suffix("")
    return not older.exists() and (not place.exists() or is_marked(read_toml(place).text))


def _environment(context: BuildContext) -> dict[str, str]:
    toolchain = context.toolchain
    named = {"RUSTUP_TOOLCHAIN": toolchain.rustup_name} if toolchain.rustup_name else {}
    return {**named, **({"RUSTC_BOOTSTRAP": "1"} if toolchain.bootstrap else {})}


def _text(context: BuildContext, build: CrateBuild, folder: Path) -> str:
    import tomli_w

    config = crate_config(context, build.manifest, build.target, folder)
    flags = [*config.rustflags, *build.rustflags]
    if build.sysroot is not None and not _builds_std(build.manifest.parent, context):
        flags.append(f"--sysroot={_sysroot(context, build, folder)}")
    needs_flag = bool(json_target_flags(context.toolchain, build.target))
    values: dict[str, Any] = {
        # A sysroot is good for its own compiler alone.
        "build": {"rustc": str(context.toolchain.rustc), "target": _target(build, folder)},
        "target": {build.target.name: {"rustflags": flags}},
        **({"unstable": {"json-target-spec": True}} if needs_flag else {}),
        **({"env": dict(build.environment)} if build.environment else {}),
    }
    return f"{MARK}\n{tomli_w.dumps(values)}"


def _builds_std(folder: Path, context: BuildContext) -> bool:
    """Whether cargo itself builds a sysroot there: no configuration can take that back."""
    from bootimage.cargo.config import read_cargo_config

    config = read_cargo_config(folder, context.toolchain.cargo_home())
    return bool(config.table("unstable").get("build-std"))


def _target(build: CrateBuild, folder: Path) -> str:
    if build.target.specification is None:
        return build.target.name
    place = folder / "target-spec" / f"{build.target.name}.json"
    write_whole(place, build.target.specification)
    return str(place)


def _sysroot(context: BuildContext, build: CrateBuild, folder: Path) -> Path:
    """The sysroot, as links of our own to the store's files, which it may then drop."""
    from bootimage.sysroot.build_sysroot import sysroot_folder

    assert build.sysroot is not None
    source = sysroot_folder(context, build.sysroot)
    place = folder / "sysroot" / source.name
    if not place.is_dir():
        remove_left(place)
        partial = partial_path(place)
        shutil.copytree(source, partial, copy_function=_link, dirs_exist_ok=True)
        partial.rename(place)
    return place


def _link(source: str, target: str) -> None:
    try:
        os.link(os.path.realpath(source), target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def settings_text(settings: Mapping[str, Any]) -> str:
    """The settings as VS Code's settings.json has them; other editors take the same names."""
    return json.dumps(dict(settings), indent=2) + "\n"


def tell(files: EditorFiles, folder: Path, *, write: bool) -> None:
    """Print the settings, or write them to `folder`/.vscode/settings.json if that is not there yet."""
    from bootimage.base.write_files import write_whole

    place = folder / ".vscode/settings.json"
    text = settings_text(files.settings)
    if write and not place.exists():
        write_whole(place, text)
        console.output(f"Wrote {shown(place)}\n")
    elif write and place.read_text(errors="replace") == text:
        console.output(f"{shown(place)} is up to date\n")
    else:
        console.output(f"Settings to be added to {shown(place)}:\n")
        console.output(text)
    console.output(f"cargo's configuration: {shown(files.config)}\n")
    console.output(f"To check by hand, in the kernel's folder: {files.check_command}\n")
