"""A fresh clone, its own store empty, where a network cache has everything: nginx with WebDAV on loopback."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from bench import ours, peers
from bench.measure import Cost, Failed, interleaved
from bench.project import Project, environment
from bench.results import Goal, Row

_ROUNDS = 5
_PATIENCE = 5.0
_CONFIGURATION = """\
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            root {folder}/cache;
            dav_methods PUT;
            create_full_put_path on;
        }}
    }}
}}
"""


def clone(scratch: Path) -> Row:
    """Fill the cache from one clone, then build in fresh ones that have nothing but the network cache."""
    cache = scratch / "network-cache"
    with _server(scratch / "nginx") as url:
        first = _project(scratch, cache, url, "write")
        peers.fetch(first, scratch)
        shutil.rmtree(cache, ignore_errors=True)
        first.anew()
        first.build()
        fresh = _project(scratch, cache, url, "read")

        def measured(_number: int) -> Cost:
            shutil.rmtree(cache)
            fresh.anew()
            cost = fresh.build()
            _check_origin(fresh.output())
            return cost

        (cost,) = interleaved(_ROUNDS, measured)
    return Row("network", "clone", "fresh clone, warm network cache", cost, goal=Goal("seconds", 3.0))


def _project(scratch: Path, cache: Path, url: str, mode: str) -> Project:
    variables = {"RUSTKERNEL_CACHE": url, "RUSTKERNEL_CACHE_MODE": mode}
    project = ours.demo(scratch / "clone", environment(**ours.store_variables(cache), **variables))
    return replace(project, name=f"clone that may {mode}")


def _check_origin(output: str) -> None:
    """Raise Failed if something that the cache holds was made in spite of it."""
    made = [line for line in output.splitlines() if line.startswith(("Compiling", "Stripping", "Writing"))]
    here = [line for line in made if "from the network cache" not in line]
    if here or not made:
        raise Failed(f"not taken from the network cache: {', '.join(here) or 'nothing was'}")


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """An nginx with an empty cache; its URL."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        raise Failed("this row needs nginx (Debian's package of that name)")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "cache").mkdir(parents=True)
    port = _free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, user=getpass.getuser()))
    server = subprocess.Popen([program, "-e", folder / "error.log", "-c", configuration])
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise Failed("nginx does not answer")
