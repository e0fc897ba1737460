"""Stand-ins that also write down how they were called: arguments, folder, environment, and files named."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import fake_toolchain
from fake_cargo import StandIns

_RECORDER = """\
import json, os, pathlib, sys
here, program, *arguments = sys.argv[1:]
named = {word.partition("=")[2] if word.startswith("--") else word.lstrip("@") for word in arguments}
named |= {os.environ.get("KERNEL_MANIFEST", ""), os.environ.get("CARGO_HOME", "") + "/config.toml"}
files = {}
for name in named:
    path = pathlib.Path(name)
    if path.suffix in (".toml", ".json", ".ld") and path.is_file():
        files[str(path.absolute())] = path.read_text()
    lock = path.parent / "Cargo.lock"
    if path.name == "Cargo.toml" and lock.is_file():
        files[str(lock.absolute())] = lock.read_text()
call = dict(program=program, arguments=arguments, folder=os.getcwd(), files=files)
call["environment"] = dict(os.environ)
with open(here + "/recorded", "a") as log:
    log.write(json.dumps(call) + "\\n")

def built(kind, name, executable):
    target = {"kind": [kind], "name": name}
    message = {"reason": "compiler-artifact", "package_id": "path+file:///my_os#0.1.0", "target": target}
    message["manifest_path"] = "/my_os/Cargo.toml"
    more = {"profile": {"test": arguments[0] == "test"}, "filenames": [executable], "executable": executable}
    print(json.dumps({**message, **more}), flush=True)

def after(option):
    return arguments[arguments.index(option) + 1]

def write(name):
    program = pathlib.Path(after("--target-dir"), name)
    program.parent.mkdir(parents=True, exist_ok=True)
    pieces = [pathlib.Path(here, f"elf-0.11.17-{n}").read_bytes() for n in (1, 2, 3)]
    program.write_bytes(pieces[0] + b"C" * 64 + pieces[1] + b"D" * 64 + pieces[2])
    return str(program)

# What the stand-in for cargo does not do.
if program != "cargo":
    sys.exit(0)
if arguments[0] == "test":
    built("bin", "my_os", write("x86_64-my_os/debug/deps/my_os-0123456789abcdef"))
elif arguments[0] == "tree":
    print("map_physical_memory")
elif arguments[0] == "build" and "bootloader" in arguments:
    built("bin", "bootloader", write("x86_64-bootloader/release/bootloader"))
else:
    sys.exit(0)
sys.exit(1)
"""

# As the real one: a boot sector, then what the loader is, and at the end the kernel.
_LINKER = """\
while [ $# -gt 1 ]; do [ "$1" = -o ] && flat=$2; shift; done
{ head -c 510 /dev/zero; printf '\\125\\252'; cat "${1%/*}/kernel"; } >"$flat"
"""

# Not to be taken for QEMU: what is recorded is how it was started.
_EMULATOR = "exit 1"

# What differs from run to run, or is of one machine only.
_CHANGING = (
    (re.compile(r"\btmp/[0-9]+-[a-z0-9_]{8}/"), "tmp/*/"),
    (re.compile(r"\b(work-[\w-]*)-[a-z0-9_]{8}(?![\w-])"), r"\1"),
    (re.compile(r"\.[0-9a-f]{6}-[0-9]+-[0-9a-f]{8}\b"), ".*"),
    (re.compile(r"\bfd=[0-9]+"), "fd=*"),
    (re.compile(r"\bmachine-[a-z0-9_]{8}\b"), "machine-*"),
    (re.compile(r"fifo:[^ ']*"), "fifo:*"),
    (re.compile(r"/registry/src/[\w.-]+"), "/registry/src/*"),
)
_OF_THE_SHELL = {"_", "PWD", "OLDPWD", "SHLVL"}


@dataclass(frozen=True)
class Recorder:
    """Stand-ins whose calls are recorded. `places` are names for folders that differ from run to run."""

    tools: StandIns
    places: Mapping[str, str]

    def calls(self) -> str:
        """The calls since the last one of this, written to be read and compared."""
        log = self.tools.root / "recorded"
        calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        log.unlink(missing_ok=True)
        seen: set[str] = set()
        return self.settled("\n".join(line for call in calls for line in _written(call, seen)))

    def settled(self, text: str) -> str:
        """`text` without what differs between two runs of the same."""
        for place, name in sorted(self.places.items(), key=lambda each: -len(each[0])):
            text = text.replace(place, name)
        for pattern, name in _CHANGING:
            text = pattern.sub(name, text)
        return text


def record_calls(tools: StandIns) -> None:
    """Let the programs of `tools` write down their calls from now on."""
    recorder = tools.root / "recorder"
    recorder.write_text(_RECORDER)
    helpers = next((tools.root / "lib/rustlib").glob("*/bin"))
    (helpers / "rust-lld").write_text(f"#!/bin/sh\n{_LINKER}")
    emulator = fake_toolchain.program(tools.root / "bin/qemu-system-x86_64", _EMULATOR)
    for program in (emulator, tools.root / "bin/cargo", helpers / "llvm-objcopy", helpers / "rust-lld"):
        first, rest = program.read_text().split("\n", 1)
        call = f'{sys.executable} -I {recorder} {tools.root} {program.name} "$@" || exit 0'
        program.write_text(f"{first}\n{call}\n{rest}")


def _written(call: Mapping[str, Any], seen: set[str]) -> Iterator[str]:
    environment, files = call["environment"], call["files"]
    yield f"{call['program']} in {call['folder']}"
    yield from (f"  {word!r}" for word in call["arguments"])
    yield from (
        f"  {name}={environment[name]!r}" for name in sorted(environment) if name not in _OF_THE_SHELL
    )
    for path, text in sorted(files.items()):
        yield f"  file {path}"
        yield from (f"    {line}".rstrip() for line in text.splitlines() if text not in seen)
        seen.add(text)
