"""Configurations that a user may have, made from a number: in the home, in folders above, in the shell."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

# What may stand in a cargo configuration, by kind. Each would change what an ordinary cargo makes or does.
FILES: dict[str, tuple[str, ...]] = {
    "profile": (
        "profile.release.opt-level = 0",
        "profile.release.debug-assertions = true",
        "profile.release.overflow-checks = true",
        'profile.stage-4.lto = "fat"',
        'profile.release.package."*".opt-level = 1',
        "profile.release.build-override.opt-level = 3",
    ),
    "patch": (
        'patch.crates-io.x86_64 = { path = "/nowhere/x86_64" }',
        'patch.crates-io.bootloader-x86_64-bios-stage-4 = { path = "/nowhere/stage-4" }',
    ),
    "env": (
        'env.KERNEL = { value = "/etc/passwd", force = true }',
        'env.RUSTC_BOOTSTRAP = { value = "0", force = true }',
        'env.PATH = { value = "/nowhere", force = true }',
    ),
    "target": (
        'build.target = "x86_64-mine.json"',
        'build.target = ["x86_64-unknown-none", "i686-unknown-linux-gnu"]',
        'build.target-dir = "/nowhere/target"',
        'build.build-dir = "/nowhere/build"',
        "build.jobs = 1",
        "build.incremental = true",
    ),
    "linker": (
        'target.x86_64-bootloader.linker = "/bin/false"',
        "target.'cfg(all())'.linker = \"/bin/false\"",
        'target.x86_64-unknown-linux-gnu.linker = "/bin/false"',
    ),
    "wrapper": (
        'build.rustc-wrapper = "/bin/false"',
        'build.rustc-workspace-wrapper = "/bin/false"',
        'build.rustc = "/bin/false"',
    ),
    "rustflags": (
        'build.rustflags = ["-Copt-level=0"]',
        'target.x86_64-bootloader.rustflags = ["-Ctarget-cpu=native"]',
        'target.\'cfg(target_os = "none")\'.rustflags = ["-Cdebug-assertions"]',
    ),
    "source": (
        'source.crates-io.replace-with = "mirror"\nnet.retry = 0\n'
        'source.mirror.registry = "sparse+http://127.0.0.1:9/"',
        'source.crates-io.replace-with = "vendored"\nsource.vendored.directory = "{vendored}"',
        'http.proxy = "http://user:word@127.0.0.1:9"\nnet.retry = 0',
        'registries.mine = { index = "sparse+http://127.0.0.1:9/", token = "t" }',
    ),
    "unstable": (
        'unstable.build-std = ["core", "alloc"]',
        'unstable.build-std-features = ["optimize_for_size"]',
        "unstable.build-dir-new-layout = true",
        "unstable.panic-abort-tests = true",
        "unstable.host-config = true",
    ),
}
SHELL: tuple[dict[str, str], ...] = (
    {"RUSTFLAGS": "-Copt-level=0"},
    {"CARGO_ENCODED_RUSTFLAGS": "-Copt-level=0"},
    {"CARGO_BUILD_RUSTFLAGS": "-Copt-level=0"},
    {"CARGO_PROFILE_RELEASE_OPT_LEVEL": "0", "CARGO_PROFILE_RELEASE_LTO": "fat"},
    {"CARGO_TARGET_X86_64_BOOTLOADER_LINKER": "/bin/false"},
    {"RUSTC_WRAPPER": "/bin/false", "SCCACHE_REDIS": "r"},
    {"RUSTC_WORKSPACE_WRAPPER": "/bin/false"},
    {"CARGO_BUILD_TARGET": "x", "CARGO_TARGET_DIR": "/nowhere"},
    {"CARGO_UNSTABLE_BUILD_STD": "core", "CARGO_INCREMENTAL": "1"},
    {"SOURCE_DATE_EPOCH": "1", "RUST_TARGET_PATH": "/nowhere", "LD_PRELOAD": "/nowhere/x.so"},
    {"KERNEL": "/etc/passwd", "KERNEL_MANIFEST": "/etc/passwd", "CFLAGS": "-O0", "CC": "/bin/false"},
)
PLACES = ("home", "above the project", "above the build")


@dataclass
class Configuration:
    """Texts of configuration files by the place where they are, and variables of the shell."""

    files: dict[str, str] = field(default_factory=dict)
    shell: dict[str, str] = field(default_factory=dict)

    def write(self, root: Path, vendored: Path, registry: Path) -> Path:
        """Write the files below `root`, and return the home. Its downloads are those of `registry`."""
        homes = {
            "home": root / "home",
            "above the project": root / "p/.cargo",
            "above the build": root / "b/.cargo",
        }
        for place, text in self.files.items():
            homes[place].mkdir(parents=True, exist_ok=True)
            (homes[place] / "config.toml").write_text(text.replace("{vendored}", str(vendored)))
        homes["home"].mkdir(parents=True, exist_ok=True)
        for name in ("registry", "git"):
            (homes["home"] / name).symlink_to(registry / name)
        (root / "p/kernel").mkdir(parents=True)
        (root / "b/work").mkdir(parents=True)
        return homes["home"]


def configuration(number: int) -> Configuration:
    """The configuration of this number: the same at any time."""
    chance = random.Random(number)
    made = Configuration()
    for kind in chance.sample(sorted(FILES), chance.randint(1, 4)):
        place = chance.choice(PLACES)
        lines = chance.choice(FILES[kind])
        old = made.files.get(place, "")
        if not {line.partition("=")[0] for line in lines.splitlines()} & {
            line.partition("=")[0] for line in old.splitlines()
        }:
            made.files[place] = f"{old}{lines}\n"
    for variables in chance.sample(SHELL, chance.randint(0, 3)):
        made.shell |= variables
    return made
