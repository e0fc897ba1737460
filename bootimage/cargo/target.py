"""The target that cargo would build for: by its arguments, the shell, its configuration, the manifest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bootimage import report
from bootimage.cargo.builtin_target import check_builtin
from bootimage.cargo.config import CargoConfig
from bootimage.cargo.settings import build_targets
from bootimage.cargo.toml_file import TomlFile
from bootimage.context import BuildContext
from bootimage.engine import newest_module
from bootimage.errors import BuildError
from bootimage.specification.target import Target
from bootimage.toolchain.probe import open_probe


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


def read_target_named(context: BuildContext, named: str) -> Target:
    """The target that `named` stands for; each change that brings a specification up to date is told.

    What was found out of a file is remembered until file, compiler or this program changes.
    """
    if not named.endswith(".json"):
        check_builtin(context.toolchain, named, Path(), "--target {}")
        return Target(named)
    path = Path(named)
    if not path.is_file():
        raise BuildError("there is no such target specification", file=path, hint="see --target")
    told: dict[str, object] = json.loads(_recall(context, path))
    for line in told["changes"] if isinstance(told["changes"], list) else []:
        report.say(str(line))
    return Target(path.stem, str(told["json"]))


def _recall(context: BuildContext, path: Path) -> str:
    toolchain = context.toolchain
    probe = open_probe(toolchain.environ)
    files = [path, toolchain.rustc, newest_module()]
    what = f"canonical specification by rules {toolchain.rules.digest}"
    return probe.recall(what, files, lambda: _ask(context, path))


def _ask(context: BuildContext, path: Path) -> str:
    from bootimage.specification.compiler_facts import facts_of
    from bootimage.specification.target_spec import canonical, describe

    toolchain = context.toolchain
    found = canonical(path, facts_of(toolchain))
    return json.dumps({"json": found.json, "changes": describe(found.changes, path)})
