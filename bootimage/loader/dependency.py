"""What cargo itself says of a kernel's dependency: which features it has, where its source lies.

cargo runs in the kernel's own folder, so that it knows registries, replaced sources and proxies from the
user's configuration.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bootimage.cargo.crate import CrateBuild
from bootimage.cargo.flags import json_target_flags
from bootimage.context import BuildContext
from bootimage.errors import BuildError
from bootimage.loader.choose import Loader
from bootimage.process import Finished, decode, run


def active_features(context: BuildContext, build: CrateBuild, loader: Loader) -> tuple[str, ...]:
    """The features that the loader's package has in this build of the kernel, sorted.

    The loader must be built with the same: they decide what it hands over, and how that is laid out.
    `cargo tree` is asked, since `cargo metadata` knows no choice of packages and features.
    """
    command = [
        *("tree", "--edges", "normal", "--prefix", "none", "--depth", "0", "--format", "{f}"),
        *("--invert", f"{loader.package}@{loader.version}"),
        *("--target", build.target.argument(context.store)),
        *json_target_flags(context.toolchain, build.target),
        *(["--features", ",".join(build.features)] if build.features else []),
        *([] if build.default_features else ["--no-default-features"]),
    ]
    finished = _offline_first(context, build.manifest, command)
    if b"did not match any packages" in finished.stderr:
        raise BuildError(
            f"this build of the kernel does not use {loader.package} {loader.version}, which is to load it",
            file=build.manifest,
            hint="it is optional, or for another target: choose the features of the kernel that need it",
        )
    finished.or_fail(
        f"cargo cannot tell which features of {loader.package} the kernel uses", file=build.manifest
    )
    listed = decode(finished.stdout).partition("\n")[0].split(",")
    return tuple(sorted(feature for feature in listed if feature))


def source_of(context: BuildContext, kernel: Path, loader: Loader) -> Path:
    """The manifest of the loader's package, downloaded where need be, as the kernel's manifest means it."""
    if loader.manifest is not None:
        return loader.manifest
    finished = _offline_first(context, kernel, ["metadata", "--format-version=1"]).or_fail(
        f"cargo cannot get the source of {loader.package} {loader.version}",
        file=kernel,
        hint="check the connection to the network",
    )
    wanted = (loader.package, loader.version, loader.source)
    for each in json.loads(finished.stdout)["packages"]:
        if (each["name"], each["version"], each["source"]) == wanted:
            return Path(each["manifest_path"])
    raise BuildError(f"cargo does not know {loader.package} {loader.version} as a dependency", file=kernel)


def _offline_first(context: BuildContext, manifest: Path, command: Sequence[str]) -> Finished:
    """Run cargo's `command` for `manifest`; the network is used only where something is missing."""
    words = [str(context.toolchain.cargo), *command, "--locked", "--manifest-path", str(manifest)]

    def attempt(*flags: str) -> Finished:
        return run(
            [*words, *flags], env=context.toolchain.fetch_environment(), cwd=manifest.parent, quiet=True
        )

    finished = attempt("--offline")
    return finished if finished.returncode == 0 else attempt()
