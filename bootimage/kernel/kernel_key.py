"""What a kernel depends on, as one digest that is the same in every clone of a project.

It is what makes it sound to take a kernel from the network cache: it covers every file that the build may
read (by content, and by its path from the workspace), the compiler, the target, the sysroot, and all that
is said to cargo. The builder has compared the files with what cargo says was read.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bootimage.base.file_digest import digest_of_files
from bootimage.cargo.dep_info import read_dep_info
from bootimage.cargo.package_files import is_of_system
from bootimage.cargo.target_folder import records
from bootimage.context import BuildContext
from bootimage.kernel.crate_build import CrateBuild
from bootimage.store.keys import action_key
from bootimage.store.recipes import code_state, recipe_number
from bootimage.sysroot.build_sysroot import sysroot_key

# Tables of a cargo configuration that decide how cargo works, not what comes of it.
_OF_NO_MATTER = (
    *("alias", "cache", "cargo-new", "credential-alias", "doc", "future-incompat-report"),
    *("http", "install", "net", "registry", "registries", "term"),
)


def kernel_key(context: BuildContext, build: CrateBuild, inputs: Iterable[Path]) -> str:
    """The digest of all that the kernels of `build` depend on; `inputs` is what it may read."""
    told = {
        "profile": build.profile,
        "bins": build.bins,
        "features": build.features,
        "default features": build.default_features,
        "rustflags": build.rustflags,
        # Of a `--config FILE`, the contents are among `inputs`.
        "cargoflags": [_from(build.workspace_root, word) for word in build.cargoflags],
        "environment": sorted(build.environment.items()),
    }
    toolchain, home = context.toolchain, context.toolchain.cargo_home()
    own = {path for path in inputs if not path.is_relative_to(home)}
    return action_key(
        "kernel",
        {
            "recipe": recipe_number("kernel"),
            "engine": code_state(),
            "compiler": toolchain.identity,
            "target": build.target.digest,
            "sysroot": sysroot_key(toolchain, build.sysroot) if build.sysroot else "installed",
            "told": json.dumps(told),
            "user's cargo": json.dumps(_users_cargo(home)),
            "files": digest_of_files((os.path.relpath(path, build.workspace_root), path) for path in own),
        },
    )


def _from(folder: Path, word: str) -> str:
    return os.path.relpath(word, folder) if word.startswith("/") else word


def _users_cargo(home: Path) -> Mapping[str, object]:
    """What the configuration in cargo's home has that can change a kernel."""
    from bootimage.cargo.config import read_cargo_config

    values = read_cargo_config(home, home).merged
    return {name: value for name, value in values.items() if name not in _OF_NO_MATTER}


def reason_to_keep(context: BuildContext, build: CrateBuild, kernels: Iterable[Path]) -> str | None:
    """Why the built `kernels` are of use on this machine alone; None where they may be shared.

    A kernel may have asked for a folder (`env!("CARGO_MANIFEST_DIR")`) or have read a file of the system's.
    """
    folders = {str(path) for path in _folders(context, build) if path.parent != path}
    for kernel in kernels:
        held = next((folder for folder in sorted(folders) if _holds(kernel, folder.encode())), None)
        if held:
            return f"{kernel.name} holds the path {held}"
    for record in sorted(records(build.target_dir)):
        of_system = [path for path in read_dep_info(record).paths if is_of_system(path)]
        if of_system:
            return f"the system's file {min(of_system)} was read"
    return None


def _folders(context: BuildContext, build: CrateBuild) -> Iterator[Path]:
    toolchain = context.toolchain
    yield from (build.workspace_root, build.target_dir, *build.packages)
    yield from (toolchain.cargo_home(), toolchain.sysroot, context.store.root)
    if build.top is not None:
        yield build.top


def _holds(path: Path, text: bytes) -> bool:
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(text) >= 0
