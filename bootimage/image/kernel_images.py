"""The images of one kernel, made by the loader that its lock file names; and not made again for nothing.

Beside the images lies a small record of what they were made from. As long as that is the same and the
images are untouched, nothing is asked of cargo and nothing is written.

The whole way without SCons: target specification, sysroot, kernel, loader, images.

The dear results come from the store, cargo itself knows what of the kernel is up to date, and images
are written at the speed of a copy; so what did not change costs next to nothing here too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.json_text import read_object
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.write_files import copy_whole, write_whole
from bootimage.cargo.manifest import Package, read_package
from bootimage.context import BuildContext
from bootimage.elf.elf_headers import check_elf
from bootimage.elf.kernel_file import check_bootable, strip_debug
from bootimage.image.boot_config import boot_json, note_on_bios_screen, unchecked_key, unchecked_keys
from bootimage.image.disk_images import BiosStages, Contents, write_bios_disk, write_uefi_disk
from bootimage.image.image_files import Extras, Images, image_names
from bootimage.loader.choose_loader import Loader, choose_loader
from bootimage.loader.compile_0_11 import provide_program
from bootimage.loader.loader_0_11 import PROGRAMS
from bootimage.loader.loader_release import Release
from bootimage.store.keys import action_key
from bootimage.store.recipes import code_state, recipe_number
from bootimage.target_spec.target import Target

if TYPE_CHECKING:
    from bootimage.loader.loader_0_9 import FlatLoader

USUAL = Target("x86_64-unknown-none")


@dataclass(frozen=True)
class KernelImages:
    """What to make: the images of the ELF file `kernel` of `package`, in `out_dir`.

    `features` and `default_features` are those that the kernel was built with: they reach the loader.
    `target` is what it was built for; by default one that has the same dependencies in all but odd cases.
    """

    package: Package
    kernel: Path
    out_dir: Path
    features: tuple[str, ...] = ()
    default_features: bool = True
    target: Target = USUAL

    @property
    def record(self) -> Path:
        """The file that tells what the images were made from."""
        return self.out_dir / f".bootimage-{self.kernel.name}.json"


def provide_images(context: BuildContext, asked: KernelImages, extras: Extras | None = None) -> Images:
    """Make the images, unless they are what they would become. Raises BuildError before anything is written.

    A loader 0.9 gives `bootimage-NAME.bin`, a loader 0.11 `bootimage-bios-NAME.bin` and the UEFI files.
    """
    check_elf(asked.kernel)  # before it is read whole, which for /dev/zero would never end
    loader = choose_loader(asked.package)
    if loader.family == "0.9" and extras is not None and extras != Extras():
        raise BuildError(
            f"{asked.package.name} is made for the loader {loader.version}, which takes no files beside the "
            "kernel",
            file=asked.package.manifest,
        )
    # A loader in a folder of the user's may have changed; the store finds that out.
    key = _key(context, asked, loader) if loader.manifest is None and extras is None else None
    images = _names(asked, loader)
    if key is None or not _is_up_to_date(asked.record, key, images.files):
        _write(context, asked, loader, extras, images)
        if key is not None:
            write_whole(asked.record, json.dumps({"key": key, "images": _stamps(images.files)}))
    return images


def _names(asked: KernelImages, loader: Loader) -> Images:
    if loader.family == "0.9":
        return Images(asked.out_dir / f"bootimage-{asked.kernel.stem}.bin")
    return Images(**{kind: asked.out_dir / name for kind, name in image_names(asked.kernel.name).items()})


def _write(
    context: BuildContext, asked: KernelImages, loader: Loader, extras: Extras | None, images: Images
) -> None:
    if loader.family == "0.11":
        from bootimage.loader.loader_release import release_of

        release = release_of(loader, asked.package.manifest)
        write_images(context, asked.kernel, release, asked.out_dir, extras)
        return
    from bootimage.elf.kernel_file import check_bootable
    from bootimage.image.flat_image import provide_flat_image

    check_bootable(asked.kernel, loader.version)  # before cargo is asked for anything
    provide_flat_image(context, _flat_loader(context, asked, loader), asked.kernel, images.bios)


def _flat_loader(context: BuildContext, asked: KernelImages, loader: Loader) -> FlatLoader:
    from bootimage.kernel.crate_build import CrateBuild
    from bootimage.loader.loader_0_9 import flat_loader

    crate = CrateBuild(
        manifest=asked.package.manifest,
        target=asked.target,
        target_dir=asked.out_dir,
        workspace_root=asked.package.workspace.folder,
        features=asked.features,
        default_features=asked.default_features,
    )
    return flat_loader(context, crate, loader)


def provide_loader(context: BuildContext, asked: KernelImages) -> None:
    """Have the loader for these images in the store; there need be no kernel yet."""
    loader = choose_loader(asked.package)
    if loader.family == "0.11":
        from bootimage.loader.loader_release import release_of

        loader_programs(context, release_of(loader, asked.package.manifest))
        return
    from bootimage.loader import loader_0_9

    loader_0_9.provide_loader(context, _flat_loader(context, asked, loader))


def _key(context: BuildContext, asked: KernelImages, loader: Loader) -> str:
    manifests = sorted(set(_manifests(asked.package)))
    return action_key(
        "images",
        {
            "kernel": f"{asked.kernel.name} {_digest(asked.kernel)}",
            "compiler": context.toolchain.identity,
            "loader": f"{loader.package} {loader.version} {loader.source} {loader.checksum}",
            "features": f"{asked.default_features} {' '.join(asked.features)}",
            "manifests": " ".join(_digest(path) for path in [asked.package.workspace.lock, *manifests]),
            "recipe": f"{recipe_number('image')} {recipe_number('flat image')}",
            "engine": code_state(),
        },
    )


def _manifests(package: Package) -> Iterator[Path]:
    """The manifests that decide which features the loader has."""
    waiting, seen = [package], {package.manifest}
    while waiting:
        each = waiting.pop()
        yield from (each.manifest, each.workspace.manifest)
        for dependency in each.dependencies:
            folder = dependency.folder
            if folder is not None and dependency.kind == "normal" and (folder / "Cargo.toml") not in seen:
                seen.add(folder / "Cargo.toml")
                waiting.append(read_package(folder))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_up_to_date(record: Path, key: str, files: Sequence[Path]) -> bool:
    known = read_object(record)
    with suppress(OSError):
        return known == {"key": key, "images": _stamps(files)}
    return False


def _stamps(files: Sequence[Path]) -> dict[str, list[int]]:
    """Size, time and inode of each file by its name: what changes when another program writes it."""
    stats = {file.name: file.stat() for file in files}
    return {name: [stat.st_size, stat.st_mtime_ns, stat.st_ino] for name, stat in stats.items()}


def write_images(
    context: BuildContext, kernel: Path, release: Release, out_dir: Path, extras: Extras | None = None
) -> Images:
    """Write the images of the ELF file `kernel` for the loader `release` into `out_dir`.

    Raises BuildError, before anything is written, for a kernel that this loader cannot load.
    """
    extras = extras or Extras()
    config = check_bootable(kernel, release.version)
    if config and (note := note_on_bios_screen(config.screen, extras.boot_config)):
        console.say(note)
    programs = loader_programs(context, release)
    out = {kind: out_dir / name for kind, name in image_names(kernel.name).items()}
    with context.store.work("image") as folder:
        stripped = folder / kernel.name
        tools = context.toolchain
        strip_debug(tools.objcopy(), kernel, stripped, tools.objcopy_environment())
        contents = image_contents(stripped, kernel.name, extras, release.version)
        parts = [programs[name] for name in ("boot-sector", "stage-2", "stage-3", "stage-4")]
        stages = BiosStages(release.version, *parts)
        write_bios_disk(out["bios"], stages, contents)
        write_uefi_disk(out["uefi"], programs["uefi"], contents)
    copy_whole(programs["uefi"], out["efi"])
    return Images(**out)


def loader_programs(context: BuildContext, release: Release) -> dict[str, Path]:
    """The loader's programs by name, from the store or built now."""
    return {
        program.name: provide_program(context, release, program).files[program.file] for program in PROGRAMS
    }


def image_contents(stripped: Path, kernel_name: str, extras: Extras, loader: str) -> Contents:
    """What the volume of an image for this version of the loader holds."""
    for key in unchecked_keys(extras.boot_config, loader):
        console.say(unchecked_key(key, loader))
    return Contents(
        kernel=stripped,
        kernel_name=kernel_name,
        ramdisk=extras.ramdisk,
        boot_config=boot_json(extras.boot_config, loader) if extras.boot_config else None,
        files=extras.files,
    )
