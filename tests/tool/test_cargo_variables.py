"""CARGOFLAGS: the file of a `--config FILE` is found from the SConscript, and is an input of the kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scons_project import BUILD, FILES, SCONSTRUCT, Project

Make = Callable[..., Project]

ENV = 'env = Environment(tools=["default", "rustkernel"])\n'
AT_TOP = 'env["RUST_BUILD_DIR"] = "#build"\n'


def with_flags(flags: str) -> dict[str, str]:
    """The project's SConstruct with these CARGOFLAGS, in a subfolder with all else."""
    script = SCONSTRUCT.replace(ENV, "").replace('"kernel", ', f'"kernel", CARGOFLAGS={flags}, ')
    files = {f"sub/{name}": text for name, text in FILES.items()}
    top = {"SConstruct": f'{ENV}{AT_TOP}SConscript("sub/SConscript", "env")\n'}
    return {**files, **top, "sub/SConscript": f'Import("env")\n{script}', "sub/fast.toml": "a = 1\n"}


def cargo_calls(project: Project) -> list[str]:
    return [call for call in project.tools.calls() if call.startswith("cargo build") and "my_os" in call]


@pytest.mark.parametrize(
    "flags", ['["--config", "fast.toml"]', '["--config=fast.toml"]', '"--config #sub/fast.toml"']
)
def test_a_file_is_an_input(flags: str, make: Make, tmp_path: Path) -> None:
    project = make(with_flags(flags))
    project.tools.calls()
    project.scons()
    assert f" --config {project.root}/sub/fast.toml " in cargo_calls(project)[-1]
    project.scons("-q")
    moved = project.copy(tmp_path / "moved")
    assert moved.rebuilt() == set()
    moved.write({"sub/fast.toml": "a = 2\n"})
    assert moved.rebuilt() == {"my_os"}
    moved.scons("-q")


def test_a_setting_stays_as_it_is(make: Make) -> None:
    project = make(with_flags("""["--config", "a.b='c'", "--config=d=1"]"""))
    project.tools.calls()
    project.scons()
    assert " --config a.b='c' --config=d=1 " in cargo_calls(project)[-1]


def test_a_file_that_another_node_makes(make: Make) -> None:
    made = 'env.Command("fast.toml", "SConscript", Copy("$TARGET", "$SOURCE"))\n'
    files = with_flags('["--config", "fast.toml"]')
    project = make({**files, "sub/SConscript": files["sub/SConscript"] + made})
    (project.root / "sub/fast.toml").unlink()
    project.scons()
    assert (project.root / "sub/fast.toml").exists()


def test_a_file_that_is_not_there(make: Make) -> None:
    said = make(with_flags('["--config", "lost.toml"]')).scons(status=2)
    assert "`sub/lost.toml' not found, needed by target `build/" in said


def test_tests_of_the_kernel_have_it_too(make: Make) -> None:
    files = with_flags('["--config", "fast.toml"]')
    script = files["sub/SConscript"] + 'env.KernelTest("test-kernel", kernel)\n'
    project = make({**files, "sub/SConscript": script, "sub/kernel/tests/boot.rs": "fn main() {}\n"})
    assert "sub/fast.toml" in project.scons("--tree=all", "-n", f"{BUILD}/tests/my_os/boot")
