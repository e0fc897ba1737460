"""The Rust toolchain of a build: compiler, cargo, library source, objcopy and linker, and that they match.

`find_toolchain` chooses it; nothing is started for that but the compiler itself, and this only the
first time that it is seen (see `probe`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path

from bootimage.base import console, install_hints
from bootimage.base.errors import BuildError
from bootimage.base.json_text import parse_json
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.private_programs import search_path
from bootimage.base.user_folders import home_folder
from bootimage.toolchain import library_source, llvm_programs
from bootimage.toolchain.clean_environment import (
    compile_variables,
    fetch_variables,
    sealed_variables,
)
from bootimage.toolchain.compiler_rules import CompilerRules, Version, compiler_rules
from bootimage.toolchain.fact_cache import open_probe
from bootimage.toolchain.find_compiler import FoundCompiler, ToolchainRequest, search_compiler
from bootimage.toolchain.identify_compiler import ask_cargo, ask_compiler
from bootimage.toolchain.rule_files import users_file
from bootimage.toolchain.rustup import cargo_home, find_rustup

__all__ = ["Toolchain", "ToolchainRequest", "find_toolchain"]


@dataclass(frozen=True)
class Toolchain:
    """A compiler and what belongs to it.

    `identity` is what makes two toolchains the same: the compiler's whole version text (`rustc -vV`), the
    digest of the library source where RUST_SRC names one, `cargo_version`, and the digest of the rules about
    compilers where the user's change what comes of a build.
    `cargo_version` is what a cargo says that is not the compiler's own; empty where it is.
    `origin` says why this one; `rustup_name` is rustup's name of it, if it is rustup's. `bootstrap`:
    it is of a stable channel and takes -Z flags only with RUSTC_BOOTSTRAP=1.
    """

    rustc: Path
    cargo: Path
    sysroot: Path
    identity: str
    origin: str
    rustup_name: str | None = None
    named_objcopy: str | None = None
    named_library: str | None = None
    cargo_version: str = ""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def release(self) -> str:
        """The version, as `1.97.0-nightly`."""
        return self._fact("release")

    @property
    def commit_date(self) -> str:
        """The day of the compiler's source, as `2026-05-19`."""
        return self._fact("commit-date")

    @property
    def commit_hash(self) -> str:
        """The git commit of the compiler's source: 40 hexadecimal digits, or `unknown`."""
        return self._fact("commit-hash")

    @property
    def host(self) -> str:
        """The target that the compiler itself runs on, as `x86_64-unknown-linux-gnu`."""
        return self._fact("host")

    @property
    def llvm(self) -> str:
        """The version of the compiler's LLVM, as `22.1.4`."""
        return self._fact("LLVM version")

    @property
    def bootstrap(self) -> bool:
        """Whether -Z flags need RUSTC_BOOTSTRAP=1."""
        return _is_stable(self.release) or _is_stable(self.cargo_release)

    @property
    def cargo_release(self) -> str:
        """The version of cargo, as `1.97.0-nightly`; the compiler's, where cargo is its own."""
        words = self.cargo_version.split()
        return words[1] if len(words) > 1 else self.release

    @cached_property
    def rules(self) -> CompilerRules:
        """The rules that count for this compiler and its cargo. BuildError for what is wrong with them."""
        rustc = Version(self.release, self.commit_date)
        day = re.search(r"\d{4}-\d\d-\d\d", self.cargo_version)
        cargo = Version(self.cargo_release, day[0] if day else "") if self.cargo_version else rustc
        return compiler_rules(rustc, cargo, self.environ)

    @property
    def rules_file(self) -> Path:
        """The file of the user's own rules, which need not be there."""
        return users_file(self.environ)

    def _fact(self, name: str) -> str:
        lines = self.identity.splitlines()
        return next((line.partition(": ")[2] for line in lines if line.startswith(f"{name}: ")), "unknown")

    def installed_std(self, target: str) -> bool:
        """Whether the built-in `target`'s compiled library is installed, so that none need be built."""
        return any((self.sysroot / "lib/rustlib" / target / "lib").glob("libcore-*.rlib"))

    def library_source(self) -> Path:
        """The folder `library` of the standard library's source, this compiler's own.

        Raises BuildError where it is missing or of another release.
        """
        folder = self._library_folder()
        library = library_source.library_in(folder)
        if library is None:
            named = f"RUST_SRC names {folder}, which holds no library source"
            found = named if self.named_library else f"rustc {self.release} has no library source in {folder}"
            raise BuildError(found, hint=self.mend("rust-src"))
        minors = self._source_minors(library)
        if not library_source.is_of_release(minors, self.release):
            raise BuildError(
                f"rustc is {self.release}, the library source in {library} is of 1.{minors[0]}: "
                "only its own compiler can compile it",
                hint=self.mend("rust-src"),
            )
        return library

    @property
    def library_tree(self) -> Path:
        """The folder that holds `library`, which may not be there."""
        named = library_source.library_in(self._library_folder()) if self.named_library else None
        return named.parent if named else self.sysroot / "lib/rustlib/src/rust"

    def library_environment(self) -> dict[str, str]:
        """The variable with which cargo's build-std compiles the library source that RUST_SRC names.

        It is cargo's own for its tests, and the only way: every cargo with build-std has it.
        """
        return {"__CARGO_TESTS_ONLY_SRC_ROOT": str(self.library_source())} if self.named_library else {}

    def _library_folder(self) -> Path:
        if self.named_library:
            return Path(self.named_library).expanduser().absolute()
        return self.sysroot / "lib/rustlib/src/rust"

    def _source_minors(self, library: Path) -> list[int]:
        def ask() -> str:
            return json.dumps(library_source.source_minors(library))

        stamps = [library / "Cargo.lock", library / "core/src/lib.rs"]
        minors: list[int] = parse_json(open_probe(self.environ).recall("library source", stamps, ask))
        return minors

    def objcopy(self) -> Path:
        """LLVM's objcopy, to be run in `objcopy_environment`. Raises BuildError where there is none."""
        if self.named_objcopy:
            if named := shutil.which(self.named_objcopy, path=self._search_path()):
                return Path(named)
            raise BuildError(f"OBJCOPY names {self.named_objcopy}, and there is no such program")
        found = llvm_programs.find_objcopy(self.sysroot, self.host, self._search_path())
        if found is None:
            raise BuildError("no llvm-objcopy was found", hint=self.mend("llvm-tools"))
        return found

    def objcopy_digest(self) -> str:
        """The digest of the program that OBJCOPY names; empty where none is named.

        The toolchain's own is as good as told by the compiler's version.
        """
        named = self.named_objcopy and shutil.which(self.named_objcopy, path=self._search_path())
        return llvm_programs.digest_of(Path(named)) if named else self.named_objcopy or ""

    def objcopy_environment(self) -> dict[str, str]:
        """The environment in which `objcopy()` finds its library; of use for no other program."""
        folder = llvm_programs.library_path(self.objcopy(), self.sysroot)
        return {**self.environment(links=False), **({"LD_LIBRARY_PATH": folder} if folder else {})}

    def linker(self) -> Path:
        """The program behind `rust-lld`, which target specifications name. Raises BuildError without one."""
        found = llvm_programs.find_lld(self.sysroot, self.host, self._search_path())
        if found is None:
            raise BuildError("no linker was found that can act as rust-lld", hint=self.mend("rust-lld"))
        return found

    def environment(self, *, links: bool = True) -> dict[str, str]:
        """The clean environment for cargo and rustc: no secret is in it.

        Raises BuildError where no linker is found, unless `links` is false: nothing is linked in it.
        """
        return self._around(compile_variables(self.environ), links=links)

    def sealed_environment(self) -> dict[str, str]:
        """The environment for builds whose results are shared: nothing of it differs between users."""
        return self._around(sealed_variables(self.environ))

    def fetch_environment(self) -> dict[str, str]:
        """The environment for a cargo that downloads, with credentials: it must run no code of others."""
        return self._around(fetch_variables(self.environ), links=False)

    def _around(self, variables: Mapping[str, str], *, links: bool = True) -> dict[str, str]:
        if links:
            _say_once(self)
        linker_folder = self._linker_folder() if links else []
        rustup = find_rustup(self.environ)
        return {
            **variables,
            "PATH": os.pathsep.join([str(self.rustc.parent), *linker_folder, self._search_path()]),
            "HOME": str(home_folder(self.environ)),
            "CARGO_HOME": str(self.cargo_home()),
            **({"RUSTUP_HOME": str(rustup.home)} if rustup else {}),
            "RUSTC": str(self.rustc),
            **({"RUSTC_BOOTSTRAP": "1"} if self.bootstrap else {}),
        }

    def _linker_folder(self) -> list[str]:
        """A folder for PATH in which `rust-lld` is found, where neither rustc nor PATH has one."""
        linker = self.linker()
        if linker.name == "rust-lld":
            return []
        folder = llvm_programs.folder_for_rust_lld(self.environ)
        return [str(llvm_programs.link_as_rust_lld(linker, folder))]

    def cargo_home(self) -> Path:
        """Cargo's folder of downloaded crates."""
        return cargo_home(self.environ)

    def mend(self, part: str) -> str:
        """The command that brings a missing `part`: rust-src, llvm-tools or rust-lld."""
        packages = {"rust-src": "rust-web-src", "llvm-tools": "rust-web-llvm", "rust-lld": "lld-22"}
        if part == "rust-src" and self.named_library:
            return f"let RUST_SRC name the library source of rustc {self.release}, or nothing"
        if self.sysroot == Path("/usr"):
            return install_hints.apt_install([packages[part]])
        if self.rustup_name is None:
            return f"a toolchain that {self.sysroot} is not: {install_hints.install_toolchain('nightly')}"
        if part == "rust-lld":  # comes with the compiler itself, so something took it away
            return f"{install_hints.install_toolchain(self.rustup_name)} --force"
        return install_hints.add_components(self.rustup_name, [part])

    def _search_path(self) -> str:
        return search_path(self.environ)


def find_toolchain(request: ToolchainRequest) -> Toolchain:
    """The toolchain to build with: what `request` names, else rustup's nightly, its stable, the system's.

    Raises BuildError, with the command that mends it, where there is none or a named one is missing.
    """
    found = search_compiler(request)
    sysroot, identity = ask_compiler(found, request.environ)
    library = request.library or request.environ.get("RUST_SRC")
    cargo = _other_cargo(found, request.environ)
    toolchain = Toolchain(
        rustc=found.rustc,
        cargo=found.cargo,
        sysroot=sysroot,
        identity=f"{identity}{library_source.named_digest(library)}{cargo}",
        origin=found.origin,
        rustup_name=found.rustup_name,
        named_objcopy=request.objcopy,
        named_library=library,
        cargo_version=cargo,
        environ=request.environ,
    )
    rules = toolchain.rules.digest
    return replace(toolchain, identity=f"{toolchain.identity}rules: {rules}\n") if rules else toolchain


def _other_cargo(found: FoundCompiler, environ: Mapping[str, str]) -> str:
    """What a cargo says that is not the compiler's own; nothing of one that says what the own one does.

    rustup's stand-in for cargo, a wrapper or a copy is the compiler's own cargo at another place.
    """
    own = found.rustc.with_name("cargo")  # put there by a toolchain
    if found.cargo == own:
        return ""
    said = ask_cargo(found.cargo, environ)
    with suppress(BuildError):  # one that does not work is not the one that is used
        return "" if own.is_file() and ask_cargo(own, environ) == said else said
    return said


def _is_stable(release: str) -> bool:
    return not release.endswith(("-nightly", "-dev"))


_said: set[Path] = set()


def _say_once(toolchain: Toolchain) -> None:
    """What is particular about the compiler, the first time that something is built with it."""
    if toolchain.rustc in _said:
        return
    _said.add(toolchain.rustc)
    if toolchain.rules.untried:
        console.say(f"{toolchain.rules.untried} has not been tried with this program (docs/compilers.md)")
    if toolchain.bootstrap:
        which = f"rustc {toolchain.release}"
        if not _is_stable(toolchain.release):
            which = f"cargo {toolchain.cargo_release}"
        console.say(f"{which} is a stable one: RUSTC_BOOTSTRAP=1 lets it build a kernel")
