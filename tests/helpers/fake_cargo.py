"""Stand-ins for a Rust toolchain: shell scripts that record how they were called and make plausible files.

The cargo among them reads what the kernel's main.rs names in lines `// reads PATH`, besides the manifests,
and makes an ELF file whose code holds the digest of all that without comments, and whose debug
information the digest with comments: so a changed comment changes the ELF file and not the stripped one.
A file `hang` beside the programs makes it wait, a file `parallel` compile several crates at once and tell
there when, a file `new-layout` keep what it builds where cargo does since 1.100. `calls()` tells who was
called.
"""

from __future__ import annotations

import json
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import fake_toolchain
from elf_bytes import config, elf
from fake_compiler import SCHEMA, TARGETS

from bootimage.loader.loader_0_11 import PROGRAMS

CODE, DEBUG = b"C" * 64, b"D" * 64
LOADERS = ("0.11.16", "0.11.17")
RELEASE = "1.97.0-nightly"

_RUSTC = """\
here=${0%/bin/rustc}
echo "rustc $*" >>"$here/log"
case "$*" in
  -vV) cat "$here/version" ;;
  --print=sysroot) echo "$here" ;;
  *--version) sed 1q "$here/version" ;;
  *target-spec-json-schema) cat "$here/schema.json" ;;
  *all-target-specs-json) cat "$here/targets.json" ;;
  *--print=cfg*) printf 'target_arch="x86_64"\\ntarget_os="none"\\n' ;;
  *--emit=obj*) while [ "$1" != -o ]; do shift; done; : >"$2" ;;
  *) exit 1 ;;
esac
"""

_CARGO = """\
here=${0%/bin/cargo}
case $1 in fetch | vendor) exit 0 ;; esac
echo "cargo $* [$MAKEFLAGS] [$RUSTFLAGS]" >>"$here/log"
IFS='
'
if [ "$1" = metadata ]; then cat "$here/metadata.json"; exit; fi
[ "$1" = build ] || exit 1
case "$*" in *--help*) echo "Usage: cargo build"; exit ;; esac
profile=release
while [ $# -gt 0 ]; do
  case $1 in
    --target) target=$2 ;;
    --target-dir) dir=$2 ;;
    --manifest-path) manifest=$2 ;;
    --profile) profile=$2 ;;
    --bin) bins="$bins$2$IFS" ;;
    --features) features=$2 ;;
    --no-default-features) features="$features none" ;;
    -Zbuild-std=*) crates=${1#*=} ;;
  esac
  shift
done
if [ -e "$here/parallel" ]; then "$here/compile"; fi
name=${target##*/}
name=${name%.json}
[ "$profile" = dev ] && folder=debug || folder=$profile
out=$dir/$name/$folder
mkdir -p "$out"
exec 9>"$out/.cargo-lock"
flock 9
keep() {  # the file $2 of the package $1 in cargo's own folder, in the layout of today or of tomorrow
  if [ -e "$here/new-layout" ]; then
    : >"$out/.cargo-build-lock"
    kept=$out/build/$1/0123456789abcdef
    mkdir -p "$kept/out" "$kept/fingerprint"
    kept=$kept/out/$2
  else
    mkdir -p "$out/deps" "$out/.fingerprint/$1-0123456789abcdef"
    kept=$out/deps/$2
  fi
}
message() {  # as cargo reports the file $4, of the package in $1, that is the target $2 of the kind $3
  printf '{"reason":"compiler-artifact","package_id":"path+file://%s#0.1.0",' "$1"
  printf '"manifest_path":"%s/Cargo.toml","target":{"name":"%s","kind":["%s"]},' "$1" "$2" "$3"
  printf '"profile":{"test":false},"filenames":["%s"],"executable":%s}\n' "$4" "$5"
}
flags=$(printf %s "$CARGO_ENCODED_RUSTFLAGS" | tr '\\037' '\\n')
sysroot=$(echo "$flags" | sed -n 's/^--sysroot=//p')
own() {  # what is left of a build's surroundings without the places on this machine
  cat "$here/version"
  case $target in *.json) cat "$target" ;; esac
  [ -z "$sysroot" ] || cat "$sysroot/lib/rustlib/$name/lib"/libcore-*.rlib
  echo "$flags" | grep -v -e ^--sysroot= -e ^--remap-path-prefix=
  echo "$folder $features"
  env | grep ^KERNEL_
}
digest() { sha256sum | cut -c -64; }

if [ -z "$manifest" ]; then  # a sysroot
  for crate in $(echo "$crates" | tr , '\\n'); do
    keep "$crate" "lib$crate-0123456789abcdef.rlib"
    { echo '!<arch>'; own | digest; } >"$kept"
    message "/library/$crate" "$crate" lib "$kept" null
  done
  exit
fi
crate=${manifest%/Cargo.toml}
case $manifest in */work-*/source/Cargo.toml)  # a program of the loader, in its copy
  code=$({ own; cat "$manifest"; } | digest)
  crate=$(sed -n 's/^name = "\\(.*\\)"/\\1/p' "$manifest")
  case $crate in
    *boot-sector) { printf %s "$code"; head -c 446 /dev/zero; printf '\\125\\252'; } >"$out/$crate" ;;
    *uefi) { cat "$here/pe"; printf %s "$code"; } >"$out/$crate.efi" ;;
    *) printf %s "$code" >"$out/$crate" ;;
  esac
  exit ;;
esac

# A kernel.
if [ -e "$here/hang" ]; then
  echo $$ >"$here/hanging"
  while [ -e "$here/hang" ]; do sleep 0.05; done
fi
root=$crate
[ -e "$root/Cargo.lock" ] || root=${crate%/*}
if [ ! -e "$root/Cargo.lock" ]; then
  echo "error: cannot create the lock file $crate/Cargo.lock because --locked was passed" >&2
  exit 101
fi
if grep -q '^# stale' "$root/Cargo.lock"; then
  echo "error: the lock file $root/Cargo.lock needs to be updated but --locked was passed" >&2
  exit 101
fi
main=$crate/src/main.rs
reads=$(printf '%s\\n' "$main" "$crate/Cargo.toml" "$root/Cargo.toml"
  sed -n "s,^// reads ,$crate/,p" "$main")
if grep -q compile_error "$main"; then
  echo "error: this does not compile" >&2
  exit 101
fi
version=$(sed -n '/^name = "bootloader_api"/{n;s/version = "\\(.*\\)"/\\1/p;}' "$root/Cargo.lock")
for file in $reads; do
  [ -e "$file" ] || { echo "error: couldn't read \\`$file\\`" >&2; exit 101; }
done
debug=$({ own; cat $reads; } | digest)
code=$({ own; cat $reads | grep -v -e '^//' -e '^#'; } | digest)
escaped=$(echo "$reads" | sed 's/ /\\\\ /g' | tr '\\n' ' ')
for bin in $bins; do
  keep "${crate##*/}" "$(echo "$bin" | tr - _)-0123456789abcdef"
  rm -f "$kept" "$out/$bin"
  { cat "$here/elf-${version:-none}-1"; printf %s "$code"; cat "$here/elf-${version:-none}-2"
    printf %s "$debug"; cat "$here/elf-${version:-none}-3"; } >"$kept"
  chmod +x "$kept"
  ln "$kept" "$out/$bin"
  for file in "$kept" "$out/$bin"; do
    echo "$(echo "$file" | sed 's/ /\\\\ /g'): $escaped" >"$file.d"
  done
  message "$crate" "$bin" bin "$out/$bin" '"'"$out/$bin"'"'
done
"""

# As cargo does it: one crate at a time on its own job, and more while it gets jobs from the server.
_COMPILE = """\
import os, re, select, time
crates, running, jobs = 4, [], []
fifo = os.open(re.search("fifo:(.*)", os.environ["MAKEFLAGS"])[1], os.O_RDWR | os.O_NONBLOCK)
log = os.open(os.path.join(os.path.dirname(__file__), "parallel"), os.O_WRONLY | os.O_APPEND)
while crates or running:
    if crates and running and select.select([fifo], [], [], 0.02)[0]:
        try:
            jobs.append(os.read(fifo, 1))
        except BlockingIOError:
            pass
    while crates and len(running) < 1 + len(jobs):
        crates -= 1
        running.append(time.monotonic() + 0.1)
        os.write(log, b"start ")
    time.sleep(0.01)
    for _ in [each for each in running if each < time.monotonic()]:
        running.pop(0)
        os.write(log, b"stop ")
        if jobs and len(running) < 1 + len(jobs):
            os.write(fifo, jobs.pop())
for job in jobs:
    os.write(fifo, job)
"""

_OBJCOPY = """\
here=${0%/lib/rustlib/*}
echo "objcopy $*" >>"$here/log"
if [ "$1" = --strip-debug ]; then
  { head -c DEBUG_AT "$2"; printf %064d 0; tail -c +AFTER_DEBUG "$2"; } >"$3"
else
  while [ $# -gt 2 ]; do shift; done
  cp "$1" "$2"
fi
"""


@dataclass(frozen=True)
class StandIns:
    """A toolchain folder with `bin/rustc` and `bin/cargo`."""

    root: Path

    @property
    def log(self) -> Path:
        """Where the programs write how they were called."""
        return self.root / "log"

    def calls(self) -> list[str]:
        """The command lines since the last call of this, and forget them."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    def become(self, release: str) -> None:
        """Let the compiler be another one."""
        lines = f"rustc {release} (e50aa6fba 2026-05-19)\nbinary: rustc\ncommit-hash: e50aa6fba\n"
        lines += f"commit-date: 2026-05-19\nhost: {fake_toolchain.HOST}\nrelease: {release}\n"
        (self.root / "version").write_text(f"{lines}LLVM version: 22.1.4\n")


def make_stand_ins(root: Path, release: str = RELEASE) -> StandIns:
    """Write the stand-ins into the folder `root`."""
    made = StandIns(root)
    objcopy = _write_kernels(root)
    for name, script in (("rustc", _RUSTC), ("cargo", _CARGO)):
        fake_toolchain.program(root / "bin" / name, script)
    compile_crates = fake_toolchain.program(root / "compile")
    compile_crates.write_text(f"#!{sys.executable}\n{_COMPILE}")
    helpers = root / "lib/rustlib" / fake_toolchain.HOST / "bin"
    fake_toolchain.program(helpers / "llvm-objcopy", objcopy)
    fake_toolchain.program(helpers / "rust-lld")
    fake_toolchain.library(root / "lib/rustlib/src/rust", fake_toolchain.SINCE.format(release.split(".")[1]))
    (root / "schema.json").write_text(json.dumps(SCHEMA))
    (root / "targets.json").write_text(json.dumps(TARGETS))
    (root / "pe").write_bytes(_efi_program())
    _write_loaders(root)
    made.become(release)
    return made


def _write_kernels(root: Path) -> str:
    """The pieces of ELF files for each loader, and for none; returns the script for objcopy."""
    root.mkdir(parents=True, exist_ok=True)
    script = ""
    for version in (*LOADERS, "none"):
        section = ".no-loaders-config" if version == "none" else ".bootloader-config"
        numbers = "0.11.17" if version == "none" else version
        settings = config(tuple(map(int, numbers.split("."))))  # type: ignore[arg-type]
        data = elf(sections={".text": CODE, section: settings, ".debug_info": DEBUG})
        for number, piece in enumerate(data.replace(DEBUG, CODE).split(CODE), 1):
            (root / f"elf-{version}-{number}").write_bytes(piece)
        at = data.index(DEBUG)
        script = _OBJCOPY.replace("DEBUG_AT", str(at)).replace("AFTER_DEBUG", str(at + len(DEBUG) + 1))
    return script


def _write_loaders(root: Path) -> None:
    packages = []
    for version in LOADERS:
        for crate in ("bootloader", *(program.crate for program in PROGRAMS)):
            folder = root / "registry" / f"{crate}-{version}"
            folder.mkdir(parents=True)
            (folder / "Cargo.toml").write_text(f'[package]\nname = "{crate}"\nversion = "{version}"\n')
            (folder / "Cargo.lock").write_text("version = 4\n")
            packages.append({"name": crate, "version": version, "manifest_path": str(folder / "Cargo.toml")})
        for program in PROGRAMS:
            if program.specification:
                specification = {**TARGETS["x86_64-unknown-none"], "cpu": program.target}
                path = root / "registry" / f"bootloader-{version}" / program.specification
                path.write_text(json.dumps(specification))
    (root / "metadata.json").write_text(json.dumps({"packages": packages}))


def _efi_program() -> bytes:
    header = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 0, 0, 0, 0, 240, 0x22)
    optional = struct.pack("<H", 0x20B).ljust(68, b"\0") + struct.pack("<H", 10)
    start = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80)
    return start + bytes(0x40) + header + optional.ljust(2000, b"e")
