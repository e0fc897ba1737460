"""What belongs to a compiler: its source, objcopy and linker, its environment; and the table of it all."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from fake_toolchain import HOST, PLACEHOLDER, SINCE, library, program, rustc, rustup

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.run_program import Finished, run
from bootimage.toolchain import fact_cache, rule_files, toolchain
from bootimage.toolchain.find_compiler import ToolchainRequest
from bootimage.toolchain.toolchain import Toolchain, find_toolchain
from bootimage.toolchain.toolchain_summary import table

OWN = f"lib/rustlib/{HOST}/bin"


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user is told; and a process that has asked and told nothing yet."""
    lines: list[str] = []
    monkeypatch.setattr(console, "say", lines.append)
    monkeypatch.setattr(fact_cache, "_known", {})
    monkeypatch.setattr(toolchain, "_said", set())
    monkeypatch.delenv("VERBOSE", raising=False)
    return lines


def complete(sysroot: Path) -> None:
    """Give a toolchain everything that belongs to it."""
    library(sysroot / "lib/rustlib/src/rust", SINCE.format(96), PLACEHOLDER)
    for name in ("rust-lld", "llvm-objcopy"):
        program(sysroot / OWN / name, f"echo {name} 22.1.4")


def system(folder: Path, release: str = "1.97.0-nightly", **environ: str) -> Toolchain:
    """A toolchain that is not rustup's, alone on its machine."""
    compiler = rustc(folder / "usr", release)
    basic = {"HOME": str(folder / "home"), "PATH": str(folder / "bin")}
    return find_toolchain(ToolchainRequest(folder, rustc=str(compiler), environ={**basic, **environ}))


def test_facts(tmp_path: Path) -> None:
    found = system(tmp_path)
    assert (found.release, found.commit_date, found.commit_hash) == (
        "1.97.0-nightly",
        "2026-05-19",
        "e50aa6fba",
    )
    assert (found.host, found.llvm, found.sysroot) == (HOST, "22.1.4", tmp_path / "usr")
    assert found.identity.startswith("rustc 1.97.0-nightly (e50aa6fba 2026-05-19)\n")


@pytest.mark.parametrize(
    ("release", "bootstrap", "tried"),
    [
        ("1.97.0-nightly", False, True),
        ("1.97.0-dev", False, False),
        ("1.96.0-beta.3", True, False),
        ("1.95.0", True, True),
    ],
)
def test_what_is_particular_is_told_once(
    tmp_path: Path, said: list[str], release: str, bootstrap: bool, tried: bool
) -> None:
    found = system(tmp_path, release)
    complete(tmp_path / "usr")
    assert said == []
    environments = [found.environment() for _ in range(2)]
    stable = f"rustc {release} is a stable one: RUSTC_BOOTSTRAP=1 lets it build a kernel"
    untried = f"rustc {release} has not been tried with this program (docs/compilers.md)"
    assert said == [*([] if tried else [untried]), *([stable] if bootstrap else [])]
    assert {each.get("RUSTC_BOOTSTRAP") for each in environments} == {"1" if bootstrap else None}


def test_a_compiler_that_does_not_work(tmp_path: Path) -> None:
    broken = program(tmp_path / "usr/bin/rustc", "echo no library >&2; exit 127")
    program(tmp_path / "usr/bin/cargo")
    with pytest.raises(BuildError) as caught:
        find_toolchain(ToolchainRequest(tmp_path, rustc=str(broken), environ={"HOME": str(tmp_path)}))
    assert f"{broken} does not work" in str(caught.value) and "no library" in str(caught.value)


def taken_for(kind: str, folder: Path, script: str) -> str:
    """The error where a program that does `script` is named as rustc or cargo."""
    other = program(folder / "bin" / kind, script)
    names = {"rustc": str(rustc(folder / "usr")), kind: str(other)}
    environ = {"HOME": str(folder), "PATH": str(folder / "usr/bin")}
    with pytest.raises(BuildError) as caught:
        find_toolchain(ToolchainRequest(folder, **names, environ=environ))
    return str(caught.value).replace(str(other), "OTHER")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (":", "`-vV` printed nothing, and no line `release: ...`"),
        ("echo gcc 15.1; echo more", "`-vV` printed `gcc 15.1...`, and no line `release: ...`"),
        ("[ $1 != -vV ] || echo release: 1.97.0", "`--print=sysroot` printed nothing, and no folder"),
        ("echo release: 1.97.0", "`--print=sysroot` printed `release: 1.97.0`, and no folder"),
    ],
)
def test_another_program_called_rustc(tmp_path: Path, script: str, said: str) -> None:
    error = taken_for("rustc", tmp_path, script)
    assert error.startswith(f"error: OTHER is no Rust compiler: {said}\n")
    assert "because of the construction variable RUSTC: name the path of rustc there, or nothing" in error


@pytest.mark.parametrize(("script", "said"), [(":", "nothing"), ("echo tool 9.1", "`tool 9.1`")])
def test_another_program_called_cargo(tmp_path: Path, script: str, said: str) -> None:
    error = taken_for("cargo", tmp_path, script)
    assert error.startswith(f"error: OTHER is no cargo: `--version` printed {said}, and not `cargo 1...`\n")
    assert "OTHER does not work as cargo" in taken_for("cargo", tmp_path / "more", "exit 3")


@pytest.mark.parametrize(
    ("named", "own", "other"),
    [
        ("echo cargo 1.97.0-nightly", None, ""),
        ("echo cargo 1.100.0", None, "cargo 1.100.0\n"),
        ("echo cargo 1.97.0-nightly", "exit 1", "cargo 1.97.0-nightly\n"),
    ],
    ids=["the same elsewhere", "another", "the own one is broken"],
)
def test_a_cargo_elsewhere(tmp_path: Path, named: str, own: str | None, other: str) -> None:
    """The compiler's own version gives the same results at whatever place: rustup's stand-in, a wrapper."""
    usual = system(tmp_path).identity
    if own is not None:
        program(tmp_path / "usr/bin/cargo", own)
    cargo = program(tmp_path / "wrapper/cargo", named)
    request = ToolchainRequest(tmp_path, rustc=str(tmp_path / "usr/bin/rustc"), cargo=str(cargo), environ={})
    found = find_toolchain(request)
    assert (found.cargo, found.cargo_version) == (cargo, other)
    assert found.identity == f"{usual}{other}"


KEPT = {
    "https_proxy": "http://p:1",
    "NO_PROXY": "n",
    "SSL_CERT_FILE": "c",
    "CARGO_REGISTRIES_MINE_INDEX": "i",
}
KEPT |= {"CARGO_NET_OFFLINE": "true", "CARGO_HTTP_CAINFO": "i", "TERM": "xterm"}
SECRETS = {"CARGO_REGISTRIES_MINE_TOKEN": "t", "CARGO_REGISTRY_TOKEN": "t", "SSH_AUTH_SOCK": "s"}
SECRETS |= {"CARGO_HTTP_PROXY": "http://user:word@p:1", "all_proxy": "user:word@p:1", "NETRC": "n"}
LEAKS = {"RUSTFLAGS": "-Cx", "CARGO_ENCODED_RUSTFLAGS": "x", "CARGO_TARGET_DIR": "/t", "RUSTDOCFLAGS": "x"}
LEAKS |= {"CARGO_BUILD_TARGET": "x", "RUSTC_WORKSPACE_WRAPPER": "w", "MAKEFLAGS": "-j", "LANG": "de_DE.UTF-8"}
LEAKS |= {"CARGO_PROFILE_DEV_LTO": "fat", "CARGO_INCREMENTAL": "0", "LD_PRELOAD": "x", "RUST_BACKTRACE": "1"}
LEAKS |= {"SCCACHE_REDIS": "r", "RUSTKERNEL_CACHE_TOKEN": "t", "AWS_SECRET_ACCESS_KEY": "a"}


def test_each_kind_of_program_has_its_list(tmp_path: Path) -> None:
    found = system(tmp_path, **KEPT, **SECRETS, **LEAKS)
    complete(tmp_path / "usr")
    own = {
        "PATH": f"{tmp_path}/usr/bin:{tmp_path}/bin",
        "HOME": f"{tmp_path}/home",
        "CARGO_HOME": f"{tmp_path}/home/.cargo",
        "RUSTC": f"{tmp_path}/usr/bin/rustc",
        "LC_ALL": "C.UTF-8",
    }
    assert found.environment() == {**KEPT, **own}
    assert found.fetch_environment() == {**KEPT, **SECRETS, **own}
    assert found.sealed_environment() == {"TERM": "xterm", **own}


def test_a_compiler_cache_finds_its_servers(tmp_path: Path) -> None:
    found = system(tmp_path, RUSTC_WRAPPER="sccache", SCCACHE_REDIS="r")
    complete(tmp_path / "usr")
    assert {"RUSTC_WRAPPER", "SCCACHE_REDIS"} <= found.environment().keys()
    assert not {"RUSTC_WRAPPER", "SCCACHE_REDIS"} & found.sealed_environment().keys()


def test_the_environment_tells_where_rustup_is(tmp_path: Path) -> None:
    """rustup found by its program alone: what runs in the environment has to find it too."""
    rustup(tmp_path / "real", f"nightly-{HOST}")
    complete(tmp_path / "real/.rustup/toolchains" / f"nightly-{HOST}")
    environ = {"HOME": str(tmp_path / "empty"), "PATH": str(tmp_path / "real/.cargo/bin")}
    environment = find_toolchain(ToolchainRequest(tmp_path, environ=environ)).environment()
    assert environment["RUSTUP_HOME"] == f"{tmp_path}/real/.rustup"
    assert environment["CARGO_HOME"] == f"{tmp_path}/empty/.cargo"


@pytest.mark.parametrize(
    ("attributes", "release", "fits"),
    [
        ([SINCE.format(95)], "1.95.0", True),
        ([SINCE.format(95)], "1.95.1", True),
        ([SINCE.format(95)], "1.96.0", False),
        ([SINCE.format(9), SINCE.format(100)], "1.100.0", True),
        ([SINCE.format(96), PLACEHOLDER], "1.97.0-nightly", True),
        ([SINCE.format(96), PLACEHOLDER], "1.98.0-nightly", True),  # the days after 1.97 branched off
        ([SINCE.format(96), PLACEHOLDER], "1.96.0", False),
        ([SINCE.format(96), PLACEHOLDER], "1.99.0-nightly", False),
        ([SINCE.format(95), '#[deprecated(since = "1.99.0")]\n'], "1.95.0", True),
        ([], "1.95.0", False),
    ],
)
def test_source_of_another_release(tmp_path: Path, attributes: list[str], release: str, fits: bool) -> None:
    found = system(tmp_path, release)
    source = library(tmp_path / "usr/lib/rustlib/src/rust", *attributes)
    if fits:
        assert found.library_source() == source
        return
    with pytest.raises(BuildError) as caught:
        found.library_source()
    assert release in caught.value.message and str(source) in caught.value.message and caught.value.hint


def test_a_source_tree_with_a_version_file(tmp_path: Path) -> None:
    source = tmp_path / "usr/lib/rustlib/src/rust"
    library(source, SINCE.format(95))
    (source / "src").mkdir()
    (source / "src/version").write_text("1.96.0\n")
    assert system(tmp_path, "1.96.0").library_source()


def test_named_source(tmp_path: Path) -> None:
    source = library(tmp_path / "elsewhere", SINCE.format(96), PLACEHOLDER)
    assert system(tmp_path, RUST_SRC=str(source)).library_source() == source
    assert system(tmp_path, RUST_SRC=str(source.parent)).library_source() == source
    with pytest.raises(BuildError, match=r"RUST_SRC names .*/nowhere") as caught:
        system(tmp_path, RUST_SRC=str(tmp_path / "nowhere")).library_source()
    assert "RUST_SRC" in (caught.value.hint or "")


def test_installed_std(tmp_path: Path) -> None:
    found = system(tmp_path)
    folder = tmp_path / "usr/lib/rustlib/x86_64-unknown-none/lib"
    folder.mkdir(parents=True)
    assert not found.installed_std("x86_64-unknown-none")
    (folder / "libcore-0123456789abcdef.rlib").touch()
    assert found.installed_std("x86_64-unknown-none") and not found.installed_std("x86_64-unknown-uefi")


def test_the_order_of_objcopies(tmp_path: Path) -> None:
    """Each is found once those before it are gone."""
    order = [f"usr/{OWN}/llvm-objcopy", "bin/llvm-objcopy", "bin/llvm-objcopy-22", "bin/llvm-objcopy-9"]
    order.append(f"usr/{OWN}/rust-objcopy")
    for name in order:
        program(tmp_path / name)
    program(tmp_path / "bin/objcopy")
    found = system(tmp_path)
    for name in order:
        assert found.objcopy() == tmp_path / name
        (tmp_path / name).unlink()
    with pytest.raises(BuildError, match="no llvm-objcopy"):
        found.objcopy()


def test_a_named_objcopy(tmp_path: Path) -> None:
    named = program(tmp_path / "bin/my-objcopy")
    assert replace(system(tmp_path), named_objcopy="my-objcopy").objcopy() == named
    with pytest.raises(BuildError, match="OBJCOPY names gone"):
        replace(system(tmp_path), named_objcopy="gone").objcopy()


def test_a_named_objcopy_counts_by_its_contents(tmp_path: Path) -> None:
    one, two = program(tmp_path / "bin/one"), program(tmp_path / "elsewhere/two")
    found = [replace(system(tmp_path), named_objcopy=str(path)) for path in (one, two)]
    assert found[0].objcopy_digest() == found[1].objcopy_digest() != system(tmp_path).objcopy_digest() == ""
    one.write_text("#!/bin/sh\nexit 1\n")
    assert found[0].objcopy_digest() != found[1].objcopy_digest()
    assert replace(found[0], named_objcopy="gone").objcopy_digest() == "gone"


def test_only_the_toolchains_own_objcopy_gets_its_library(tmp_path: Path) -> None:
    program(tmp_path / "bin/llvm-objcopy")
    found = system(tmp_path)
    assert "LD_LIBRARY_PATH" not in found.objcopy_environment()
    program(tmp_path / "usr" / OWN / "llvm-objcopy")
    assert found.objcopy_environment()["LD_LIBRARY_PATH"] == f"{tmp_path}/usr/lib"


@pytest.mark.parametrize("name", ["lld", "lld-22", "ld.lld", "ld.lld-22"])
def test_an_lld_on_path_becomes_rust_lld(tmp_path: Path, name: str) -> None:
    found = system(tmp_path)
    linker = program(tmp_path / "bin" / name, "echo $0")
    assert found.linker() == linker
    for _ in range(2):
        environment = found.environment()
        shim = shutil.which("rust-lld", path=environment["PATH"])
        assert shim and Path(shim).resolve() == linker
        assert shim.startswith(f"{tmp_path}/home/.cache/rustkernel/")


def test_a_rust_lld_on_path_is_enough(tmp_path: Path) -> None:
    program(tmp_path / "bin/rust-lld")
    assert system(tmp_path).environment()["PATH"] == f"{tmp_path}/usr/bin:{tmp_path}/bin"


def test_no_linker(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="can act as rust-lld"):
        system(tmp_path).environment()
    assert system(tmp_path).environment(links=False)["PATH"]


@pytest.mark.parametrize(
    ("part", "rustups", "debians"),
    [
        ("rust-src", "rustup component add rust-src --toolchain nightly", "apt-get install rust-web-src"),
        (
            "llvm-tools",
            "rustup component add llvm-tools --toolchain nightly",
            "apt-get install rust-web-llvm",
        ),
        ("rust-lld", "rustup toolchain install nightly", "apt-get install lld-22"),
    ],
)
def test_the_command_that_mends(tmp_path: Path, part: str, rustups: str, debians: str) -> None:
    found = system(tmp_path)
    assert "rustup toolchain install nightly" in found.mend(part)
    assert replace(found, rustup_name=f"nightly-{HOST}").mend(part).startswith(rustups)
    assert replace(found, sysroot=Path("/usr")).mend(part) == debians


def test_table_of_a_complete_toolchain(tmp_path: Path) -> None:
    found = system(tmp_path, "1.97.0-nightly")
    complete(tmp_path / "usr")
    cells = [re.split("  +", line) for line in table(found)]
    assert cells == [
        ["part", "version", "why", "path"],
        [
            *("rustc", "1.97.0-nightly (2026-05-19, LLVM 22.1.4)"),
            *("the construction variable RUSTC", f"{tmp_path}/usr/bin/rustc"),
        ],
        ["cargo", "1.97.0-nightly", "beside rustc", f"{tmp_path}/usr/bin/cargo"],
        ["library source", "rustc's own", "the toolchain's", f"{tmp_path}/usr/lib/rustlib/src/rust/library"],
        ["objcopy", "22.1.4", "the toolchain's", f"{tmp_path}/usr/{OWN}/llvm-objcopy"],
        ["rust-lld", "22.1.4", "the toolchain's", f"{tmp_path}/usr/{OWN}/rust-lld"],
        ["installed std", "none"],
        ["rules", "the program's own", "for a compiler that has been tried", str(rule_files.SHIPPED)],
    ]


def test_the_table_names_the_rules_that_count(tmp_path: Path) -> None:
    found = system(tmp_path, "1.105.0")
    complete(tmp_path / "usr")
    found.rules_file.parent.mkdir(parents=True)
    found.rules_file.write_text('[[argument]]\nname = "target specifications"\noff = true\n')
    last = next(re.split("  +", line) for line in table(found) if line.startswith("rules "))
    files = f"{rule_files.SHIPPED} {found.rules_file}"
    assert last == ["rules", "with others", "rustc 1.105.0: not tried", files]


def test_table_of_a_bare_one(tmp_path: Path) -> None:
    lines = table(system(tmp_path, "1.95.0"))
    assert [line.split() for line in lines if "missing" in line] == [
        ["library", "source", "missing"],
        ["objcopy", "missing"],
        ["rust-lld", "missing"],
    ]
    assert sum(line.startswith("error: ") and "\n  help: " in line for line in lines) == 3


def never(*_arguments: object, **_options: object) -> Finished:
    raise AssertionError("a program was started")


REAL = {"HOME": os.environ["HOME"], "PATH": os.environ["PATH"]}
REAL |= {name: os.environ[name] for name in ("RUSTUP_HOME", "CARGO_HOME") if name in os.environ}


@pytest.mark.rust
@pytest.mark.parametrize("channel", ["nightly", "stable"])
def test_rustups_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channel: str) -> None:
    environ = {**REAL, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    request = ToolchainRequest(tmp_path, toolchain=channel, environ=environ)
    found = find_toolchain(request)
    assert found.bootstrap == (channel == "stable") and found.rustup_name == f"{channel}-{found.host}"
    assert (found.library_source() / "core/src/lib.rs").is_file()
    assert found.installed_std(found.host)
    for program_, environment in (
        (found.cargo, found.environment()),
        (found.objcopy(), found.objcopy_environment()),
    ):
        assert run([program_, "--version"], env=environment).returncode == 0
    assert not [line for line in table(found) if "missing" in line]
    # Another process, later: what is known needs no program.
    monkeypatch.setattr(fact_cache, "_known", {})
    monkeypatch.setattr("bootimage.base.run_program.run", never)
    again = find_toolchain(request)
    assert again == found and again.library_source()


@pytest.mark.rust
def test_source_of_the_other_channel_is_refused(tmp_path: Path) -> None:
    environ = {**REAL, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    nightly, stable = (
        find_toolchain(ToolchainRequest(tmp_path, toolchain=channel, environ=environ))
        for channel in ("nightly", "stable")
    )
    mixed = replace(nightly, named_library=str(stable.library_source()))
    with pytest.raises(BuildError, match=rf"rustc is {nightly.release}, .* is of 1\.\d+: only its own"):
        mixed.library_source()


def test_a_named_source_is_part_of_what_the_toolchain_is(tmp_path: Path) -> None:
    source = library(tmp_path / "elsewhere", SINCE.format(96), PLACEHOLDER)
    own, named = system(tmp_path), system(tmp_path, RUST_SRC=str(source))
    assert (
        own.identity != named.identity and named.identity == system(tmp_path, RUST_SRC=str(source)).identity
    )
    assert own.library_environment() == {}
    assert named.library_environment() == {"__CARGO_TESTS_ONLY_SRC_ROOT": str(source)}
    (source / "core/src/lib.rs").write_text("changed")
    assert system(tmp_path, RUST_SRC=str(source)).identity != named.identity
    assert named.library_tree == source.parent and own.library_tree != source.parent
