"""`bootimage rust-analyzer`: settings with which an editor and cargo check see a kernel as it is built."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage import report
from bootimage.commands import shown

if TYPE_CHECKING:
    from bootimage.editor import EditorFiles


def run(words: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Print the settings, or write them where that takes nothing away."""
    options, rest = _parser().parse_known_args(words)
    files = _prepare(rest, environ, write=options.write)
    tell(files, Path.cwd(), write=options.write)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bootimage rust-analyzer",
        usage="bootimage rust-analyzer [--write] [options of cargo build]",
        description="Print the settings that rust-analyzer needs for the kernel here.",
        allow_abbrev=False,
    )
    where = "write .vscode/settings.json and .cargo/config.toml, where there are none"
    parser.add_argument("--write", action="store_true", help=where)
    return parser


def _prepare(words: Sequence[str], environ: Mapping[str, str], *, write: bool) -> EditorFiles:
    from bootimage.builder import open_context
    from bootimage.cargo.arguments import parse_cargo_arguments
    from bootimage.cargo.build import crate_build, prepare
    from bootimage.commands.making import chosen_manifest
    from bootimage.editor import prepare_editor

    here = Path.cwd()
    arguments = parse_cargo_arguments(words, here)
    context = open_context(here, environ)
    asked = prepare(context, chosen_manifest(arguments, here, environ), arguments, here, environ)
    # The shell's variables are there anyway when an editor starts cargo.
    build = replace(crate_build(context, asked), environment={}, features=arguments.features)
    return prepare_editor(context, build, asked.target_dir / "rust-analyzer", in_project=write)


def tell(files: EditorFiles, folder: Path, *, write: bool) -> None:
    """Print the settings, or write them to `folder`/.vscode/settings.json if that is not there yet."""
    from bootimage.editor import settings_text
    from bootimage.files import write_whole

    place = folder / ".vscode/settings.json"
    text = settings_text(files.settings)
    if write and not place.exists():
        write_whole(place, text)
        report.output(f"Wrote {shown(place)}\n")
    elif write and place.read_text(errors="replace") == text:
        report.output(f"{shown(place)} is up to date\n")
    else:
        report.output(f"Settings to be added to {shown(place)}:\n")
        report.output(text)
    report.output(f"cargo's configuration: {shown(files.config)}\n")
    report.output(f"To check by hand, in the kernel's folder: {files.check_command}\n")
