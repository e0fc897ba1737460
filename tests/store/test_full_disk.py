"""A disk that is full while something is built: the build goes on elsewhere, or says what is full."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# A compiler that needs 30 MiB, and says in its own way that there are fewer.
BUILD = """
    import sys
    import tempfile
    from pathlib import Path
    from bootimage.base.errors import BuildError
    from bootimage.store.build_once import perform
    from bootimage.store.store import Store

    tempfile.gettempdir()  # chosen while there is room, as in most runs
    tried = []
    def build(folder):
        tried.append(folder)
        try:
            (folder / "f").write_bytes(b"x" * (30 << 20))
        except OSError:
            raise BuildError("the loader does not build", hint="name another loader") from None
        return {"f": folder / "f"}

    store = Store(Path(sys.argv[1], "store"), 1 << 30)
    for number in range(2):
        try:
            entry = perform(store, None, f"{number:064x}", "core", build)
        except BuildError as error:
            print(error)
        else:
            assert entry.files["f"].stat().st_size == 30 << 20
    print(*(folder.is_relative_to(sys.argv[1]) for folder in tried))
"""


def build_on(folder: Path, size: str, **environ: str) -> str:
    """What is told of two builds with a store on a disk of that `size`."""
    (folder / "disk").mkdir()
    (folder / "script.py").write_text(textwrap.dedent(BUILD))
    shell = f'mount -t tmpfs -o size={size} none "$1/disk" && exec "$2" "$1/script.py" "$1/disk"'
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", shell, "sh", folder, sys.executable],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "another loader" not in done.stdout or size == "200m"
    return done.stdout


@pytest.mark.parametrize("size", ["1m", "8m", "20m"])
def test_it_is_built_elsewhere(tmp_path: Path, size: str) -> None:
    said = build_on(tmp_path, size)
    assert said.count("warning: nothing new is kept in the store") == 1
    assert said.splitlines()[-1] == "True False False", "the disk is tried once"


def test_nowhere_is_room(tmp_path: Path) -> None:
    said = build_on(tmp_path, "8m", TMPDIR=str(tmp_path / "disk"))
    assert "error: the disk is full here" in said and said.count("error: ") == 2
    assert "MiB are left for what is built" in said and "RUSTKERNEL_STORE and TMPDIR" in said


def test_room_enough(tmp_path: Path) -> None:
    assert build_on(tmp_path, "200m").splitlines() == ["True True"]
