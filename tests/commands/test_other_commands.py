from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cargo_tree import named, tree
from cli_shell import Shell, recorder

from bootimage.image.image_files import Images
from bootimage.image.kernel_images import KernelImages

LOADER = '[[package]]\nname = "bootloader"\nversion = "0.9.35"\nsource = "registry+https://example.invalid"\n'
CHECKOUT = Path(__file__).parents[2]


def on_loader_0_9(folder: Path, name: str = "os", more: str = "") -> None:
    package = f'[[package]]\nname = "{name}"\nversion = "0.1.0"\ndependencies = ["bootloader"]\n'
    tree(
        folder,
        {
            "Cargo.toml": f'{named(name)}{more}[dependencies]\nbootloader = "0.9"\n',
            "Cargo.lock": f"version = 4\n{package}{LOADER}",
            "src/main.rs": "",
        },
    )


def everything(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_init_writes_one_file(shell: Shell) -> None:
    on_loader_0_9(shell.folder)
    before = everything(shell.folder)
    out = shell.run("bootimage init")
    after = everything(shell.folder)
    text = after.pop("SConstruct").decode()
    assert before == after
    assert 'env.RustKernel(".", RUST_TARGET="x86_64-unknown-none")' in text
    assert "loader 0.9.35" in out
    compile(text, "SConstruct", "exec")


def test_init_has_cargo_make_the_lock_file(shell: Shell) -> None:
    """With the user's own configuration alone: a clone's may name programs."""
    on_loader_0_9(shell.folder)
    lock = shell.folder / "Cargo.lock"
    text = lock.read_text()
    lock.unlink()
    assert "there is no Cargo.lock" in shell.run("bootimage init --dry-run", fails=1)
    cargo = shell.folder.parent / "toolchain/bin/cargo"
    recorder(cargo, shell.log, f"open({str(lock)!r}, 'w').write({text!r})")
    out = shell.run("bootimage init")
    assert out.startswith("cargo generate-lockfile --manifest-path Cargo.toml\n")
    [call] = shell.calls()
    assert call["words"] == ["generate-lockfile", "--manifest-path", f"{shell.folder}/Cargo.toml"]
    assert not Path(str(call["folder"])).is_relative_to(shell.folder)
    assert "CARGO_HOME" in call["environ"]  # type: ignore[operator]
    assert (shell.folder / "SConstruct").is_file() and lock.read_text() == text


def test_init_never_overwrites(shell: Shell) -> None:
    on_loader_0_9(shell.folder)
    (shell.folder / "SConstruct").write_text("mine")
    assert "there is an SConstruct already" in shell.run("bootimage init", fails=1)
    assert "RustKernel" in shell.run("bootimage init --dry-run")
    assert (shell.folder / "SConstruct").read_text() == "mine"


def test_init_of_a_kernel_with_alloc_tests_and_arguments(shell: Shell) -> None:
    on_loader_0_9(shell.folder, more='[package.metadata.bootimage]\nrun-args = ["-m", "1G"]\n')
    tree(shell.folder, {"tests/boot.rs": ""})
    config = '[build]\ntarget = "x86_64-unknown-none"\n[unstable]\nbuild-std = ["core", "alloc"]\n'
    (shell.folder / ".cargo/config.toml").write_text(config)
    text = shell.run("bootimage init --dry-run")
    assert 'RUST_SYSROOT_CRATES=["core", "compiler_builtins", "alloc"]' in text
    assert 'QEMUFLAGS=["-m", "1G"]' in text
    assert 'env.KernelTest("test-kernel", "."' in text


def test_init_of_a_workspace_leaves_programs_for_the_host_out(shell: Shell) -> None:
    tree(shell.folder, {"Cargo.toml": '[workspace]\nmembers = ["one", "two", "tool"]\n'})
    members = ("one", "two")
    for name in members:
        on_loader_0_9(shell.folder / name, name)
    tree(shell.folder / "tool", {"Cargo.toml": named("tool"), "src/main.rs": ""})
    row = '[[package]]\nname = "{}"\nversion = "0.1.0"\n'
    packages = [row.format(name) + 'dependencies = ["bootloader"]\n' for name in members]
    lock = "".join(["version = 4\n", *packages, row.format("tool"), LOADER])
    (shell.folder / "Cargo.lock").write_text(lock)
    text = shell.run("bootimage init --dry-run")
    assert [f'RustKernel("{name}"' in text for name in (*members, "tool")] == [True, True, False]
    assert 'RunQemu("run-qemu-two"' in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bootimage init", "has no loader among its dependencies"),
        ("bootimage init missing", "there is no such manifest"),
        ("bootimage run", "did you mean `bootimage runner`?"),
        ("bootimage", "a command is missing"),
        ("bootimage target-spec missing.json", "missing.json"),
        ("bootimage build --kernel-binary missing", "missing"),
        ("bootimage --kernel-binary os --out-dir Cargo.toml", "/Cargo.toml: error: this is not a folder"),
        ("cargo-disk-image disk-image --out-dir Cargo.toml/sub", "/Cargo.toml: error: this is not a folder"),
        ("bootimage --kernel-binary os --bogus", "`--bogus` means nothing beside --kernel-binary"),
        ("bootimage --kernel-binary os --frob=3", "`--frob=3` means nothing beside --kernel-binary"),
        ("bootimage --kernel-binary os --out-dri there", "did you mean --out-dir?"),
        ("bootimage --kernel-binary os --release another", "`another` means nothing"),
        ("bootimage --kernel-binary os --features", "--features needs a value"),
    ],
)
def test_refuses(shell: Shell, line: str, message: str) -> None:
    assert message in shell.run(line, fails=1)


def test_a_compiled_kernels_options(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[KernelImages] = []

    def provide(_context: object, wanted: KernelImages) -> Images:
        asked.append(wanted)
        return Images(wanted.kernel)

    monkeypatch.setattr("bootimage.image.kernel_images.provide_images", provide)
    (shell.folder / "Cargo.toml").write_text(f"{named('os')}[features]\nserial = []\nvga = []\n")
    options = "--release --profile=dev --target-dir there --firmware bios -q --features serial,vga"
    shell.run(f"bootimage --kernel-binary {shell.binary()} {options} --no-default-features")
    [wanted] = asked
    assert (wanted.kernel, wanted.features, wanted.default_features) == (
        shell.binary(),
        ("serial", "vga"),
        False,
    )


def test_rust_analyzer_prints_and_changes_no_file_of_the_project(shell: Shell) -> None:
    before = everything(shell.folder)
    out = shell.run("bootimage rust-analyzer --features=serial")
    settings = json.loads(out[out.index("{") : out.rindex("}") + 1])
    config = Path(settings["rust-analyzer.cargo.extraArgs"][1])
    assert settings["rust-analyzer.cargo.features"] == ["serial"]
    assert config.is_relative_to(shell.folder / "target")
    assert 'target = "x86_64-unknown-none"' in config.read_text()
    after = {name: data for name, data in everything(shell.folder).items() if not name.startswith("target/")}
    assert after == {name: data for name, data in before.items() if not name.startswith("target/")}


def test_rust_analyzer_writes_where_there_is_nothing(shell: Shell, tmp_path: Path) -> None:
    own = shell.folder / ".cargo/config.toml"
    assert "--config" in shell.run("bootimage rust-analyzer --write")
    (shell.folder / ".vscode/settings.json").write_text("// mine\n{}")
    theirs = own.read_text()
    shell.run("bootimage rust-analyzer --write")
    assert (own.read_text(), (shell.folder / ".vscode/settings.json").read_text()) == (theirs, "// mine\n{}")
    own.unlink()
    shell.run("bootimage rust-analyzer --write --target x86_64-unknown-none")
    assert own.read_text().startswith("# Written by `bootimage rust-analyzer`")


def test_our_own_configuration_is_no_word_of_the_users(shell: Shell) -> None:
    (shell.folder / ".cargo/config.toml").unlink()
    shell.run("bootimage rust-analyzer --write --target x86_64-unknown-none")
    assert "nothing says which target" in shell.run("cargo-bootimage bootimage", fails=1)


def test_help_names_every_command(shell: Shell) -> None:
    out = shell.run("bootimage --help")
    for name in ("build", "runner", "target-spec", "init", "rust-analyzer"):
        assert f"bootimage {name}" in out
    assert shell.run("bootimage --version").startswith("bootimage 0.10.5 ")


def test_a_full_disk_is_one_line(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_more: object) -> None:
        raise OSError(28, "No space left on device", "/a/file")

    on_loader_0_9(shell.folder)
    monkeypatch.setattr("bootimage.base.write_files.write_whole", full)
    assert shell.run("bootimage init", fails=1).endswith(
        "/a/file: error: cannot be used: No space left on device\n"
    )


def test_the_runner_loads_nothing_dear_before_it_has_something_to_do() -> None:
    """It is started once for every test, and its start-up is what cargo's user waits for."""
    modules = ["commands.runner", "cargo_cli.build_images"]
    code = (
        f"import sys; sys.path.insert(0, {str(CHECKOUT)!r})\n"
        + "".join(f"import bootimage.{name}\n" for name in modules)
        + "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    dear = {"asyncio", "elftools", "jsonschema", "qemu", "rich", "urllib.request", "http.client", "argparse"}
    assert dear & set(loaded.split()) == set()
