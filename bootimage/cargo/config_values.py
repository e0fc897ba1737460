"""What a cargo configuration says on the matters that a build here decides with: flags, variables, target."""

from __future__ import annotations

from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_file import Key, describe, dotted
from bootimage.cargo.cfg import CfgSet, matches
from bootimage.cargo.config import CargoConfig


@dataclass(frozen=True)
class Variable:
    """An entry of `[env]`. Without `force` a variable of that name in the environment stays."""

    value: str
    force: bool = False


def rustflags_for(config: CargoConfig, target: str, cfg: CfgSet) -> list[str]:
    """The flags for rustc that cargo takes from its configuration for crates of `target`.

    Those of `target.NAME` and then of every `target.'cfg(...)'` that applies, in the order of the
    keys; only where these are none, those of `build`.
    """
    flags = _words(config, "target", target, "rustflags")
    for key in sorted(config.table("target")):
        if matches(key, cfg):
            flags += _words(config, "target", key, "rustflags")
    return flags or _words(config, "build", "rustflags")


def all_rustflags(config: CargoConfig) -> list[str]:
    """The flags for rustc of every table, whatever its target."""
    places = [("build",), *(("target", key) for key in config.table("target"))]
    return [word for place in places for word in _words(config, *place, "rustflags")]


def linkers(config: CargoConfig) -> list[str]:
    """The linker of every target: a name, or an absolute path."""
    named = (table.get("linker") for table in config.table("target").values() if isinstance(table, dict))
    return [linker for linker in named if isinstance(linker, str)]


def env_table(config: CargoConfig) -> dict[str, Variable]:
    """The variables of `[env]`, with relative ones made absolute."""
    return {name: _variable(config, name) for name in config.table("env")}


def build_targets(config: CargoConfig) -> tuple[str, ...]:
    """`build.target`: triples and absolute paths of target specifications. Empty means the host."""
    found = config.table("build").get("target", [])
    listed = found if isinstance(found, list) else [found]
    for target in listed:
        if not isinstance(target, str):
            raise _wrong(config, "a string or an array of strings", found, "build", "target")
    return tuple(listed)


def aliases(config: CargoConfig) -> dict[str, list[str]]:
    """`[alias]`: the words that a subcommand of the user's stands for."""
    return {name: _words(config, "alias", name) for name in config.table("alias")}


def _variable(config: CargoConfig, name: str) -> Variable:
    found = config.merged["env"][name]
    if isinstance(found, str):
        return Variable(found)
    if isinstance(found, dict) and isinstance(value := found.get("value"), str):
        return Variable(value, found.get("force") is True)
    raise _wrong(config, "a string or a table with `value`", found, "env", name)


def _words(config: CargoConfig, *keys: Key) -> list[str]:
    """A list of words, which may be written as one string; an absent one is empty."""
    found = config.merged
    for key in keys[:-1]:
        found = found.get(str(key), {})
        if not isinstance(found, dict):
            raise _wrong(config, "a table", found, *keys[:-1])
    words = found.get(str(keys[-1]), [])
    if isinstance(words, str):
        return words.split()
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return list(words)
    raise _wrong(config, "a string or an array of strings", words, *keys)


def _wrong(config: CargoConfig, expected: str, found: object, *keys: Key) -> Exception:
    return config.error(f"`{dotted(keys)}` must be {expected}, found {describe(found)}", *keys)
