"""The loader, begun while the kernel is being compiled.

In a project's first build both take long, and one cargo alone seldom keeps all processors busy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from bootimage import running
from bootimage.cargo.build import CargoBuild
from bootimage.cargo.manifest import read_package
from bootimage.cargo.toml_file import read_toml
from bootimage.cargo.workspace import find_workspace
from bootimage.context import BuildContext
from bootimage.errors import BuildError
from bootimage.image.kernel_images import KernelImages, provide_loader


@contextmanager
def loader_ahead(context: BuildContext, manifest: Path, find_out: Callable[[], CargoBuild]) -> Iterator[None]:
    """While the body builds the kernel of `manifest`, have its loader made, if nothing was ever built here.

    `find_out` tells what the body builds. Where the body fails, what was begun is ended. An error of the
    loader's is left to who needs it next.
    """
    asked = None if (find_workspace(read_toml(manifest)).folder / "target").exists() else find_out()
    if asked is None or asked.target_dir.exists():
        yield
        return
    running.watch_signals()  # only here, in the main thread, can that be begun
    helper = Thread(target=_prepare, args=(context, asked))
    helper.start()
    try:
        yield
    except BaseException:
        running.end_running()
        raise
    finally:
        helper.join()


def _prepare(context: BuildContext, asked: CargoBuild) -> None:
    with suppress(BuildError, OSError):
        package = read_package(asked.file.path)
        arguments = asked.arguments
        images = KernelImages(
            package,
            asked.target_dir / package.name,
            asked.target_dir,
            features=arguments.features_of(package),
            default_features=arguments.default_features,
            target=asked.target,
        )
        provide_loader(context, images)
