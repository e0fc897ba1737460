"""One clear error for each mistake, no traceback, and nothing of the user's changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from scons_project import BUILD, FILES, SCONSTRUCT, SPECIFICATION, Project

Make = Callable[..., Project]


@dataclass(frozen=True)
class Mistake:
    """Files of a project (None: left out), and what scons must say, as regular expressions."""

    files: dict[str, str | None]
    says: tuple[str, ...]
    at_reading: bool = False


def kernel_with(more: str) -> dict[str, str | None]:
    """The SConstruct with one more argument for RustKernel."""
    return {"SConstruct": SCONSTRUCT.replace('"kernel", ', f'"kernel", {more}, ')}


def image_with(more: str) -> dict[str, str | None]:
    """The SConstruct with one more argument for BootImage."""
    return {"SConstruct": SCONSTRUCT.replace("BootImage(kernel", f"BootImage(kernel, {more}")}


def depending(on: str) -> dict[str, str | None]:
    return {"kernel/Cargo.toml": FILES["kernel/Cargo.toml"] + on}


TWICE = """\
env = Environment(tools=["default", "rustkernel"], RUST_TARGET="x86_64-my_os.json")
env.RustKernel("kernel")
env.RustKernel("second")
"""
LEAF = '[package]\nname = "leaf"\nversion = "1.0.0"\n[dependencies]\nmy_os = { path = "../kernel" }\n'
MISTAKES = {
    "no package": Mistake(
        {"SConstruct": SCONSTRUCT.replace('"kernel"', '"kernal"')},
        (r"^scons: \*\*\* kernal/Cargo\.toml: error: there is no such manifest",),
        at_reading=True,
    ),
    "no TOML": Mistake(
        {"kernel/Cargo.toml": "[package]\nname = my_os\n"},
        (r"^scons: \*\*\* kernel/Cargo\.toml:2:8: error: this is not TOML",),
        at_reading=True,
    ),
    "two kernels with one output": Mistake(
        {
            "SConstruct": TWICE,
            "second/Cargo.toml": FILES["kernel/Cargo.toml"],
            "second/src/main.rs": "fn main() {}\n",
        },
        (
            r"kernel/Cargo\.toml and second/Cargo\.toml would both write build/x86_64-my_os/debug/my_os: ",
            r"RUST_BUILD_DIR",
        ),
        at_reading=True,
    ),
    "two specifications of one name": Mistake(
        {
            "SConstruct": TWICE.replace('"second"', '"second", RUST_TARGET="other/x86_64-my_os.json"'),
            "second/Cargo.toml": FILES["kernel/Cargo.toml"],
            "second/src/main.rs": "fn main() {}\n",
            "other/x86_64-my_os.json": SPECIFICATION,
        },
        (r"x86_64-my_os\.json and other/x86_64-my_os\.json would both be build/",),
        at_reading=True,
    ),
    "one target for two toolchains": Mistake(
        {
            "SConstruct": TWICE.replace('"second"', '"second", RUST_TOOLCHAIN="stable"'),
            "second/Cargo.toml": FILES["kernel/Cargo.toml"].replace("my_os", "second"),
            "second/src/main.rs": "fn main() {}\n",
        },
        (r"x86_64-my_os\.json for two toolchains would both be build/",),
        at_reading=True,
    ),
    "a binary called as cargo's folder": Mistake(
        {"kernel/Cargo.toml": FILES["kernel/Cargo.toml"].replace('"my_os"', '"cargo"')},
        (r"kernel/Cargo\.toml: error: .*cargo",),
        at_reading=True,
    ),
    "a path dependency that is not there": Mistake(
        depending('lost = { path = "../../lost" }\n'),
        (r"kernel/Cargo\.toml:\d+:\d+: error: the path dependency `lost` is not there", r"does not exist"),
    ),
    "packages that need each other": Mistake(
        {**depending('leaf = { path = "../leaf" }\n'), "leaf/Cargo.toml": LEAF},
        (r"these packages need each other: my_os -> leaf -> my_os",),
    ),
    "no Cargo.lock": Mistake(
        {"kernel/Cargo.lock": None},
        (
            r"kernel/Cargo\.lock: error: there is no Cargo\.lock",
            r"help: cargo generate-lockfile --manifest-path",
        ),
    ),
    "a Cargo.lock that the build would change": Mistake(
        {"kernel/Cargo.lock": FILES["kernel/Cargo.lock"] + "# stale\n"},
        (
            r"needs to be updated",
            r"help: the build never changes Cargo\.lock: run `cargo update --workspace`",
        ),
    ),
    "a file that is read and not declared": Mistake(
        {"kernel/src/main.rs": "// reads ../table.txt\nfn main() {}\n", "table.txt": "1\n"},
        (r"not declared as its input.*/table\.txt", r'help: declare it: RUST_INPUTS=\["\S+table\.txt"\]'),
    ),
    "a file of RUST_INPUTS that is not there": Mistake(
        kernel_with('RUST_INPUTS=["lost.txt"]'), (r"`lost\.txt' not found, needed by",)
    ),
    "a ramdisk that is not there": Mistake(image_with('RAMDISK="lost"'), (r"`lost' not found, needed by",)),
    "a folder as the ramdisk": Mistake(
        image_with('RAMDISK="kernel"'), (r"RAMDISK: kernel is a folder, expected a file$",), at_reading=True
    ),
    "two files as the ramdisk": Mistake(
        image_with('RAMDISK=["SConstruct", "SConstruct"]'),
        (r"RAMDISK: expected one file, found 2: SConstruct, SConstruct$",),
        at_reading=True,
    ),
    "a folder in BOOT_FILES": Mistake(
        image_with('BOOT_FILES={"dir": "kernel"}'),
        (r"BOOT_FILES\['dir'\]: kernel is a folder, expected a file$", "^  help: name each file by itself$"),
        at_reading=True,
    ),
    "the node of a folder in BOOT_FILES": Mistake(
        image_with('BOOT_FILES={"dir": Dir("kernel")}'),
        (r"BOOT_FILES\['dir'\]: kernel is a folder",),
        at_reading=True,
    ),
    "BOOT_FILES that is a list": Mistake(
        image_with('BOOT_FILES=["SConstruct"]'),
        (r"BOOT_FILES must be a dictionary, found \['SConstruct'\]$",),
        at_reading=True,
    ),
    "a folder as cargo's configuration": Mistake(
        kernel_with('CARGOFLAGS=["--config", "kernel"]'),
        (r"CARGOFLAGS: --config: kernel is a folder",),
        at_reading=True,
    ),
    "flags for rustc in CARGO_ENV": Mistake(
        kernel_with('CARGO_ENV={"RUSTFLAGS": "-Copt-level=3"}'),
        (r"CARGO_ENV: RUSTFLAGS has no effect there", r"^  help: .*: RUSTFLAGS=\[\.\.\.\]$"),
        at_reading=True,
    ),
    "encoded flags in CARGO_ENV": Mistake(
        kernel_with('CARGO_ENV={"CARGO_ENCODED_RUSTFLAGS": "-g"}'),
        (r"CARGO_ENV: CARGO_ENCODED_RUSTFLAGS has no effect", r"RUSTFLAGS=\["),
        at_reading=True,
    ),
    "cargo's folder in CARGO_ENV": Mistake(
        kernel_with('CARGO_ENV={"CARGO_TARGET_DIR": "out"}'),
        (r"CARGO_ENV: CARGO_TARGET_DIR has no effect", r'RUST_BUILD_DIR="'),
        at_reading=True,
    ),
    "CARGO_ENV that is a list": Mistake(
        kernel_with('CARGO_ENV=["A=1"]'),
        (r"CARGO_ENV must be a dictionary, found \['A=1'\]$",),
        at_reading=True,
    ),
    "a specification that is none": Mistake(
        {"x86_64-my_os.json": "{\n  // mine\n}\n"}, (r"^x86_64-my_os\.json:2:3: error: ",)
    ),
    "no specification": Mistake({"x86_64-my_os.json": None}, (r"`x86_64-my_os\.json' not found",)),
    "a specification without its `.json`": Mistake(
        {"SConstruct": SCONSTRUCT.replace(".json", "")},
        (
            r"^error: rustc 1\.97\.0-nightly has no built-in target `x86_64-my_os`$",
            r'^  help: did you mean the file that is here\? RUST_TARGET="x86_64-my_os\.json"$',
        ),
    ),
    "no target of the compiler's": Mistake(
        {"SConstruct": SCONSTRUCT.replace("my_os.json", "unknown-nonee")},
        (r"no built-in target", r'^  help: did you mean RUST_TARGET="x86_64-unknown-none"\?$'),
    ),
    "a compiler that is not there": Mistake(kernel_with('RUSTC="rustc-7"'), (r"names rustc-7",)),
    "a cargo that builds nothing": Mistake(
        kernel_with('CARGOFLAGS=["--help"]'),
        (r"^kernel/Cargo\.toml: error: cargo succeeded, but built no binary `my_os`", r"CARGOFLAGS="),
    ),
    "a loader's version that is none": Mistake(
        {"SConstruct": SCONSTRUCT.replace("BootImage(kernel", 'BootImage(kernel, BOOTLOADER_VERSION="0.11"')},
        (r"^scons: \*\*\* error: .*, found '0\.11'", r"help: write the full version, such as 0\.11\.17"),
        at_reading=True,
    ),
    "the programs of a loader 0.9": Mistake(
        {"SConstruct": SCONSTRUCT + 'env.BootLoader("0.9.35")\n'},
        (r"^scons: \*\*\* error: .*, found '0\.9\.35'", r"help: .* let RustKernel build the kernel"),
        at_reading=True,
    ),
    "no loader's version": Mistake(
        {"SConstruct": SCONSTRUCT + "env.BootLoader(None)\n"},
        (r"^scons: \*\*\* error: .*, found None",),
        at_reading=True,
    ),
    "a kernel in place of its image": Mistake(
        {"SConstruct": SCONSTRUCT + 'env.RunQemu("run-qemu", kernel)\n'},
        (r"^scons: \*\*\* RunQemu was given build/.*/my_os, and no disk image among it",),
        at_reading=True,
    ),
    "no image to boot": Mistake(
        {"SConstruct": SCONSTRUCT + 'env.RunQemu("run-qemu", [])\n'},
        (r"^scons: \*\*\* RunQemu was given nothing",),
        at_reading=True,
    ),
    "an unknown level in BOOT_CONFIG": Mistake(
        image_with('BOOT_CONFIG={"log_level": "x"}'),
        (r"error: boot\.json: log_level: 'x' is not one of",),
        at_reading=True,
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str, make: Make) -> None:
    mistake = MISTAKES[name]
    project = make({file: text for file, text in {**FILES, **mistake.files}.items() if text is not None})
    before = sources(project)
    said = project.scons("-j2", status=2)
    assert name != "no Cargo.lock" or "Compiling" not in said, "told before `core` is compiled"
    for pattern in mistake.says:
        assert len(re.findall(pattern, said, re.M)) == 1, f"{pattern}\n{said}"
    assert ('project/SConstruct", line' in said) == mistake.at_reading, said
    assert "rustkernel/" not in said, said
    assert sources(project) == before
    if not re.search("would both| must be a dictionary", said):  # which is a mistake of the SConstruct
        project.scons("-c")


def sources(project: Project) -> dict[str, bytes]:
    """Everything in the project but what SCons and the build make."""
    found = (path for path in project.root.rglob("*") if path.is_file())
    names = {path.relative_to(project.root).as_posix(): path for path in found}
    ours = ("build/", "b/", ".sconsign", "site_scons")
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith(ours)}


LOCK = FILES["kernel/Cargo.lock"].replace('"bootloader_api"', '"other"')


def test_a_kernel_without_a_loader(make: Make) -> None:
    """It is built like any other; only its image is refused, and only when that is built."""
    manifest = FILES["kernel/Cargo.toml"].partition("bootloader")[0]
    more = 'env.Command("other.txt", [], Touch("$TARGET"))\nDefault("other.txt")\n'
    project = make(
        {
            **FILES,
            "kernel/Cargo.toml": manifest,
            "kernel/Cargo.lock": LOCK,
            "SConstruct": SCONSTRUCT + more,
        }
    )
    project.scons(f"{BUILD}/my_os")
    said = project.scons("-k", status=2)
    assert "has no section .bootloader-config: it is not made for the boot loader" in said
    assert re.search(r"help: add `bootloader = \{ package = \"bootloader_api\"", said)
    assert said.count("error:") == 1
    assert (project.root / "other.txt").exists()
    assert (project.root / BUILD / "my_os").exists()


def test_an_undeclared_file_may_be_declared(make: Make) -> None:
    files = {
        **FILES,
        "kernel/src/main.rs": "// reads ../data/table.txt\nfn main() {}\n",
        "data/table.txt": "1\n",
    }
    for name in ("data/table.txt", "data"):
        project = make({**files, **kernel_with(f'RUST_INPUTS=["{name}"]')}, name=name.replace("/", "-"))
        project.scons()
        project.edit("data/table.txt", "1", "2")
        assert "bootimage-bios-my_os.bin" in project.rebuilt()


def test_no_toolchain_at_all(make: Make) -> None:
    project = make()
    project = replace(project, environ={**project.environ, "PATH": "/nowhere"})
    said = project.scons(status=2)
    assert said.count("error: no Rust compiler was found") == 1
    assert "help: " in said


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("RUSTKERNEL_CACHE", "htp://cache.example/x", "expected http:// or https://, found htp://"),
        (
            "RUSTKERNEL_STORE",
            "/dev/null/store",
            "the store is to be in /dev/null/store, but this is not a folder",
        ),
    ],
)
def test_a_wrong_setting_is_told_once(variable: str, value: str, says: str, make: Make) -> None:
    """However many nodes it keeps from being made."""
    said = make(**{variable: value}).scons("-k", "-j2", status=2)
    assert said.count(says) == said.count("error: ") == 1, said
    assert said.count("see the error above") > 1
