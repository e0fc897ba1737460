from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from child_processes import started
from cli_shell import Shell, recorder

Images = Callable[[bytes], list[Path]]


@pytest.fixture(autouse=True)
def made(images: Images) -> list[Path]:
    """The kernels that images were made of."""
    return images(b"")


def words(shell: Shell) -> list[str]:
    """The arguments of the one call of cargo."""
    [call] = shell.calls()
    return call["words"]


def test_prints_what_the_rust_program_prints(shell: Shell, made: list[Path]) -> None:
    out = shell.run("cargo-bootimage bootimage")
    image = shell.binary().with_name("bootimage-os.bin")
    lines = ["Building kernel", "Building bootloader", f"Created bootimage for `os` at `{image}`"]
    assert out.splitlines() == lines
    assert (made, image.is_file()) == ([shell.binary()], True)


def test_quiet(shell: Shell) -> None:
    assert shell.run("cargo-bootimage bootimage --quiet") == ""
    assert "--quiet" in words(shell)


def test_cargo_gets_the_users_arguments_and_our_target(shell: Shell) -> None:
    shell.run("cargo-bootimage bootimage --release --bin os -p os --features=a,b --locked")
    given = words(shell)
    own = shell.folder
    assert given[:3] == ["build", "--manifest-path", f"{own}/Cargo.toml"]
    assert given[3:7] == ["--target", "x86_64-unknown-none", "--target-dir", f"{own}/target"]
    rest = ["--release", "--bin", "os", "-p", "os", "--features", "a,b", "--locked"]
    assert given[-9:] == [*rest, "--message-format=json-render-diagnostics"]


def test_it_may_be_typed_in_any_folder_of_the_package(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shell.folder / "src")
    shell.run("cargo-bootimage bootimage")
    assert f"{shell.folder}/Cargo.toml" in words(shell)


def test_the_shell_is_heard(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUSTFLAGS", "-Ca")
    monkeypatch.setenv("GIT_HASH", "123")
    monkeypatch.setenv("CARGO_TARGET_DIR", f"{tmp_path}/out")
    monkeypatch.setenv("CARGO_UNSTABLE_BUILD_STD", "core")
    shell.run("cargo-bootimage bootimage")
    [call] = shell.calls()
    environ = call["environ"]
    assert environ["CARGO_ENCODED_RUSTFLAGS"].split("\x1f")[0] == "-Ca"
    assert environ["GIT_HASH"] == "123"
    assert {"RUSTFLAGS", "CARGO_UNSTABLE_BUILD_STD", "MAKEFLAGS"}.isdisjoint(environ)
    assert f"{tmp_path}/out" in call["words"]


def test_configuration_is_handed_over_without_build_std(shell: Shell) -> None:
    ours = '[build]\ntarget = "x86_64-unknown-none"\nrustflags = ["-Cb"]\n[unstable]\nbuild-std = ["core"]\n'
    theirs = '[env]\nNAME = "x"\n[profile.dev]\nopt-level = 1\n'
    (shell.folder / ".cargo/config.toml").write_text(ours + theirs)
    shell.run("cargo-bootimage bootimage")
    [call] = shell.calls()
    handed_over = Path(call["words"][call["words"].index("--config") + 1]).read_text()
    assert call["folder"] == "/"
    assert call["environ"]["CARGO_ENCODED_RUSTFLAGS"].startswith("-Cb\x1f")
    assert [word in handed_over for word in ("[env]", "opt-level", "build-std")] == [True, True, False]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ('["build", "--release"]', ["--release", "--lib"]),
        ('["xbuild"]', ["--lib"]),
        ('["kbuild"]', ["--profile", "tiny", "--lib"]),
    ],
)
def test_build_command(shell: Shell, command: str, expected: list[str]) -> None:
    _configure(shell, f"build-command = {command}", '[alias]\nkbuild = "build --profile tiny"\n')
    shell.run("cargo-bootimage bootimage --lib")
    given = words(shell)
    assert given[0] == "build"
    assert given[-len(expected) - 1 : -1] == expected


def test_a_subcommand_that_is_not_cargos_own_runs_as_it_stands(shell: Shell) -> None:
    _configure(shell, 'build-command = ["make", "os"]')
    shell.run("cargo-bootimage bootimage --lib --target x86_64-unknown-none")
    [call] = shell.calls()
    own = ["make", "os", "--lib", "--target", "x86_64-unknown-none"]
    assert call["words"] == [*own, "--message-format=json-render-diagnostics"]
    assert call["folder"] == str(shell.folder)


def _configure(shell: Shell, table: str, config: str = "") -> None:
    with (shell.folder / "Cargo.toml").open("a") as file:
        file.write(f"[package.metadata.bootimage]\n{table}\n")
    with (shell.folder / ".cargo/config.toml").open("a") as file:
        file.write(config)


def test_a_failing_cargo(shell: Shell, tmp_path: Path, made: list[Path]) -> None:
    failing = "print('error: no', file=sys.stderr); sys.exit(101)"
    recorder(tmp_path / "toolchain/bin/cargo", shell.log, failing)
    errors = shell.run("cargo-bootimage bootimage", fails=1)
    assert errors.count("error: no\n") == 1
    assert "os does not build" in errors
    assert made == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_cargo_too(shell: Shell, tmp_path: Path, number: signal.Signals) -> None:
    running = tmp_path / "running"
    waiting = f"import time; open({str(running)!r}, 'w').write(str(os.getpid()) + '.'); time.sleep(60)"
    recorder(tmp_path / "toolchain/bin/cargo", shell.log, waiting)
    program = "import sys; from bootimage.cli import cargo_bootimage; sys.exit(cargo_bootimage([]))"
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with started([sys.executable, "-c", program], env=environ, stderr=subprocess.PIPE) as child:
        while not (running.exists() and running.read_text().endswith(".")):
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(number)
        _out, errors = child.communicate(timeout=30)
    assert child.returncode == 128 + number and b"Traceback" not in errors
    with pytest.raises(ProcessLookupError):
        os.kill(int(running.read_text()[:-1]), 0)


@pytest.mark.parametrize(
    ("told", "hint"),
    [
        (
            "error[E0407]: method `forward_overflowing` is not a member of trait `Step`\n"
            "   --> /home/u/.cargo/registry/src/index-0123/x86_64-0.15.5/src/addr.rs:333:5\n"
            "error: could not compile `x86_64` (lib) due to 1 previous error",
            "this compiler needs an older x86_64: cargo update -p x86_64 --precise 0.15.4",
        ),
        ("error[E0463]: can't find crate for `alloc`", "`build-std` in .cargo/config.toml"),
    ],
)
def test_errors_that_have_a_remedy(shell: Shell, tmp_path: Path, told: str, hint: str) -> None:
    failing = f"print({told!r}, file=sys.stderr); sys.exit(101)"
    recorder(tmp_path / "toolchain/bin/cargo", shell.log, failing)
    assert hint in shell.run("cargo-bootimage bootimage", fails=1)


def test_no_executables(shell: Shell, tmp_path: Path) -> None:
    recorder(tmp_path / "toolchain/bin/cargo", shell.log)
    assert "no executables built" in shell.run("cargo-bootimage bootimage --lib", fails=1)


def test_help_and_version_build_nothing(shell: Shell) -> None:
    assert shell.run("cargo-bootimage bootimage --release -h").startswith("Creates a bootable disk image")
    assert re.fullmatch(r"bootimage 0\.10\.5 \(.*\)\n", shell.run("cargo-bootimage bootimage --version"))
    assert shell.calls() == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--manifest-path nowhere/Cargo.toml", "there is no such manifest"),
        ("-- -display none", "they go with --runner"),
        ("--target missing.json", "there is no such target specification"),
    ],
)
def test_refuses(shell: Shell, line: str, message: str) -> None:
    assert message in shell.run(f"cargo-bootimage bootimage {line}", fails=1)


def test_no_manifest(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is no Cargo.toml here or in a folder above" in shell.run("cargo-bootimage", fails=1)


def test_unknown_key(shell: Shell) -> None:
    _configure(shell, "test-timout = 3")
    assert "did you mean `test-timeout`?" in shell.run("cargo-bootimage bootimage", fails=1)


def test_runner_boots_what_was_built(shell: Shell, tmp_path: Path) -> None:
    emulator = recorder(tmp_path / "emulator", shell.log, "sys.exit(3)")
    _configure(shell, f'run-command = ["{emulator}", "{{}}"]')
    shell.run("cargo-bootimage bootimage --runner -- -x", fails=3)
    image = shell.binary().with_name("bootimage-os.bin")
    assert [call["words"] for call in shell.calls()][1:] == [[str(image), "-x"]]


def test_disk_image(shell: Shell) -> None:
    out = shell.run("cargo-disk-image disk-image --release")
    assert out.splitlines()[-1] == "Created disk image at `target/x86_64-unknown-none/debug/bootimage-os.bin`"
    assert "--release" in words(shell)
