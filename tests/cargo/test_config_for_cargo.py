"""What cargo says of a configuration that we hand over, with the file in which the user wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cargo_tree import named, tree

from bootimage.cargo.config import read_cargo_config
from bootimage.cargo.config_for_cargo import CrateConfig

OURS = "/p/build/cargo/k/config/handed-over.toml"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            f"warning: unused config key `unstable.target-spec-json` in `{OURS}`\n",
            "warning: unused config key `unstable.target-spec-json` in `FILE:2` "
            "(did you mean `json-target-spec`?)\n",
        ),
        (
            "warning: unused config key `build.foo` in `/p/build/cargo/k/config/own/home/config.toml`\n",
            "warning: unused config key `build.foo` in `FILE:4`\n",
        ),
        (f"warning: unused config key `build.nowhere` in `{OURS}`\n", None),
        ("warning: unused config key `build.foo` in `/home/u/.cargo/config.toml`\n", None),
        ("warning: unused variable: `x`\n", None),
    ],
)
def test_unused_keys(tmp_path: Path, line: str, expected: str | None) -> None:
    text = "[unstable]\ntarget-spec-json = true\n[build]\nfoo = 1\n"
    tree(tmp_path, {"Cargo.toml": named("k"), ".cargo/config.toml": text})
    config = CrateConfig((), (), users=read_cargo_config(tmp_path, tmp_path / "home"))
    file = str(tmp_path / ".cargo/config.toml")
    assert config.reword(line).replace(file, "FILE") == (line if expected is None else expected)
