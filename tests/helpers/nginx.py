"""A real nginx with WebDAV on a free port of the loopback, as a network cache. Debian's package: nginx."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import trustme

_CONFIGURATION = """
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    log_format requests '$request_method $uri $status $body_bytes_sent "$http_if_none_match" $remote_user';
    access_log {folder}/access.log requests;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    limit_req_zone $binary_remote_addr zone=busy:1m rate=5r/s;
    server {{
        listen 127.0.0.1:{port}{tls};
        {busy}
        client_max_body_size {largest};
        location /cache/ {{
            root {folder}/root;
            dav_methods PUT;
            create_full_put_path on;
            # What has been written once is never written again.
            set $taken "";
            if (-f $request_filename) {{ set $taken $request_method; }}
            if ($taken = PUT) {{ return 412; }}
            {access}
        }}
    }}
}}
"""
_TLS = (
    " ssl; ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;"
    " ssl_client_certificate {folder}/authority.pem; ssl_verify_client {clients}"
)
_ACCESS = 'limit_except {free} {{ auth_basic "cache"; auth_basic_user_file {folder}/users; }}'


class Nginx:
    """Serve `folder`/root/cache as `self.url` within a `with` statement.

    `users` (name -> password) are asked for before writing, and before reading too if `closed`. With an
    `authority` it speaks TLS; with `clients`, only to those who have a certificate of it. `busy`: it answers
    what comes sooner than 0.2 s after the last with 503.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: Mapping[str, str] | None = None,
        closed: bool = False,
        largest: str = "0",
        authority: trustme.CA | None = None,
        clients: bool = False,
        busy: bool = False,
    ) -> None:
        self.root = folder / "root/cache"
        self._folder = folder
        self._port = free_port()
        self.url = f"http{'s' if authority else ''}://127.0.0.1:{self._port}/cache"
        self.root.mkdir(parents=True)
        rows = [f"{name}:{{PLAIN}}{password}\n" for name, password in (users or {}).items()]
        (folder / "users").write_text("".join(rows))
        if authority:
            authority.cert_pem.write_to_path(folder / "authority.pem")
            authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
                folder / "server.pem"
            )
        (folder / "nginx.conf").write_text(
            _CONFIGURATION.format(
                folder=folder,
                port=self._port,
                largest=largest,
                tls=_TLS.format(folder=folder, clients="on" if clients else "off") if authority else "",
                busy="limit_req zone=busy;" if busy else "",
                user="user root;" if os.geteuid() == 0 else "",
                access=_ACCESS.format(folder=folder, free="OPTIONS" if closed else "GET") if users else "",
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Nginx:
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, "nginx is missing: apt-get install -y --no-install-recommends nginx"
        self._process = subprocess.Popen([program, "-c", self._folder / "nginx.conf", "-p", self._folder])
        wait_for_port(self._port, self._process, self._folder / "error.log")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)

    def requests(self, method: str = "") -> list[str]:
        """What it was asked, one line a request: method, path, status, bytes sent, If-None-Match, user."""
        log, size = self._folder / "access.log", -1
        while log.stat().st_size != size:  # a request is written down after its answer has been sent
            size = log.stat().st_size
            time.sleep(0.1)
        lines = log.read_text().splitlines()
        return [line for line in lines if line.startswith(method)]

    def files(self) -> dict[str, bytes]:
        """What it has: path below the URL -> content."""
        paths = [path for path in self.root.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in paths}


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when `process` listens on `port`."""
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, log.read_text()
        time.sleep(0.02)
    raise AssertionError(f"nobody answers on port {port}")
