"""Build kernels as `cargo build ARGS` would, with our sysroot in place of build-std.

cargo gets the user's own arguments, environment and configuration; what differs is where `core` comes
from. Its target folder is the project's own, and what it prints reaches the user as it is.

The target that cargo would build for: by its arguments, the shell, its configuration, the manifest.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.run_program import Finished, run
from bootimage.base.toml_file import TomlFile, read_toml
from bootimage.cargo.config import CargoConfig, read_cargo_config
from bootimage.cargo.config_for_cargo import CrateConfig, crate_config
from bootimage.cargo.config_values import aliases, build_targets
from bootimage.cargo.fetch_crates import Fetch, offline, shared_words, with_crates
from bootimage.cargo.flags import advice_for_plain_cargo, step_flags
from bootimage.cargo.messages import artifacts
from bootimage.cargo.metadata_tables import bootimage_settings
from bootimage.cargo.run_cargo import show_printed
from bootimage.cargo.workspace import find_workspace
from bootimage.cargo_cli.cargo_arguments import CargoArguments, parse_cargo_arguments
from bootimage.cargo_cli.shell_environment import CargoShell, read_shell
from bootimage.context import BuildContext
from bootimage.kernel.crate_build import CrateBuild, cargo_environment, hint_for, named
from bootimage.sysroot.sysroot_crates import Sysroot, crates_for, features_for
from bootimage.target_spec.read_target import read_target_named
from bootimage.target_spec.target import Target


@dataclass(frozen=True)
class Executable:
    """One executable that cargo made: the ELF file, the manifest of its package, and what it is for.

    A subcommand that is not cargo's own does not say its target.
    """

    path: Path
    manifest: Path
    target: Target | None = None


@dataclass(frozen=True)
class CargoBuild:
    """The build of the manifest `file` (a package's, or a workspace's) with the user's `arguments`."""

    file: TomlFile
    arguments: CargoArguments
    config: CargoConfig
    shell: CargoShell
    target: Target
    target_dir: Path

    @property
    def workspace(self) -> Path:
        """The workspace's root folder."""
        return find_workspace(self.file).folder


def prepare(
    context: BuildContext, manifest: Path, arguments: CargoArguments, folder: Path, environ: Mapping[str, str]
) -> CargoBuild:
    """Find out what `cargo build` with these arguments would build in `folder`."""
    file = read_toml(manifest)
    # cargo looks for its configuration from where it is started, whatever the manifest.
    config = read_cargo_config(folder, context.toolchain.cargo_home())
    shell = read_shell(environ, folder)
    asked = arguments.targets or ((shell.target,) if shell.target else ())
    target = read_target_named(context.toolchain, choose_target(file, config, asked))
    return CargoBuild(file, arguments, config, shell, target, _target_dir(file, arguments, config, shell))


def _target_dir(file: TomlFile, arguments: CargoArguments, config: CargoConfig, shell: CargoShell) -> Path:
    named = arguments.target_dir or shell.target_dir or config.get(str, "build", "target-dir")
    return Path(named) if named else find_workspace(file).folder / "target"


def build(
    context: BuildContext,
    manifest: Path,
    arguments: CargoArguments,
    folder: Path,
    environ: Mapping[str, str],
) -> list[Executable]:
    """Build what `cargo build` with these arguments builds in `folder`, in the order of its messages.

    The project's own `build-command` may stand for another command, which is then run as it is.
    Raises BuildError where cargo fails.
    """
    config = read_cargo_config(folder, context.toolchain.cargo_home())
    verb, *more = spelt_out(bootimage_settings(read_toml(manifest)).build_command, aliases(config))
    if verb not in _BUILDS:
        return _run_foreign(context, [verb, *more], manifest, arguments, environ)
    extended = parse_cargo_arguments(more, folder) if more else CargoArguments()
    whole = arguments.after(extended, std_crates=_BUILDS[verb])
    return _run_build(context, prepare(context, manifest, whole, folder, environ))


# The crates that a subcommand puts into the sysroot by itself: cargo-xbuild adds `alloc`.
_BUILDS: Mapping[str, tuple[str, ...]] = {"build": (), "b": (), "xbuild": ("alloc",)}


def spelt_out(command: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> list[str]:
    """The words of a cargo command without the user's aliases; an alias may use others."""
    words, seen = list(command), set[str]()
    while words[0] in aliases and words[0] not in seen and aliases[words[0]]:
        seen.add(words[0])
        words = [*aliases[words[0]], *words[1:]]
    return words


def _run_build(context: BuildContext, asked: CargoBuild) -> list[Executable]:
    crate = crate_build(context, asked)
    profile = asked.arguments.profile
    config = crate_config(context, asked.file.path, asked.target, asked.target_dir, asked.config, profile)
    if asked.shell.rustflags is not None:
        config = replace(config, rustflags=asked.shell.rustflags)
    command = [
        *(str(context.toolchain.cargo), "build", "--manifest-path", str(asked.file.path)),
        *("--target", asked.target.argument(context.store)),
        *step_flags(context.toolchain, "kernel", asked.target),
        *("--target-dir", str(asked.target_dir)),
        *config.arguments,
        *offline(asked.arguments.rest),
        *asked.arguments.rest,
        _MESSAGES,
    ]
    environment = {**cargo_environment(context, crate, config), **_terminal()}

    def attempt() -> Finished:
        own = _own_jobs(environment, asked.shell)
        return run(command, env=own, cwd=config.working_directory)

    finished = with_crates(context, _crates(context, asked, config, environment), attempt)
    if advice := advice_for_plain_cargo(context.toolchain, asked.target, asked.config.table("unstable")):
        console.say(f"note: {advice}")
    return _executables(context, finished, asked.file.path, asked.target)


def _crates(
    context: BuildContext, asked: CargoBuild, config: CrateConfig, environment: Mapping[str, str]
) -> Fetch:
    """What is to be downloaded. The lock file is made or brought up to date then, as by `cargo build`."""
    ruled = step_flags(context.toolchain, "kernel", asked.target)
    words = ["--target", asked.target.argument(context.store)]
    words += shared_words([*ruled, *asked.arguments.rest])
    lock = asked.workspace / "Cargo.lock"
    return Fetch(asked.file.path, lock, asked.target_dir, config, tuple(words), environment)


_MESSAGES = "--message-format=json-render-diagnostics"


def _run_foreign(
    context: BuildContext,
    command: Sequence[str],
    manifest: Path,
    arguments: CargoArguments,
    environ: Mapping[str, str],
) -> list[Executable]:
    """Run a subcommand that is not cargo's own: what it needs, only it knows."""
    cargo = environ.get("CARGO") or str(context.toolchain.cargo)
    words = [cargo, *command, *arguments.given, _MESSAGES]
    return _executables(context, run(words, env={**environ, **_terminal()}), manifest)


def _executables(
    context: BuildContext, finished: Finished, manifest: Path, target: Target | None = None
) -> list[Executable]:
    show_printed(finished.stdout)
    if finished.returncode != 0:
        hint = hint_for(context.toolchain, finished.stderr)
        raise BuildError(f"{named(manifest)} does not build", file=manifest, hint=hint)
    return [
        Executable(Path(each["executable"]), Path(each["manifest_path"]), target)
        for each in artifacts(finished.stdout)
        if each.get("executable")
    ]


def crate_build(context: BuildContext, asked: CargoBuild) -> CrateBuild:
    """The build as one against our sysroot; the shell's variables are its environment."""
    custom = asked.target.specification is not None
    own = context.environment()
    sysroot = Sysroot(
        asked.target,
        crates_for(asked.config, asked.arguments.std_crates),
        features_for(asked.config, asked.arguments.std_features),
    )
    return CrateBuild(
        manifest=asked.file.path,
        target=asked.target,
        target_dir=asked.target_dir,
        workspace_root=asked.workspace,
        sysroot=sysroot if custom or not context.toolchain.installed_std(asked.target.name) else None,
        rustflags=() if asked.shell.rustflags is not None else asked.shell.added_flags(asked.target.name),
        environment=asked.shell.environment(own),
    )


def _terminal() -> dict[str, str]:
    """Let cargo write as it does on the terminal: its output only passes through us."""
    if not console.on_terminal():
        return {}
    width = shutil.get_terminal_size().columns
    progress = {"CARGO_TERM_PROGRESS_WHEN": "always", "CARGO_TERM_PROGRESS_WIDTH": str(width)}
    return {"CARGO_TERM_COLOR": "always", **progress, **_asked_for(os.environ)}


def _asked_for(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith("CARGO_TERM_")}


def _own_jobs(environment: dict[str, str], shell: CargoShell) -> dict[str, str]:
    """cargo is the only one at work now: it counts its jobs itself, and `-j` holds."""
    theirs = {name: shell.environ[name] for name in ("MAKEFLAGS",) if name in shell.environ}
    return {**{name: value for name, value in environment.items() if name != "MAKEFLAGS"}, **theirs}


def choose_target(manifest: TomlFile, config: CargoConfig, asked: Sequence[str]) -> str:
    """The triple or the specification's path: `asked`, else what configuration and manifest say.

    Raises BuildError where nothing does, or where there are several.
    """
    own = _of_package(manifest)
    found = (own if _is_forced(manifest) else ()) or tuple(asked) or build_targets(config) or own
    if len(found) == 1:
        return found[0]
    if found:
        raise BuildError(
            f"the kernel is to be built for {len(found)} targets, {', '.join(found)}",
            file=manifest.path,
            hint=f"one at a time: --target {found[0]}",
        )
    raise BuildError(
        "nothing says which target the kernel is for",
        file=manifest.path,
        hint="give --target x86_64-your_os.json, or set `build.target` in .cargo/config.toml",
    )


def _of_package(manifest: TomlFile) -> tuple[str, ...]:
    if "package" not in manifest.data:
        return ()
    named = manifest.get(str, "package", "forced-target") or manifest.get(str, "package", "default-target")
    if named is None:
        return ()
    return (str(manifest.path.parent / named) if named.endswith(".json") else named,)


def _is_forced(manifest: TomlFile) -> bool:
    return "package" in manifest.data and manifest.value("package", "forced-target") is not None
