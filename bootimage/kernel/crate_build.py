"""One cargo package, built for a target against a sysroot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.run_program import Finished, decode
from bootimage.base.toml_file import read_toml
from bootimage.cargo.config_for_cargo import CrateConfig, crate_config
from bootimage.cargo.core_flags import fitting_flags
from bootimage.cargo.fetch_crates import Fetch, offline, shared_words, with_crates
from bootimage.cargo.flags import (
    encoded,
    remap_flags,
    seen_from,
    stand_ins,
    step_flags,
    step_rustflags,
)
from bootimage.cargo.messages import executables
from bootimage.cargo.run_cargo import run_cargo
from bootimage.cargo.rustc_wrapper import needs_names, wrapper
from bootimage.context import BuildContext
from bootimage.sysroot.build_sysroot import sysroot_folder
from bootimage.sysroot.sysroot_crates import Sysroot
from bootimage.target_spec.target import Target
from bootimage.toolchain.clean_environment import wrapper_variables
from bootimage.toolchain.missing_rule import likely_rule, other_version
from bootimage.toolchain.toolchain import Toolchain


@dataclass(frozen=True)
class CrateBuild:
    """What to build of the package whose Cargo.toml is `manifest`, and how.

    `sysroot` is None where the target's own std is installed. `bins` are binaries by name (none: all
    of them). `rustflags` are added to those of the user's cargo configuration. `environment` is what
    reaches cargo, build scripts and `env!` beyond the clean environment. `top` is the folder of the user's
    whole tree, `packages` are the folders of the package and its path dependencies: what is compiled says
    where they are by their path from `workspace_root`.
    """

    manifest: Path
    target: Target
    target_dir: Path
    workspace_root: Path
    sysroot: Sysroot | None = None
    profile: str = "dev"
    bins: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    default_features: bool = True
    rustflags: tuple[str, ...] = ()
    cargoflags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    top: Path | None = None
    packages: tuple[Path, ...] = ()

    @property
    def label(self) -> str:
        """What the user reads while it is built."""
        what = ", ".join(self.bins) or named(self.manifest)
        return f"Compiling {what} for {self.target.name}"


def named(manifest: Path) -> str:
    """What a user calls what `manifest` describes: its package, or the folder of a workspace without one."""
    file = read_toml(manifest)
    name = file.get(str, "package", "name") if "package" in file.data else None
    return name or manifest.parent.name


def build_crate(context: BuildContext, build: CrateBuild) -> dict[str, Path]:
    """Build the package and return its executables by the name of their binary.

    Raises BuildError where cargo fails.
    """
    return executables(compile_crate(context, build, "build"))


def compile_crate(context: BuildContext, build: CrateBuild, verb: str) -> bytes:
    """Run `cargo VERB` ("build", "test") for this build, and return its JSON messages.

    Warnings and errors reach the user as cargo prints them. Raises BuildError where cargo fails.
    """
    config = crate_config(context, build.manifest, build.target, build.target_dir, profile=build.profile)
    command = cargo_command(context, build, config, verb)
    # May have to build the sysroot first, for which there must be a job.
    environment = cargo_environment(context, build, config, verb)
    with console.step(build.label) as step, context.jobs.job():

        def attempt() -> Finished:
            # From the root folder, cargo finds none of the project's configuration by itself: it gets
            # what we hand over, which is all but build-std, since the sysroot answers that.
            cwd, reword = config.working_directory, config.reword
            return run_cargo(command, env=environment, cwd=cwd, step=step, reword=reword)

        finished = with_crates(context, crates_of(context, build, config, environment), attempt)
    if finished.returncode != 0:
        raise BuildError(
            f"{', '.join(build.bins) or named(build.manifest)} does not build",
            file=build.manifest,
            hint=hint_for(context.toolchain, finished.stderr),
        )
    return finished.stdout


def crates_of(
    context: BuildContext, build: CrateBuild, config: CrateConfig, environment: Mapping[str, str]
) -> Fetch:
    """What this build of the package needs to have downloaded."""
    target = ["--target", build.target.argument(context.store)]
    ruled = step_flags(context.toolchain, "kernel", build.target)
    words = ["--locked", *target, *shared_words([*ruled, *build.cargoflags])]
    lock = build.workspace_root / "Cargo.lock"
    return Fetch(build.manifest, lock, build.target_dir, config, tuple(words), environment)


def cargo_command(context: BuildContext, build: CrateBuild, config: CrateConfig, verb: str) -> list[str]:
    """The command `cargo VERB` for this build, with JSON messages on standard output."""
    return [
        str(context.toolchain.cargo),
        verb,
        *("--manifest-path", str(build.manifest), "--locked"),
        *(
            "--target",
            build.target.argument(context.store),
            *step_flags(context.toolchain, "kernel", build.target),
        ),
        *("--target-dir", str(build.target_dir), "--profile", build.profile),
        *(word for name in build.bins for word in ("--bin", name)),
        *(["--features", ",".join(build.features)] if build.features else []),
        *([] if build.default_features else ["--no-default-features"]),
        *config.arguments,
        *build.cargoflags,
        *offline(build.cargoflags),
        "--message-format=json-render-diagnostics",
    ]


def cargo_environment(
    context: BuildContext, build: CrateBuild, config: CrateConfig, verb: str = "build"
) -> dict[str, str]:
    """The clean environment with this build's flags for rustc and what the user added."""
    fitting = _fitting_sysroot(build, config, verb)
    sysroot = [f"--sysroot={sysroot_folder(context, fitting)}"] if fitting else []
    sources = [*([build.top] if build.top else []), *build.packages]
    homes = [context.toolchain.cargo_home(), *([config.home.path] if config.home else [])]
    folders = {
        **seen_from(build.workspace_root, sources),
        build.target_dir: "/build",
        **dict.fromkeys(homes, "/cargo"),
    }
    ruled = step_rustflags(context.toolchain, "kernel")
    flags = [*config.rustflags, *build.rustflags, *ruled, *sysroot, *remap_flags(context.toolchain, folders)]
    wrappers = wrapper_variables(context.toolchain.environ) if config.wrapped else {}
    clean = {**context.environment(), **wrappers, **build.environment}
    names = needs_names(build.workspace_root, build.packages)
    if names or clean.get("RUSTC_WRAPPER"):
        places = stand_ins(folders) if names else None
        clean["RUSTC_WRAPPER"] = str(wrapper(build.target_dir, places, clean.get("RUSTC_WRAPPER")))
    home = config.home.environment if config.home else {}
    return {**clean, **home, "CARGO_ENCODED_RUSTFLAGS": encoded(flags)}


def _fitting_sysroot(build: CrateBuild, config: CrateConfig, verb: str) -> Sysroot | None:
    """The build's sysroot, made with those of its flags to which `core` has to fit.

    cargo ignores a profile's panic strategy in what it builds for `cargo test`.
    """
    if build.sysroot is None:
        return None
    of_profile = config.profile_flags if verb == "build" else ()
    flags = fitting_flags([*of_profile, *config.rustflags, *build.rustflags])
    return replace(build.sysroot, flags=flags)


def hint_for(toolchain: Toolchain, stderr: bytes) -> str | None:
    """What helps, for those of cargo's errors that are known, and for those of a new compiler."""
    text = decode(stderr)
    return other_version(toolchain, text) or _known_hint(stderr) or likely_rule(toolchain, text)


def _known_hint(stderr: bytes) -> str | None:
    if b"lock file" in stderr and b"--locked" in stderr:
        return "the build never changes Cargo.lock: run `cargo update --workspace`, and keep the result"
    if b"couldn't read" in stderr:
        return (
            "the file is looked for in the source folder; where a node makes it under a variant_dir, "
            'let that write there: Command("#sub/kernel/file", ...)'
        )
    if b"can't find crate for `alloc`" in stderr:
        return (
            "the sysroot holds `alloc` where `build-std` in .cargo/config.toml lists it, or with "
            'RUST_SYSROOT_CRATES=["core", "compiler_builtins", "alloc"]'
        )
    return None
