"""The command with which a project runs its kernel: `[package.metadata.bootimage]`, and what was added to it.

A command that starts QEMU as most do is turned into a `Machine`, so that the guest can be watched and
judged. Any other (another emulator, a script, a debugger's options) is run as it stands.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.cargo.metadata_tables import BootimageSettings
from bootimage.machine.qemu import PROGRAM, Machine, escaped, find_qemu

_IMAGE = "{}"

# What we see to ourselves in a guest that is watched; the user's own would take it away from us.
_SERIAL = ("-serial", "-monitor", "-mon", "-qmp", "-chardev", "-parallel", "-debugcon")
# What a watched guest cannot have: it is started, paused and ended by us.
_CONTROL = ("-S", "-daemonize", "-incoming", "-loadvm", "-snapshot", "-action", "-nodefaults")
_ON_TERMINAL = (("-serial", "stdio"), ("-serial", "mon:stdio"), ("-monitor", "none"), ("-monitor", "null"))


@dataclass(frozen=True)
class RunCommand:
    """`words` is the whole command, `added` those of them that stand behind the project's `run-command`."""

    words: tuple[str, ...]
    image: Path


def run_command(
    settings: BootimageSettings, image: Path, added: Sequence[str], *, is_test: bool
) -> RunCommand:
    """The command that runs `image`, with the arguments `added` on the command line."""
    run = [_with_image(word, image) for word in settings.run_command]
    if is_test:
        more = [*(["-no-reboot"] if settings.test_no_reboot else []), *settings.test_args]
    else:
        more = list(settings.run_args)
    return RunCommand((*run, *more, *added), image)


def _with_image(word: str, image: Path) -> str:
    """The word with the image's path for `{}`; a comma in a value behind `file=` is doubled for QEMU."""
    return word.replace(f"file={_IMAGE}", f"file={escaped(image)}").replace(_IMAGE, os.fspath(image))


def as_machine(command: RunCommand, environ: Mapping[str, str]) -> Machine | None:
    """The machine that the command describes, or None for one that has to be run as it stands.

    Raises BuildError where it names QEMU and there is none.
    """
    program, *arguments = command.words
    if Path(program).name != PROGRAM:
        return None
    rest = _without_disk(arguments, command.image)
    if rest is None or _wants_more(rest):
        return None
    accel, rest = _accelerator(rest)
    if any("accel=" in word for word in rest):
        return None
    return Machine(
        program=find_qemu(environ, program),
        image=command.image,
        accel=accel or environ.get("QEMU_ACCEL") or "tcg",
        extra=tuple(rest),
        no_reboot="-no-reboot" in rest,
    )


def find_program(words: Sequence[str], environ: Mapping[str, str]) -> Path:
    """The program of a command that is run as it stands. Raises BuildError where there is none."""
    import shutil

    if Path(words[0]).name == PROGRAM:
        return find_qemu(environ, words[0])
    found = shutil.which(words[0], path=environ.get("PATH", os.defpath))
    if found is None:
        raise BuildError(
            f"there is no program {words[0]}, which `run-command` names",
            hint="install it, or change `run-command` in [package.metadata.bootimage]",
        )
    return Path(found)


def _without_disk(arguments: list[str], image: Path) -> list[str] | None:
    """The arguments without the boot disk `-drive format=raw,file=IMAGE`; None where that is not there."""
    for at in range(len(arguments) - 1):
        options = _options(arguments[at + 1])
        if arguments[at] in ("-drive", "--drive") and options - _PLAIN_DISK == {f"file={escaped(image)}"}:
            rest = arguments[:at] + arguments[at + 2 :]
            names = (os.fspath(image), escaped(image))
            return None if any(name in word for word in rest for name in names) else rest
    return None


_PLAIN_DISK = {"format=raw", "index=0", "media=disk", "if=ide"}


def _options(text: str) -> set[str]:
    """The options between QEMU's commas, as they stand; two commas are one of a value's own."""
    return {each.replace("\0", ",,") for each in text.replace(",,", "\0").split(",")}


def _wants_more(arguments: Sequence[str]) -> bool:
    """True where the arguments ask for what a watched guest cannot have."""
    for at, word in enumerate(arguments):
        name = word.removeprefix("-") if word.startswith("--") else word
        if name in _CONTROL:
            return True
        if name in _SERIAL and (name, *arguments[at + 1 : at + 2]) not in _ON_TERMINAL:
            return True
    return False


def _accelerator(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The accelerator that the arguments name, and the others: QEMU would take ours before theirs."""
    found, rest, waiting = None, [], list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word == "-enable-kvm":
            found = "kvm"
        elif word == "-accel" and waiting:
            found = waiting.pop(0)
        else:
            rest.append(word)
    return found, rest
