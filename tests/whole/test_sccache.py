"""RUSTC_WRAPPER=sccache: the second build of a crate is answered from a local disk, or from a real Redis."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from child_processes import started
from demo_tree import Tree
from leaky_kernel import telltale

pytestmark = pytest.mark.rust


SCCACHE = str(Path(sys.executable).with_name("sccache"))
"""From requirements-test.txt: Debian's is too old to take the JSON of a target into account."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[int]:
    """The port of a Redis that keeps all in memory."""
    port = free_port()
    program = shutil.which("redis-server")
    assert program, "redis-server is missing: apt-get install -y --no-install-recommends redis-server"
    command = [program, "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    with started([*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL):
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield port


@pytest.fixture
def sccache() -> Iterator[dict[str, str]]:
    """Variables for an sccache server of the test's own, which ends with the test."""
    variables = {"SCCACHE_SERVER_PORT": str(free_port()), "SCCACHE_IDLE_TIMEOUT": "60"}
    yield variables
    told(variables, "--stop-server")


def told(variables: dict[str, str], *arguments: str) -> str:
    """What sccache answers to a command."""
    command = [SCCACHE, *arguments]
    environ = {**os.environ, **variables}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False).stdout


def hits(variables: dict[str, str]) -> int:
    """How many crates were answered for."""
    stats = json.loads(told(variables, "--show-stats", "--stats-format=json"))["stats"]
    return sum(stats["cache_hits"]["counts"].values())


def build(root: Path, variables: dict[str, str], setting: str = "") -> bytes:
    """The kernel of a fresh clone in `root`."""
    shutil.rmtree(root, ignore_errors=True)
    tree = Tree(telltale(root), variables)
    if setting:
        tree.edit("SConstruct", "RUST_TARGET=", f"RUSTC_WRAPPER={setting!r}, RUST_TARGET=")
    kernel = "build/x86_64-blog_os/debug/telltale"
    tree.scons(kernel)
    return (root / kernel).read_bytes()


@pytest.mark.parametrize("place", ["disk", "redis"])
def test_the_second_build_is_answered(
    place: str, tmp_path: Path, sccache: dict[str, str], request: pytest.FixtureRequest
) -> None:
    if place == "redis":
        sccache["SCCACHE_REDIS"] = f"redis://127.0.0.1:{request.getfixturevalue('redis')}/0"
    else:
        sccache["SCCACHE_DIR"] = str(tmp_path / "cache")
    told(sccache, "--start-server")
    by_environment = {**sccache, "RUSTC_WRAPPER": SCCACHE}
    # sccache's own digests have the folder in them: it helps who builds in the same place again.
    first = build(tmp_path / "telltale", by_environment)
    before = hits(sccache)
    second = build(tmp_path / "telltale", sccache, setting=SCCACHE)
    assert before == 0 < hits(sccache), told(sccache, "--show-stats")
    assert second == first == build(tmp_path / "telltale", {})


def test_a_variable_of_the_construction_comes_first(tmp_path: Path) -> None:
    """An empty one says: none, whatever the environment has."""
    assert build(tmp_path / "telltale", {"RUSTC_WRAPPER": "/no/such/program"}, setting="${NOTHING}")
