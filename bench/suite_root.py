"""A Debian suite in a folder, made by debootstrap, in which this checkout is tried with the suite's compiler.

It needs root's rights. The folder is kept, so that a second run installs nothing; delete it to begin anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bootimage.base.errors import BuildError

MIRROR = "http://deb.debian.org/debian"
_PACKAGES = (
    *("rustc", "cargo", "rust-src", "llvm", "lld", "gcc", "libc6-dev", "git", "ca-certificates"),
    *("python3", "python3-venv", "qemu-system-x86", "ovmf"),
)
_CERTIFICATES = "/opt/certificates.crt"  # a place that no package owns
_CERTIFICATE_VARIABLES = (
    *("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CARGO_HTTP_CAINFO", "CURL_CA_BUNDLE"),
    "GIT_SSL_CAINFO",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_PYTHON = "/opt/venv/bin/python"


@dataclass(frozen=True)
class SuiteRoot:
    """The root of a `suite` (as `forky`, `trixie-backports`) in `folder`, with `project` at its own path."""

    suite: str
    folder: Path
    project: Path

    def make(self) -> None:
        """Make it, with a compiler, Python and QEMU, as far as it is not there yet. Raises BuildError."""
        if os.geteuid() != 0:
            raise BuildError("a suite's compiler is tried in a root of its own, which root alone can make")
        if not (self.folder / "usr/bin/dpkg").exists():
            bootstrap(self._base, self.folder)
        with self._mounted():
            if not (self.folder / "usr/bin/rustc").exists():
                self._install()
            if not (self.folder / "opt/venv/bin/pytest").exists():
                self._run(["python3", "-m", "venv", "/opt/venv"])
                self._run([_PYTHON, "-m", "pip", "install", "-q", "-r", "requirements-test.txt"])

    def python(self, *arguments: str) -> int:
        """Run the root's Python in the checkout, and return its exit status."""
        with self._mounted():
            return self._run([_PYTHON, *arguments], check=False)

    @property
    def _base(self) -> str:
        return self.suite.removesuffix("-backports")

    def _install(self) -> None:
        settings = 'Acquire::Check-Valid-Until "false";\nAPT::Install-Recommends "false";\n'
        (self.folder / "etc/apt/apt.conf.d/99compilers").write_text(settings)
        if self._base != self.suite:
            line = f"deb {MIRROR} {self.suite} main\n"
            (self.folder / "etc/apt/sources.list.d/backports.list").write_text(line)
        self._run(["apt-get", "update", "-qq"])
        self._run(["apt-get", "install", "-y", "-qq", "-t", self.suite, *_PACKAGES])

    def _run(self, argv: Sequence[str], *, check: bool = True) -> int:
        inside = ["sh", "-c", 'cd "$0" && exec "$@"', str(self.project), *argv]
        command = ["chroot", str(self.folder), *inside]
        return subprocess.run(command, env=root_environment(), check=check).returncode

    @contextmanager
    def _mounted(self) -> Iterator[None]:
        """With the host's /proc, /dev and certificates, its network, and the checkout, during the body."""
        with ExitStack() as mounts:
            for path in (Path("/proc"), Path("/dev"), self.project):
                mounts.enter_context(_bound(path, self.folder / path.relative_to("/")))
            share_network(self.folder)
            yield


@contextmanager
def _bound(path: Path, place: Path) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--bind", path, place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def bootstrap(suite: str, folder: Path) -> None:
    """Make a root of Debian's `suite` in `folder`, with nothing but apt. Raises BuildError."""
    if not shutil.which("debootstrap"):
        raise BuildError("there is no debootstrap", hint="apt-get install debootstrap")
    scripts = Path("/usr/share/debootstrap/scripts")
    script = [] if (scripts / suite).exists() else [str(scripts / "sid")]
    command = ["debootstrap", "--variant=minbase", suite, str(folder), MIRROR, *script]
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    except subprocess.CalledProcessError:
        log = folder / "debootstrap/debootstrap.log"
        said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        raise BuildError(f"debootstrap {suite} failed:\n{said}") from None


def share_network(root: Path) -> None:
    """Let programs in `root` reach what this machine reaches, with its certificates."""
    for name in ("resolv.conf", "hosts"):
        shutil.copyfile(Path("/etc", name), root / "etc" / name)
    certificates = root / _CERTIFICATES.lstrip("/")
    shutil.copyfile(_hosts_certificates(os.environ), certificates)
    certificates.chmod(0o644)


def root_environment() -> dict[str, str]:
    """The environment of what runs in a root: its own, but for this machine's proxies and certificates."""
    proxies = {name: value for name, value in os.environ.items() if name.lower() in _PROXIES}
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        **dict.fromkeys(_CERTIFICATE_VARIABLES, _CERTIFICATES),
        **proxies,
    }


def _hosts_certificates(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")
