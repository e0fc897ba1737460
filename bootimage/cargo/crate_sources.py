"""Where cargo gets crates from, for what is built apart from any project: loaders and `core`.

Of the user's configuration counts what says where crates come from and how they are reached: replaced
sources, registries, proxies. All else would change what is made of them. The crates of a lock file are copied
into a folder of their own, so that the build itself needs neither the network nor the user's cargo home.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootimage.base.errors import BuildError
from bootimage.base.json_text import read_object
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_text import parse_table
from bootimage.cargo.config import read_cargo_config

if TYPE_CHECKING:
    from bootimage.base.run_program import Finished
    from bootimage.context import BuildContext

FETCHING = ("credential-alias", "http", "net", "registries", "registry", "source")
"""The tables of a cargo configuration that reach a fetch of ours."""

_REGISTRY = "crates-io"
_CHECKSUMS = ".cargo-checksum.json"
_RECORD_LIMIT = 16 * 1024**2


@dataclass(frozen=True)
class CrateSources:
    """What a configuration says of where crates come from.

    `directory` is the folder of vendored crates that stands for the cargo registry, if there is one. Whoever
    may write the project may write these crates, and their checksums too: so a result that was made of them
    must not be taken for one that was made of the published ones.
    """

    tables: Mapping[str, Any]
    directory: Path | None

    def identity(self) -> str:
        """What tells the contents of `directory` apart from others; empty where there is none."""
        if self.directory is None:
            return ""
        digest = hashlib.sha256()
        for path in sorted(self.directory.glob(f"*/{_CHECKSUMS}")):
            digest.update(f"{path.parent.name}\0".encode() + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def of_registries(self) -> CrateSources:
        """The same without vendored crates."""
        if self.directory is None:
            return self
        return CrateSources({name: each for name, each in self.tables.items() if name != "source"}, None)


NO_SOURCES = CrateSources({}, None)
"""Nothing is said: crates come from the cargo registry."""


def directory_source(folder: Path) -> dict[str, Any]:
    """The configuration with which cargo takes crates from the vendored ones in `folder` alone."""
    vendored = {"replace-with": "vendored-sources"}
    return {"source": {_REGISTRY: vendored, "vendored-sources": {"directory": str(folder)}}}


def crate_sources(folder: Path, cargo_home: Path) -> CrateSources:
    """The sources for a project in `folder`."""
    values = read_cargo_config(folder, cargo_home).merged
    tables = {name: values[name] for name in FETCHING if name in values}
    return CrateSources(tables, _directory(tables.get("source")))


def _directory(sources: object) -> Path | None:
    """The folder of vendored crates that takes the cargo registry's place, perhaps by way of others."""
    table: Mapping[str, Any] = sources if isinstance(sources, dict) else {}
    name, seen = _REGISTRY, set[str]()
    while name not in seen and isinstance(each := table.get(name), dict):
        seen.add(name)
        if isinstance(folder := each.get("directory"), str):
            return Path(folder)
        name = str(each.get("replace-with"))
    return None


def fetch(
    context: BuildContext, sources: CrateSources, folder: Path, command: list[str], **variables: str
) -> Finished:
    """Run a cargo command that downloads and starts no code, `vendor` or `metadata`, in `folder`.

    What is here is used; only where something is missing, the network is asked. Vendored crates are those of
    one project, without a loader's own: what they lack comes from the registry for which they stand.
    """
    finished = _attempts(context, sources.tables, folder, command, variables)
    if finished.returncode == 0 or sources.directory is None:
        return finished
    again = _attempts(context, sources.of_registries().tables, folder, command, variables)
    return again if again.returncode == 0 else finished


def _attempts(
    context: BuildContext,
    tables: Mapping[str, Any],
    folder: Path,
    command: list[str],
    variables: Mapping[str, str],
) -> Finished:
    from bootimage.base.run_program import run
    from bootimage.cargo.own_home import make_home

    home = make_home(folder / "fetching", tables, context.toolchain.cargo_home(), credentials=True)
    environment = {**context.toolchain.fetch_environment(), **variables, **home.environment}

    def attempt(*flags: str) -> Finished:
        words = [str(context.toolchain.cargo), *command, *flags]
        return run(words, env=environment, cwd=home.working_directory, quiet=True)

    finished = attempt("--offline")
    return finished if finished.returncode == 0 else attempt()


def write_lock_file(context: BuildContext, manifest: Path) -> None:
    """Have cargo write the lock file that `manifest` lacks. Raises BuildError where it cannot.

    Only the user's own configuration counts: what a clone brings may name programs to be run.
    """
    from bootimage.base.run_program import run
    from bootimage.cargo.own_home import make_home

    user_home = context.toolchain.cargo_home()
    with context.store.work("lock file") as folder:
        home = make_home(folder, crate_sources(Path("/"), user_home).tables, user_home, credentials=True)
        words = [str(context.toolchain.cargo), "generate-lockfile", "--manifest-path", str(manifest)]
        environment = {**context.toolchain.fetch_environment(), **home.environment}
        finished = run(words, env=environment, cwd=home.working_directory, quiet=True)
    finished.or_fail("cargo cannot make the lock file", file=manifest)


def copy_crates(
    context: BuildContext, sources: CrateSources, manifest: Path, folder: Path, *flags: str
) -> dict[str, Any]:
    """Copy all crates that the lock file beside `manifest` names into `folder`/crates.

    Returns the configuration with which cargo finds them there. Raises BuildError where some cannot be had.
    """
    from bootimage.base.run_program import decode

    crates = folder / "crates"
    command = ["vendor", "--locked", "--versioned-dirs", "--respect-source-config", *flags]
    finished = fetch(context, sources, folder, [*command, "--manifest-path", str(manifest), str(crates)])
    finished.or_fail("cargo cannot get the crates that are needed", file=manifest)
    if sources.directory is not None and crates.is_dir():
        _check_unedited(crates, sources.directory)
    return parse_table(decode(finished.stdout))


def _check_unedited(copied: Path, directory: Path) -> None:
    """Raise BuildError where a vendored crate is not what its checksums say: the key knows these alone."""
    for crate in sorted(copied.iterdir()):
        for named in (directory / crate.name, directory / crate.name.rpartition("-")[0]):
            if (named / _CHECKSUMS).is_file() and _package(named) == _package(crate):
                check_checksums(named)


def _package(crate: Path) -> object:
    return read_object(crate / _CHECKSUMS, _RECORD_LIMIT).get("package")


def check_checksums(crate: Path) -> None:
    """Raise BuildError where a file of the vendored `crate` differs from what `cargo vendor` has noted."""
    record = crate / _CHECKSUMS
    if not record.is_file():
        return
    for name, expected in read_object(record, _RECORD_LIMIT).get("files", {}).items():
        path = crate / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise BuildError(
                "this vendored file is not the one that its checksum is of",
                file=path,
                hint="run `cargo vendor` again; a crate that you have changed belongs under [patch]",
            )
