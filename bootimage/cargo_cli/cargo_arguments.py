"""The arguments of a `cargo build`, as `cargo bootimage` gets them: what we see to, and what cargo gets.

Only what decides about target, sysroot and folders is taken out, since that is given to cargo anew. All
else is cargo's own affair and reaches it as it was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.cargo.manifest import Package


@dataclass(frozen=True)
class CargoArguments:
    """`rest` is for cargo as it is; relative paths in the other fields are made absolute.

    `given` are the arguments as they were written. `targets` are triples and specifications,
    `std_crates` and `std_features` those of -Zbuild-std and -Zbuild-std-features. `features` and the two
    switches stand in `rest` as well: they are needed twice.
    """

    manifest: Path | None = None
    target_dir: Path | None = None
    targets: tuple[str, ...] = ()
    std_crates: tuple[str, ...] = ()
    std_features: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    default_features: bool = True
    all_features: bool = False
    rest: tuple[str, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def profile(self) -> str:
        """The profile that `rest` chooses."""
        words = [*self.rest, ""]
        named = (words[at + 1] for at, word in enumerate(words) if word == "--profile")
        joined = (each.partition("=")[2] for each in words if each.startswith("--profile="))
        plain = "release" if {"--release", "-r"} & {*words} else "dev"
        return next(named, None) or next(joined, None) or plain

    def after(self, first: CargoArguments, std_crates: tuple[str, ...] = ()) -> CargoArguments:
        """These arguments behind those of `first`, and `std_crates` besides."""
        return CargoArguments(
            manifest=self.manifest or first.manifest,
            target_dir=self.target_dir or first.target_dir,
            targets=self.targets or first.targets,
            std_crates=(*first.std_crates, *self.std_crates, *std_crates),
            std_features=(*first.std_features, *self.std_features),
            features=(*first.features, *self.features),
            default_features=first.default_features and self.default_features,
            all_features=first.all_features or self.all_features,
            rest=(*first.rest, *self.rest),
            given=(*first.given, *self.given),
        )

    def features_of(self, package: Package) -> tuple[str, ...]:
        """The features asked for of `package`, which may stand after its name (`kernel/serial`)."""
        if self.all_features:
            return package.features
        names = [name.removeprefix(f"{package.name}/") for name in self.features]
        return tuple(sorted({name for name in names if "/" in name or name in package.features}))


@dataclass
class _Taken:
    """What was found so far, by the name of the option."""

    values: dict[str, list[str]] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)


_OURS = ("--manifest-path", "--target-dir", "--target", "--message-format", "-Z")
_PATHS = ("--artifact-dir", "--out-dir", "--lockfile-path")
_FEATURES = ("--features", "-F")


def parse_cargo_arguments(words: Sequence[str], folder: Path) -> CargoArguments:
    """Read the arguments `words`, given in `folder`. Raises BuildError for what cannot be answered for."""
    taken = _Taken()
    waiting = list(words)
    while waiting:
        _take(waiting, taken, folder)
    if "--message-format" in taken.values:
        raise BuildError(
            "cargo bootimage reads cargo's messages itself: --message-format cannot be given",
            hint="run `cargo build --message-format=...` for them",
        )
    unstable = _unstable(taken)
    return CargoArguments(
        manifest=_one_path(taken, "--manifest-path", folder),
        target_dir=_one_path(taken, "--target-dir", folder),
        targets=tuple(_absolute_target(each, folder) for each in taken.values.get("--target", [])),
        std_crates=unstable.get("build-std", ()),
        std_features=unstable.get("build-std-features", ()),
        features=tuple(_names(taken.values.get("--features", []))),
        default_features="--no-default-features" not in taken.rest,
        all_features="--all-features" in taken.rest,
        rest=tuple(taken.rest),
        given=tuple(words),
    )


def _take(waiting: list[str], taken: _Taken, folder: Path) -> None:
    """Take the next option with its value off `waiting`."""
    word = waiting.pop(0)
    name, value = _split(word, waiting)
    if name in _OURS:
        if value is None:
            raise BuildError(f"{name} needs a value")
        taken.values.setdefault(name, []).append(value)
    elif name in _PATHS and value is not None:
        taken.rest += [name, str(folder / value)]
    elif name == "--config" and value is not None:
        # `--config FILE` is relative to the working directory, `--config KEY=VALUE` is not a path.
        taken.rest += [name, str(folder / value) if (folder / value).is_file() else value]
    elif name in _FEATURES and value is not None:
        taken.rest += ["--features", value]
        taken.values.setdefault("--features", []).append(value)
    else:
        taken.rest.append(word)


def _split(word: str, waiting: list[str]) -> tuple[str, str | None]:
    """Option and value of `--option value`, `--option=value` and `-Ovalue`; other words have no value."""
    for name in (*_OURS, *_PATHS, *_FEATURES, "--config"):
        if word == name:
            return name, waiting.pop(0) if waiting else None
        if name.startswith("--") and word.startswith(f"{name}="):
            return name, word.removeprefix(f"{name}=")
        if not name.startswith("--") and word.startswith(name):
            return name, word.removeprefix(name).removeprefix("=")
    return word, None


def _names(lists: list[str]) -> list[str]:
    return [name for text in lists for name in text.replace(",", " ").split()]


def _unstable(taken: _Taken) -> dict[str, tuple[str, ...]]:
    """Take what the sysroot answers out of the -Z options; cargo gets the others."""
    found: dict[str, tuple[str, ...]] = {}
    for option in taken.values.get("-Z", []):
        name, _, value = option.partition("=")
        if name in ("build-std", "build-std-features"):
            found[name] = tuple(word for word in value.split(",") if word)
        elif name != "json-target-spec":
            taken.rest.append(f"-Z{option}")
    return found


def _one_path(taken: _Taken, option: str, folder: Path) -> Path | None:
    values = taken.values.get(option, [])
    if len(values) > 1:
        raise BuildError(f"{option} is given {len(values)} times", hint="give it once")
    return folder / values[0] if values else None


def _absolute_target(target: str, folder: Path) -> str:
    return str(folder / target) if target.endswith(".json") else target
