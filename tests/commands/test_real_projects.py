"""The commands as cargo starts them, in copies of the examples, with a real compiler and real guests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
OURS = ("RUSTKERNEL_", "RUSTFLAGS", "CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "VERBOSE", "DISPLAY", "WAYLAND")
NAMES = {"bootimage": "main", "cargo-bootimage": "cargo_bootimage", "cargo-disk-image": "cargo_disk_image"}

Run = Callable[..., str]


@pytest.fixture
def example(tmp_path: Path) -> Callable[[str], Path]:
    """Copies one of our packages, with the text's target specification where it looks for that."""

    def copy(name: str) -> Path:
        shutil.copy(CHECKOUT / "x86_64-blog_os.json", tmp_path)
        left_out = shutil.ignore_patterns("target", "build", "SConstruct", ".sconsign*")
        return Path(shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=left_out))

    return copy


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command with our programs on PATH and nobody to watch; what it prints."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, function in NAMES.items():
        code = f"import sys\nsys.path.insert(0, {str(CHECKOUT)!r})\nfrom bootimage import cli\n"
        (programs / name).write_text(f"#!{sys.executable}\n{code}sys.exit(cli.{function}())\n")
        (programs / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    kept |= {"CARGO_HOME": os.environ["CARGO_HOME"]} if "CARGO_HOME" in os.environ else {}
    store = str(CHECKOUT / "tests/.work/store")
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    environ = {**kept, "PATH": path, "RUSTKERNEL_STORE": store, "RUSTUP_TOOLCHAIN": "nightly"}

    def start(folder: Path, *words: str, code: int = 0) -> str:
        finished = subprocess.run(
            words,
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=900,
        )
        assert finished.returncode == code, finished.stdout + finished.stderr
        assert "Traceback" not in finished.stderr
        return finished.stdout

    return start


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    stats = {path.name: path.stat() for path in folder.glob("bootimage-*")}
    return {name: (stat.st_mtime_ns, stat.st_ino) for name, stat in stats.items()}


@pytest.mark.rust
def test_cargo_bootimage_on_loader_0_9(example: Callable[[str], Path], run: Run) -> None:
    """With a target specification that cargo itself would refuse."""
    project = example("examples/loader09_tests")
    specification = (project / "../../x86_64-blog_os.json").read_bytes()
    out = run(project, "cargo", "bootimage", "--release")
    folder = project / "target/x86_64-blog_os/release"
    image = folder / "bootimage-loader09_tests.bin"
    assert out.splitlines()[-1] == f"Created bootimage for `loader09_tests` at `{image}`"
    assert image.read_bytes()[510:512] == b"\x55\xaa"
    before = stamps(folder)
    run(project, "cargo", "bootimage", "--release")
    assert stamps(folder) == before
    assert (project / "../../x86_64-blog_os.json").read_bytes() == specification
    main = project / "src/main.rs"
    main.write_text(main.read_text() + '\n#[used]\nstatic MORE: [u8; 4] = *b"more";\n')
    run(project, "cargo", "bootimage", "--release")
    assert stamps(folder) != before


@pytest.mark.rust
def test_cargo_bootimage_on_loader_0_11(example: Callable[[str], Path], run: Run) -> None:
    project = example("kernel")
    out = run(project, "cargo", "bootimage", "--target", "../x86_64-blog_os.json")
    folder = project / "target/x86_64-blog_os/debug"
    for kind in ("bios", "uefi"):
        image = folder / f"bootimage-{kind}-blog_os.bin"
        assert f"Created bootimage for `blog_os` at `{image}`" in out
        assert image.is_file()


@pytest.mark.rust
@pytest.mark.boot
def test_cargo_test(example: Callable[[str], Path], run: Run) -> None:
    """cargo compiles core itself here, and reads the specification itself."""
    project = example("examples/loader09_tests")
    specification = project / "../../x86_64-blog_os.json"
    specification.write_text(run(project, "bootimage", "target-spec", str(specification)))
    out = run(project, "cargo", "test")
    assert "should_panic" in out
    assert out.count("Running: `qemu-system-x86_64") >= 2
    assert "FAILED" not in out


@pytest.mark.rust
@pytest.mark.boot
def test_cargo_bootimage_runner_without_a_screen(example: Callable[[str], Path], run: Run) -> None:
    project = example("examples/vga_text")
    out = run(project, "cargo", "bootimage", "--runner")
    assert "Screen: " in out
    assert (project / "target/x86_64-vga_text/debug/bootimage-vga_text.png").is_file()


@pytest.mark.rust
def test_cargo_check_after_rust_analyzer(example: Callable[[str], Path], run: Run) -> None:
    project = example("kernel")
    run(project, "bootimage", "rust-analyzer", "--write", "--target", "../x86_64-blog_os.json")
    run(project, "cargo", "check")
    main = project / "src/main.rs"
    main.write_text(main.read_text() + "\nfn wrong() -> u8 { 300 + missing }\n")
    run(project, "cargo", "check", code=101)


@pytest.mark.rust
def test_what_plain_cargo_needs_is_said_and_helps(example: Callable[[str], Path], run: Run) -> None:
    project = example("examples/loader09_tests")
    config = project / ".cargo/config.toml"
    text = config.read_text()
    needed = "json-target-spec = true"
    config.write_text(text.replace(needed, ""))
    told = run(project, "bootimage", "init", "--dry-run")
    assert f"with `{needed}` under `[unstable]` of .cargo/config.toml" in told
    run(project, "cargo", "build", "--target", "../../x86_64-blog_os.json", code=101)
    config.write_text(text.replace(needed, "").replace("[unstable]", f"[unstable]\n{needed}"))
    assert needed not in run(project, "bootimage", "init", "--dry-run")
