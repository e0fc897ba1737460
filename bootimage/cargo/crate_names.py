"""Names of packages and crates, which become names of files: cargo and rustc refuse the others, and so we.

Source: cargo's `validate_package_name` and rustc's check of crate names, and what both of them do.
"""

from __future__ import annotations

from bootimage.base.toml_file import Key, TomlFile


def is_package_name(name: str) -> bool:
    """Whether cargo takes it for a package: Unicode letters, digits, `-` and `_`; no digit or `-` first."""
    return not name.startswith("-") and name.replace("-", "_").isidentifier()


def is_crate_name(name: str) -> bool:
    """Whether rustc takes it for a crate: Unicode letters, digits, `-` and `_`."""
    return bool(name) and all(letter.isalnum() or letter in "-_" for letter in name)


def check_package_name(file: TomlFile, name: str) -> None:
    """Raise BuildError where cargo would refuse `name`, which stands as `package.name` in `file`."""
    if not is_package_name(name):
        raise file.error(
            f"no package can be called {name!a}: a name is of letters, digits, `-` and `_`, and begins with "
            "a letter or `_`",
            "package",
            "name",
        )


def check_crate_name(file: TomlFile, name: str, *keys: Key) -> None:
    """Raise BuildError where rustc would refuse `name`, which stands at `keys` in `file`."""
    if not is_crate_name(name):
        raise file.error(f"no crate can be called {name!a}: a name is of letters, digits, `-` and `_`", *keys)
