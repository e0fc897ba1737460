"""Trees of many shapes: where results lie, that an edit reaches them, and that then nothing is left to do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from scons_project import BUILD, FILES, SCONSTRUCT, Project, checkout_for_pip

Make = Callable[..., Project]

BODY = re.sub(r"^env = .*\n", "", SCONSTRUCT)
ENV = 'env = Environment(tools=["default", "rustkernel"])\n'
IMAGE = "bootimage-uefi-my_os.bin"


def moved(folder: str, **more: str) -> dict[str, str]:
    """The smallest project, all of it but the SConstruct in `folder`, and other files."""
    files = {f"{folder}/{name}": text for name, text in FILES.items() if name != "SConstruct"}
    return {**files, f"{folder}/SConscript": f'Import("env")\n{BODY}', **more}


@dataclass(frozen=True)
class Shape:
    """A tree: its files, the source to edit and the folders in which images then change."""

    files: dict[str, str]
    source: str
    folders: list[str] = field(default_factory=lambda: [BUILD])


def _two_of(more: str) -> str:
    return f"{ENV}for name in ('one', 'two'):\n    env.BootImage(env.RustKernel(name, {more}))\n"


def _named(folder: str, name: str) -> dict[str, str]:
    kernel = {f"{folder}/{path[7:]}": text for path, text in FILES.items() if path.startswith("kernel/")}
    return {path: text.replace('"my_os"', f'"{name}"') for path, text in kernel.items()}


SPECIFICATION = FILES["x86_64-my_os.json"]
SHAPES = {
    "a SConscript in a subfolder": Shape(
        moved("sub", SConstruct=f'{ENV}SConscript("sub/SConscript", "env")\n'),
        "sub/kernel/src/main.rs",
        [f"sub/{BUILD}"],
    ),
    "variant_dir, duplicate=0": Shape(
        moved(
            "sub", SConstruct=f'{ENV}SConscript("sub/SConscript", "env", variant_dir="out", duplicate=0)\n'
        ),
        "sub/kernel/src/main.rs",
        [f"out/{BUILD}"],
    ),
    "variant_dir, duplicate=1": Shape(
        moved(
            "sub", SConstruct=f'{ENV}SConscript("sub/SConscript", "env", variant_dir="out", duplicate=1)\n'
        ),
        "sub/kernel/src/main.rs",
        [f"out/{BUILD}"],
    ),
    "two variants of one SConscript": Shape(
        moved(
            "sub",
            SConstruct=f"{ENV}for name in 'ab':\n"
            '    SConscript("sub/SConscript", "env", variant_dir=name, duplicate=0)\n',
        ),
        "sub/kernel/src/main.rs",
        [f"a/{BUILD}", f"b/{BUILD}"],
    ),
    "RUST_BUILD_DIR at the top, from a subfolder": Shape(
        moved(
            "sub", SConstruct=f'{ENV}env["RUST_BUILD_DIR"] = "#out"\nSConscript("sub/SConscript", "env")\n'
        ),
        "sub/kernel/src/main.rs",
        ["out/x86_64-my_os/debug"],
    ),
    "the package is the whole project": Shape(
        {
            "SConstruct": SCONSTRUCT.replace('"kernel"', '"."')
            + 'env.Install("dist", image)\nDefault("dist")\n',
            "x86_64-my_os.json": SPECIFICATION,
            **_named(".", "my_os"),
        },
        "src/main.rs",
        [BUILD, "dist"],
    ),
    "two packages in a loop": Shape(
        {
            "SConstruct": _two_of('RUST_TARGET="x86_64-my_os.json"'),
            "x86_64-my_os.json": SPECIFICATION,
            **_named("one", "one"),
            **_named("two", "two"),
        },
        "two/src/main.rs",
        [BUILD],
    ),
    "one package for two targets and two profiles": Shape(
        {
            **FILES,
            "other.json": SPECIFICATION,
            "SConstruct": f"{ENV}for target in ('x86_64-my_os.json', 'other.json'):\n"
            "    for profile in ('dev', 'release'):\n"
            "        env.BootImage(env.RustKernel('kernel', RUST_TARGET=target, RUST_PROFILE=profile))\n",
        },
        "kernel/src/main.rs",
        [
            f"build/{target}/{profile}"
            for target in ("x86_64-my_os", "other")
            for profile in ("debug", "release")
        ],
    ),
    "a built-in target": Shape(
        {**FILES, "SConstruct": SCONSTRUCT.replace("x86_64-my_os.json", "x86_64-unknown-none")},
        "kernel/src/main.rs",
        ["build/x86_64-unknown-none/debug"],
    ),
    "a package outside of the project": Shape(
        {
            **{name: text for name, text in FILES.items() if not name.startswith("kernel/")},
            "SConstruct": SCONSTRUCT.replace('"kernel"', '"../beside"'),
            **_named("../beside", "my_os"),
        },
        "../beside/src/main.rs",
        [BUILD],
    ),
    "blanks and letters of other languages": Shape(
        moved(
            "Köbes' Kern №1",
            SConstruct=f'{ENV}SConscript("Köbes\' Kern №1/SConscript", "env")\n',
        ),
        "Köbes' Kern №1/kernel/src/main.rs",
        [f"Köbes' Kern №1/{BUILD}"],
    ),
}


def images(project: Project) -> dict[str, tuple[int, int]]:
    """The UEFI disks in the tree and copies of them: what changes when they are written again."""
    found = [path for path in project.root.rglob("bootimage-uefi-*.bin") if "site_scons" not in path.parts]
    return {path.relative_to(project.root).as_posix(): _stamp(path) for path in found}


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


@pytest.mark.parametrize("shape", SHAPES)
def test_shape(shape: str, make: Make) -> None:
    check(make(SHAPES[shape].files), SHAPES[shape])


def check(project: Project, shape: Shape) -> None:
    """Build, find nothing left to do, edit, and find the images of these folders built again."""
    project.scons("-j2")
    before = images(project)
    assert {str(Path(name).parent) for name in before} == set(shape.folders)
    project.scons("-q")
    path = project.root / shape.source
    path.write_text(path.read_text() + "fn more() {}\n")
    project.scons()
    changed = {str(Path(name).parent) for name, stamp in images(project).items() if stamp != before[name]}
    assert changed == set(shape.folders)
    project.scons("-q")


def test_as_a_subproject_by_toolpath(make: Make) -> None:
    """The outer project knows nothing of the tool; the inner one has its own site_scons."""
    inner = 'tools = Dir("site_scons/site_tools").srcnode().abspath\n'
    inner += f'env = Environment(tools=["default", "rustkernel"], toolpath=[tools])\n{BODY}'
    files = moved("sub", SConstruct='SConscript("sub/SConscript", variant_dir="out", duplicate=0)\n')
    project = make({**files, "sub/SConscript": inner})
    (project.root / "site_scons").rename(project.root / "sub/site_scons")
    check(project, Shape({}, "sub/kernel/src/main.rs", [f"out/{BUILD}"]))


def test_through_links(make: Make) -> None:
    project = make(moved("real", SConstruct=f'{ENV}SConscript("link/SConscript", "env")\n'))
    (project.root / "link").symlink_to("real")
    (project.root / "real/kernel").rename(project.root / "elsewhere")
    (project.root / "real/kernel").symlink_to("../elsewhere")
    project.scons()
    project.scons("-q")
    project.edit("elsewhere/src/main.rs", "main", "other")
    project.scons("-q", status=1)


def test_from_a_linked_project_folder(make: Make, tmp_path: Path) -> None:
    project = make()
    (tmp_path / "link").symlink_to(project.root)
    check(replace(project, root=tmp_path / "link"), Shape({}, "kernel/src/main.rs"))


def test_the_source_tree_may_be_read_only(make: Make, tmp_path: Path) -> None:
    """A build folder with the SConstruct, and sources in a tree that stays as it is."""
    source = make(name="source")
    kernel, target = source.root / "kernel", source.root / "x86_64-my_os.json"
    text = f"{ENV}env.BootImage(env.RustKernel({str(kernel)!r}, RUST_TARGET=File({str(target)!r})))\n"
    project = make({"SConstruct": text}, name="build here")
    before = snapshot(source.root)
    for path in [source.root, *source.root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)
    project.scons()
    project.scons("-q")
    assert snapshot(source.root) == before


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """Names and time stamps of everything below `root`, and of its folders."""
    return {
        str(path): (os.lstat(path).st_mtime_ns, os.lstat(path).st_size) for path in [root, *root.rglob("*")]
    }


def test_a_source_that_another_node_writes(make: Make) -> None:
    """It is built first, declared before the kernel or after it, and in a folder that is not there yet."""
    generate = 'env.Command("#kernel/src/made/table.rs", "table.txt", "cp $SOURCE $TARGET")\n'
    main = "// reads src/made/table.rs\nfn main() {}\n"
    for name, text in {"before": f"{ENV}{generate}{BODY}", "after": f"{ENV}{BODY}{generate}"}.items():
        project = make(
            {**FILES, "SConstruct": text, "kernel/src/main.rs": main, "table.txt": "1\n"}, name=name
        )
        project.scons("image")
        project.scons("-q", "image")
        project.edit("table.txt", "1", "2")
        assert IMAGE in project.rebuilt("image")
        (project.root / "kernel/src/made/table.rs").unlink()
        assert project.rebuilt("image") == set()
        assert (project.root / "kernel/src/made/table.rs").read_text() == "2\n"
        shutil.rmtree(project.root / "kernel/src/made")
        project.scons("image")


def test_sources_made_in_a_variant(make: Make) -> None:
    """RUST_INPUTS names a file of the variant's folder, or of the source's, by the SConscript's own paths."""
    script = (
        'Import("env")\nmade = env.Command("table.rs", "table.txt", "cp $SOURCE $TARGET")\n'
        'env["CARGO_ENV"] = {"KERNEL_TABLE": made[0].abspath}\n'
        + BODY.replace("RUST_TARGET", 'RUST_INPUTS=[made, "data", "logo.bin"], RUST_TARGET')
    )
    for duplicate in (0, 1):
        sconstruct = f'{ENV}SConscript("sub/SConscript", "env", variant_dir="out", duplicate={duplicate})\n'
        data = {"sub/table.txt": "1\n", "sub/data/deep/a": "a\n", "sub/logo.bin": "x\n"}
        files = {**moved("sub", SConstruct=sconstruct), "sub/SConscript": script, **data}
        project = make(files, name=f"duplicate={duplicate}")
        project.scons()
        for name in data:
            project.scons("-q")
            (project.root / name).write_text("changed\n")
            project.scons("-q", status=1)
            project.scons()


@pytest.mark.parametrize("place", ["kernel/src/made.rs", "#sub/kernel/src/made.rs"])
def test_a_source_that_a_variant_writes(place: str, make: Make) -> None:
    """cargo builds the source folder: in the variant's own, it looks for nothing."""
    script = f'Import("env")\nenv.Command("{place}", "table.txt", Copy("$TARGET", "$SOURCE"))\n{BODY}'
    files = moved(
        "sub", SConstruct=f'{ENV}SConscript("sub/SConscript", "env", variant_dir="out", duplicate=0)\n'
    )
    main = "// reads src/made.rs\nfn main() {}\n"
    more = {"sub/SConscript": script, "sub/table.txt": "1\n", "sub/kernel/src/main.rs": main}
    project = make({**files, **more})
    if place.startswith("#"):
        project.scons(".")
        project.scons("-q", ".")
    else:
        hint = 'help: the file is looked for in the source folder; .*Command\\("#sub/kernel/file", ...\\)$'
        assert re.search(hint, project.scons(".", status=2), re.M)


def test_depends_requires_and_install(make: Make) -> None:
    more = (
        'env.Depends(kernel, [Value("release 7"), "depended.txt"])\n'
        'env.Requires(kernel, env.Command("first.txt", [], Touch("$TARGET")))\n'
        'env.Install("#dist", image)\nenv.InstallAs("#dist/disk.img", image[1])\nDefault("dist")\n'
    )
    project = make({**FILES, "SConstruct": SCONSTRUCT + more, "depended.txt": "1"})
    project.scons("-j2")
    installed = project.root / "dist/disk.img"
    assert installed.read_bytes() == (project.root / BUILD / IMAGE).read_bytes()
    assert (project.root / "first.txt").exists()
    project.scons("-q")
    (project.root / "depended.txt").write_text("2")
    assert project.rebuilt() == {"my_os"}
    project.edit("SConstruct", "release 7", "release 8")
    assert project.rebuilt() == {"my_os"}
    project.scons("-c")
    assert not installed.exists()


def test_an_old_file_with_other_contents(make: Make) -> None:
    """As many bytes and the time stamp of years ago, as tools leave it that restore or date files."""
    project = make()
    source = project.root / "kernel/src/main.rs"
    os.utime(source, (1, 1))
    project.scons()
    project.edit("kernel/src/main.rs", "main", "niam")
    os.utime(source, (1, 1))
    assert IMAGE in project.rebuilt()
    project.scons("-q")


def test_a_named_objcopy_counts_by_its_contents(make: Make, tmp_path: Path) -> None:
    """Wherever it lies."""
    original = next(make(name="plain").tools.root.glob("lib/rustlib/*/bin/llvm-objcopy"))
    text = original.read_text().replace("here=${0%/lib/rustlib/*}", f"here={original.parents[4]}")
    one, two = (tmp_path / "one/objcopy", tmp_path / "two/objcopy")
    for path in (one, two):
        path.parent.mkdir()
        path.write_text(text)
        path.chmod(0o755)
    script = SCONSTRUCT.replace('"rustkernel"]', f'"rustkernel"], OBJCOPY={str(one)!r}')
    project = make({**FILES, "SConstruct": script})
    project.scons()
    project.edit("SConstruct", str(one), str(two))
    assert project.rebuilt() == set()
    two.write_text(f"{text}# another\n")
    assert "my_os.stripped" in project.rebuilt()
    two.unlink()
    assert "error: OBJCOPY names" in project.scons(status=2)


@pytest.mark.parametrize("decider", ["timestamp-match", "content-timestamp", "content"])
def test_decider(decider: str, make: Make) -> None:
    project = make({**FILES, "SConstruct": f'Decider("{decider}")\n{SCONSTRUCT}'})
    project.scons()
    project.scons("-q")
    time.sleep(1)  # SCons's time stamps are whole seconds: an edit within one is lost to two of these
    project.edit("kernel/src/main.rs", "main", "other")
    assert project.rebuilt() == {"my_os", "my_os.stripped", "bootimage-bios-my_os.bin", IMAGE}
    (project.root / BUILD / IMAGE).write_text("overwritten")
    assert project.rebuilt() == {IMAGE}
    project.scons("-q")


def test_pip_installed(make: Make, tmp_path: Path, plugin: Path) -> None:
    """Any folder will do where `import rustkernel` finds what pip has installed."""
    where = tmp_path / "installed"
    checkout = checkout_for_pip(plugin.parent, tmp_path / "checkout")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*pip, "--target", where, checkout], check=True)
    head = 'import rustkernel\nenv = Environment(tools=["default", rustkernel.generate])\n'
    project = make({**FILES, "SConstruct": head + BODY})
    (project.root / "site_scons").unlink()
    project = replace(project, environ={**project.environ, "PYTHONPATH": str(where)})
    check(project, Shape({}, "kernel/src/main.rs"))
