"""Which versions of the loader 0.11 are published, as cargo itself knows it."""

from __future__ import annotations

from bootimage.base.run_program import run
from bootimage.cargo.lock_file import read_lock_file
from bootimage.context import BuildContext

_MANIFEST = """\
[package]
name = "versions"
version = "0.0.0"
edition = "2021"

[lib]
path = "lib.rs"

[dependencies]
bootloader_api = ">=0.11.0, <{below}"

[workspace]
"""


def published_versions(context: BuildContext) -> list[str]:
    """All versions 0.11.x, newest first, without pre-releases and withdrawn ones.

    cargo resolves a dependency to the newest version there is, so each one is found below the last.
    """
    found: list[str] = []
    with context.store.work("versions") as folder:
        (folder / "lib.rs").touch()
        while True:
            (folder / "Cargo.lock").unlink(missing_ok=True)
            (folder / "Cargo.toml").write_text(_MANIFEST.format(below=found[-1] if found else "0.12.0"))
            command = [str(context.toolchain.cargo), "generate-lockfile"]
            finished = run(command, env=context.environment(), cwd=folder, quiet=True)
            if b"candidate versions found which didn't match" in finished.stderr:
                return found
            finished.or_fail("cargo cannot tell which versions of bootloader_api there are")
            lock = read_lock_file(folder / "Cargo.lock")
            assert lock is not None
            found.append(lock.find("bootloader_api")[0].version)
