"""Nothing of a user's configuration reaches loaders and `core` but what their keys cover.

What cargo is started with, and what it makes of that (`cargo config get`), is compared with that of a user
without any configuration. What a real cargo then does is the same, since it has nothing else to go by.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cargo_configurations import Configuration, configuration
from sealed_starts import tried

from bootimage.cargo import sealed_build
from bootimage.cargo.crate_sources import copy_crates, crate_sources
from bootimage.context import BuildContext
from bootimage.loader import loader_source

pytestmark = pytest.mark.rust

CHECKOUT = Path(__file__).resolve().parents[2]
_OF_NO_RESULT = ("TERM", "TMPDIR")  # where partial files are, and colours
KINDS = ("core", "0.9", "0.11")


@pytest.fixture(scope="module")
def published(base: BuildContext, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of the loader 0.9.35, where cargo keeps it."""
    found = loader_source.locate_published(base, {"bootloader": "0.9.35"})
    return found["bootloader"]


@pytest.fixture(scope="module")
def vendored(base: BuildContext, published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crates of the loader 0.9.35 as `cargo vendor` puts them beside a kernel."""
    folder = tmp_path_factory.mktemp("vendored")
    source = sealed_build.copy_source(published.parent, folder)
    shutil.copyfile(published.parent / "Cargo.lock", source / "Cargo.lock")
    sources = crate_sources(folder, base.toolchain.cargo_home())
    copy_crates(base, sources, source / "Cargo.toml", folder)
    return folder / "crates"


@pytest.mark.parametrize("count", [30, pytest.param(200, marks=pytest.mark.long("configurations"))])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_or_another_key(
    kind: str,
    count: int,
    base: BuildContext,
    recording: None,
    tmp_path: Path,
    published: Path,
    vendored: Path,
) -> None:
    expected = tried(Configuration(), kind, base, tmp_path / "plain", published, vendored)
    assert expected[0] != "refused", expected[1]
    same = refused = others = 0
    for number in range(count):
        made = configuration(number)
        key, found = tried(made, kind, base, tmp_path / str(number), published, vendored)
        if key == expected[0]:
            assert found == expected[1], made
            same += 1
        elif key == "refused":
            refused += 1
        else:
            others += 1
        shutil.rmtree(tmp_path / str(number))
    assert same > count * 0.7, (same, others, refused)
    print(f"{kind}: {same} the same, {others} under another key, {refused} refused")
