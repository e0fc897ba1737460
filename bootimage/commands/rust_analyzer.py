"""`bootimage rust-analyzer`: settings with which an editor and cargo check see a kernel as it is built."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.kernel.editor_settings import tell

if TYPE_CHECKING:
    from bootimage.kernel.editor_settings import EditorFiles


def run(words: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Print the settings, or write them where that takes nothing away."""
    options, rest = parser().parse_known_args(words)
    files = _prepare(rest, environ, write=options.write)
    tell(files, Path.cwd(), write=options.write)
    return 0


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="bootimage rust-analyzer",
        usage="bootimage rust-analyzer [--write] [options of cargo build]",
        description="Print the settings that rust-analyzer needs for the kernel here.",
        allow_abbrev=False,
    )
    where = "write .vscode/settings.json and .cargo/config.toml, where there are none"
    made.add_argument("--write", action="store_true", help=where)
    return made


def _prepare(words: Sequence[str], environ: Mapping[str, str], *, write: bool) -> EditorFiles:
    from bootimage.cargo_cli.build_as_cargo import crate_build, prepare
    from bootimage.cargo_cli.build_images import chosen_manifest
    from bootimage.cargo_cli.cargo_arguments import parse_cargo_arguments
    from bootimage.context import open_context
    from bootimage.kernel.editor_settings import prepare_editor

    here = Path.cwd()
    arguments = parse_cargo_arguments(words, here)
    context = open_context(here, environ)
    asked = prepare(context, chosen_manifest(arguments, here, environ), arguments, here, environ)
    # The shell's variables are there anyway when an editor starts cargo.
    build = replace(crate_build(context, asked), environment={}, features=arguments.features)
    return prepare_editor(context, build, asked.target_dir / "rust-analyzer", in_project=write)
