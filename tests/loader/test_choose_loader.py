"""Which loader a kernel gets, from manifests and lock files as people have them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cargo_tree import named, tree

from bootimage.base.errors import BuildError
from bootimage.cargo.manifest import read_package
from bootimage.loader.choose_loader import Loader, choose_loader, published_loader

REGISTRY = "registry+https://registry.example/index"
GIT = "git+https://example.org/bootloader?branch=mine#0123456789abcdef0123456789abcdef01234567"


def locked(name: str, version: str, *dependencies: str, source: str | None = REGISTRY) -> str:
    """One package of a lock file; `source` None is a package on this machine."""
    listed = "".join(f' "{each}",\n' for each in dependencies)
    checksum = 'checksum = "c0ffee"\n' if source == REGISTRY else ""
    return (
        f'[[package]]\nname = "{name}"\nversion = "{version}"\n'
        + (f'source = "{source}"\n{checksum}' if source else "")
        + (f"dependencies = [\n{listed}]\n" if dependencies else "")
    )


def kernel(folder: Path, dependencies: str, *packages: str, **more: str) -> Path:
    """A kernel in `folder` with the TOML `dependencies`, and a lock file that holds `packages`."""
    files = {"Cargo.toml": named("kernel") + dependencies, "src/main.rs": "", **more}
    return tree(folder, {**files, "Cargo.lock": "\n".join(["version = 4\n", *packages])})


def chosen(folder: Path) -> Loader:
    return choose_loader(read_package(folder))


OLD = locked("bootloader", "0.9.35")
API = locked("bootloader_api", "0.11.17")
HOST = locked("bootloader", "0.11.17", "bootloader_api", "helper")


@pytest.mark.parametrize(
    ("dependencies", "packages", "expected"),
    [
        pytest.param(
            '[dependencies]\nbootloader = "0.9"',
            [locked("kernel", "0.1.0", "bootloader", source=None), OLD],
            Loader("0.9", "bootloader", "0.9.35", REGISTRY, "c0ffee"),
            id="0.9",
        ),
        pytest.param(
            '[dependencies]\nbootloader = { package = "bootloader_api", version = "0.11" }',
            [locked("kernel", "0.1.0", "bootloader_api", source=None), API],
            Loader("0.11", "bootloader_api", "0.11.17", REGISTRY, "c0ffee"),
            id="0.11, renamed as in the text",
        ),
        pytest.param(
            '[dependencies]\nboot = { package = "bootloader", version = "0.9" }',
            [locked("kernel", "0.1.0", "bootloader", source=None), OLD],
            Loader("0.9", "bootloader", "0.9.35", REGISTRY, "c0ffee"),
            id="0.9, renamed",
        ),
        pytest.param(
            '[dependencies]\nbootloader = { git = "https://example.org/bootloader", branch = "mine" }',
            [
                locked("kernel", "0.1.0", "bootloader", source=None),
                locked("bootloader", "0.9.40", source=GIT),
            ],
            Loader("0.9", "bootloader", "0.9.40", GIT),
            id="git",
        ),
        pytest.param(
            '[dependencies]\nparts = "1"',
            [
                locked("kernel", "0.1.0", "parts", source=None),
                locked("parts", "1.0.0", "bootloader"),
                OLD,
            ],
            Loader("0.9", "bootloader", "0.9.35", REGISTRY, "c0ffee"),
            id="a library of the kernel's has it",
        ),
        pytest.param(
            '[dependencies]\nbootloader_api = "0.11"\n[build-dependencies]\nbootloader = "0.11"',
            [locked("kernel", "0.1.0", "bootloader", "bootloader_api", source=None), HOST, API],
            Loader("0.11", "bootloader_api", "0.11.17", REGISTRY, "c0ffee"),
            id="the build script uses the host library",
        ),
        pytest.param(
            '[dependencies]\nparts = "1"\n[build-dependencies]\nbootloader = "0.11"',
            [
                locked("kernel", "0.1.0", "bootloader", "parts", source=None),
                locked("parts", "1.0.0", "bootloader_api 0.11.3"),
                HOST.replace('"bootloader_api"', '"bootloader_api 0.11.17"'),
                API,
                locked("bootloader_api", "0.11.3"),
            ],
            Loader("0.11", "bootloader_api", "0.11.3", REGISTRY, "c0ffee"),
            id="the host library's own dependency is not the kernel's",
        ),
        pytest.param(
            '[dependencies]\nbootloader = "0.9"\nbootloader_api = { version = "0.11", optional = true }',
            [locked("kernel", "0.1.0", "bootloader", "bootloader_api", source=None), OLD, API],
            Loader("0.9", "bootloader", "0.9.35", REGISTRY, "c0ffee"),
            id="the other one is optional",
        ),
        pytest.param(
            '[dependencies]\nold = { package = "bootloader", version = "0.9" }\n'
            'bootloader_api = { version = "0.11", optional = true }',
            [locked("kernel", "0.1.0", "bootloader", "bootloader_api", source=None), OLD, API],
            Loader("0.9", "bootloader", "0.9.35", REGISTRY, "c0ffee"),
            id="the other one is optional, and none is called bootloader",
        ),
        pytest.param(
            '[dependencies]\nold = { package = "bootloader", version = "0.9" }\n'
            'bootloader = { package = "bootloader_api", version = "0.11" }',
            [locked("kernel", "0.1.0", "bootloader", "bootloader_api", source=None), OLD, API],
            Loader("0.11", "bootloader_api", "0.11.17", REGISTRY, "c0ffee"),
            id="two, one of them called bootloader",
        ),
        pytest.param(
            '[dependencies]\nbootloader = "0.9"\n[dependencies.new]\npackage = "bootloader"\nversion = "0.8"',
            [
                locked("kernel", "0.1.0", "bootloader 0.8.9", "bootloader 0.9.35", source=None),
                locked("bootloader", "0.8.9"),
                OLD,
            ],
            Loader("0.9", "bootloader", "0.9.35", REGISTRY, "c0ffee"),
            id="two versions of one package",
        ),
    ],
)
def test_the_loader_of_a_kernel(
    tmp_path: Path, dependencies: str, packages: list[str], expected: Loader
) -> None:
    packages = [*packages, locked("helper", "1.0.0")]
    assert chosen(kernel(tmp_path, dependencies, *packages)) == expected


@pytest.mark.parametrize("how", ["dependency", "patch", "through a library"])
def test_a_loader_on_this_machine(tmp_path: Path, how: str) -> None:
    tree(tmp_path, {"mine/Cargo.toml": named("bootloader").replace("0.1.0", "0.9.99")})
    tree(tmp_path, {"parts/Cargo.toml": named("parts") + '[dependencies]\nbootloader = { path = "../mine" }'})
    direct = locked("kernel", "0.1.0", "bootloader", source=None)
    dependencies, mine = {
        "dependency": ('[dependencies]\nbootloader = { path = "../mine" }', [direct]),
        "patch": (
            '[dependencies]\nbootloader = "0.9"\n[patch.other]\nbootloader = { path = "../mine" }',
            [direct],
        ),
        "through a library": (
            '[dependencies]\nparts = { path = "../parts" }',
            [
                locked("kernel", "0.1.0", "parts", source=None),
                locked("parts", "0.1.0", "bootloader", source=None),
            ],
        ),
    }[how]
    folder = kernel(tmp_path / "kernel", dependencies, *mine, locked("bootloader", "0.9.99", source=None))
    loader = chosen(folder)
    assert loader.manifest == tmp_path / "mine/Cargo.toml"
    assert (loader.family, loader.version, loader.origin) == ("0.9", "0.9.99", "path")


def test_a_workspace_with_several_kernels(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "Cargo.toml": '[workspace]\nmembers = ["old", "new"]\n',
            "old/Cargo.toml": named("old") + '[dependencies]\nbootloader = "0.9"\n',
            "new/Cargo.toml": named("new") + '[dependencies]\nbootloader_api = "0.11"\n',
            "Cargo.lock": "\n".join(
                [
                    "version = 4\n",
                    OLD,
                    API,
                    locked("new", "0.1.0", "bootloader_api", source=None),
                    locked("old", "0.1.0", "bootloader", source=None),
                ]
            ),
        },
    )
    assert chosen(tmp_path / "old").family == "0.9"
    assert chosen(tmp_path / "new").family == "0.11"


@pytest.mark.parametrize(
    ("dependencies", "packages", "place", "message", "hint"),
    [
        pytest.param(
            '[dependencies]\nbootloader = "0.10"',
            [locked("kernel", "0.1.0", "bootloader", source=None), locked("bootloader", "0.10.13")],
            "Cargo.toml:6",
            "no current compiler builds",
            'bootloader = { package = "bootloader_api", version = "0.11" }',
            id="0.10",
        ),
        pytest.param(
            '[dependencies]\nbootloader = "0.8"',
            [locked("kernel", "0.1.0", "bootloader", source=None), locked("bootloader", "0.8.9")],
            "Cargo.toml:6",
            "loaders 0.9 and 0.11 are known here",
            'bootloader = "0.9"',
            id="0.8",
        ),
        pytest.param(
            '[dependencies]\nbootloader = "0.11"',
            [locked("kernel", "0.1.0", "bootloader", source=None), HOST, API],
            "Cargo.toml:6",
            "is a library for the host",
            'package = "bootloader_api"',
            id="the host library",
        ),
        pytest.param(
            "",
            [locked("kernel", "0.1.0", source=None)],
            "Cargo.toml",
            "no loader among its dependencies",
            "add to [dependencies]",
            id="none",
        ),
        pytest.param(
            '[dependencies]\none = { package = "bootloader", version = "0.9" }\nbootloader_api = "0.11"',
            [locked("kernel", "0.1.0", "bootloader", "bootloader_api", source=None), OLD, API],
            "Cargo.toml",
            "bootloader 0.9.35 and bootloader_api 0.11.17",
            "call the one to boot with `bootloader`",
            id="two",
        ),
        pytest.param(
            '[dependencies]\nbootloader = "0.9"',
            [locked("other", "0.1.0", source=None)],
            "Cargo.lock",
            "does not know the package kernel",
            "cargo update --workspace",
            id="a lock file of something else",
        ),
        pytest.param(
            '[dependencies]\nbootloader = "0.9"',
            [
                locked("kernel", "0.1.0", "bootloader", source=None),
                locked("bootloader", "0.9.35", source=None),
            ],
            "Cargo.lock",
            "from a folder that no path dependency names",
            "cargo update --workspace",
            id="a folder that is gone",
        ),
    ],
)
def test_no_loader(
    tmp_path: Path, dependencies: str, packages: list[str], place: str, message: str, hint: str
) -> None:
    folder = kernel(tmp_path, dependencies, *packages, locked("helper", "1.0.0"))
    with pytest.raises(BuildError) as caught:
        chosen(folder)
    error = str(caught.value)
    assert error.startswith(f"{tmp_path}/{place}:")
    assert message in error and hint in error


def test_no_lock_file(tmp_path: Path) -> None:
    folder = kernel(tmp_path, "")
    (folder / "Cargo.lock").unlink()
    with pytest.raises(BuildError, match="cargo generate-lockfile"):
        chosen(folder)


def test_a_version_that_the_user_names() -> None:
    assert published_loader("0.11.16") == Loader("0.11", "bootloader_api", "0.11.16")


@pytest.mark.parametrize("version", ["0.11", "banana", "", "0.12.0", "0.10.13", "v0.11.17", None, 5, 0.11])
def test_a_version_that_is_no_loaders(version: object) -> None:
    with pytest.raises(BuildError) as caught:
        published_loader(version)
    assert f"found {version!r}" in caught.value.message
    assert caught.value.hint == "write the full version, such as 0.11.17"


def test_a_loader_0_9_is_the_lock_files_to_name() -> None:
    with pytest.raises(BuildError, match=r"found '0.9.35'\n  help: a loader 0.9 .*let RustKernel build"):
        published_loader("0.9.35")
