"""Download a kernel's crates in a step of its own, the only one that sees credentials.

What compiles starts build scripts and macros of anybody's, so it works offline, without tokens and passwords.
That nothing is missing is remembered beside the results: an edit's build does not ask cargo for it again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.run_program import Finished
from bootimage.base.write_files import write_whole
from bootimage.cargo.config_for_cargo import CrateConfig
from bootimage.cargo.own_home import make_home
from bootimage.cargo.run_cargo import run_cargo
from bootimage.context import BuildContext


def offline(words: Sequence[str]) -> list[str]:
    """The flag that every cargo gets that compiles, unless it stands among the user's own `words`."""
    return [] if "--offline" in words else ["--offline"]


_MISSING = (b"--offline was specified", b"the `--offline` flag", b"offline mode (via `--offline`)")
# What cargo says where it could not download; of all else the build would complain too.
_NETWORK = re.compile(
    rb"download|failed to (get|query|load source)|network|offline|resolve host|connect|Updating"
)
_OF_JOBS = ("MAKEFLAGS", "CARGO_MAKEFLAGS", "CARGO_BUILD_JOBS")
# Of the arguments of `cargo build`, those that `cargo fetch` has too: alone, and with a value.
_ALONE = ("--locked", "--frozen", "--offline")
_WITH_VALUE = ("--config", "-Z")


@dataclass(frozen=True)
class Fetch:
    """What to download: the crates of `manifest`'s lock file for a build with the arguments `words`.

    `lock` may not be there yet: without `--locked` cargo makes it.
    """

    manifest: Path
    lock: Path
    target_dir: Path
    config: CrateConfig
    words: tuple[str, ...]
    environment: Mapping[str, str]


def with_crates(context: BuildContext, wanted: Fetch, attempt: Callable[[], Finished]) -> Finished:
    """The result of `attempt`, a cargo that compiles offline, for which what it needs is downloaded before.

    Where that was noted and somebody has removed it since, it is downloaded again, and tried again.
    """
    note = wanted.target_dir / "config" / "fetched"
    fresh = _read(note) != _state(wanted)
    fetched = _fetch_and_note(context, wanted, note) if fresh else None
    if fetched is not None and fetched.returncode != 0 and not _NETWORK.search(fetched.stderr):
        return fetched  # the build would say the same
    finished = attempt()
    if fresh or not _lacks_crates(finished):
        return finished
    _fetch_and_note(context, wanted, note)
    return attempt()


def _fetch_and_note(context: BuildContext, wanted: Fetch, note: Path) -> Finished:
    """Download. Without the network that fails, and is no error yet: what is needed may be there."""
    finished = _fetch(context, wanted)
    if finished.returncode == 0:
        write_whole(note, _state(wanted))
    return finished


def _lacks_crates(finished: Finished) -> bool:
    return finished.returncode != 0 and any(words in finished.stderr for words in _MISSING)


def _fetch(context: BuildContext, wanted: Fetch) -> Finished:
    compiling = {**wanted.environment, **context.toolchain.fetch_environment()}
    environment = {name: value for name, value in compiling.items() if name not in _OF_JOBS}
    folder = Path("/")
    if wanted.config.home is not None:
        environment, folder = _with_credentials(context, wanted, environment)
    command = [str(context.toolchain.cargo), "fetch", "--manifest-path", str(wanted.manifest), *wanted.words]
    return run_cargo(
        [*command, *wanted.config.arguments], env=environment, cwd=folder, reword=wanted.config.reword
    )


def _with_credentials(
    context: BuildContext, wanted: Fetch, environment: Mapping[str, str]
) -> tuple[dict[str, str], Path]:
    """The environment and the folder for a cargo with a home of its own, in which its passwords are too."""
    from bootimage.base.toml_file import read_toml

    assert wanted.config.home is not None
    values = read_toml(wanted.config.home.path / "config.toml").data
    user_home = context.toolchain.cargo_home()
    home = make_home(wanted.target_dir / "config/fetching", values, user_home, credentials=True)
    return {**environment, **home.environment}, home.working_directory


def shared_words(words: Sequence[str]) -> Iterable[str]:
    """Of the arguments of `cargo build`, those that `cargo fetch` and `cargo tree` have to get too."""
    rest = iter(words)
    for word in rest:
        if word in _WITH_VALUE:
            yield from (word, next(rest, ""))
        elif word in _ALONE or word.startswith(("--config=", "-Z")):
            yield word


def _state(wanted: Fetch) -> str:
    digest = hashlib.sha256(repr((wanted.words, wanted.environment.get("CARGO_HOME"))).encode())
    with suppress(OSError):
        digest.update(wanted.lock.read_bytes())
    return digest.hexdigest()


def _read(note: Path) -> str:
    with suppress(OSError):
        return note.read_text()
    return ""
