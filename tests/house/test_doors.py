"""What comes in and goes out passes through few places, which SECURITY.md lists: none is opened elsewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("bootimage", "site_scons/site_tools/rustkernel")

# The names by which Python opens each door. A name ending in a dot stands for all that it contains.
DOORS: dict[str, tuple[str, ...]] = {
    "parse": (
        *("json.loads", "json.load", "json.JSONDecoder", "tomllib.", "tomli.", "netrc.", "configparser."),
        *("pickle.", "marshal.", "shelve.", "plistlib.", "csv.", "yaml.", "ast.literal_eval", "eval", "exec"),
        *("xml.etree.ElementTree.parse", "xml.etree.ElementTree.fromstring", "tarfile.", "zipfile."),
    ),
    "fetch": (
        "socket.",
        "ssl.",
        "http.client.",
        "urllib.request.",
        "urllib3.",
        "ftplib.",
        "smtplib.",
        "requests.",
        "httpx.",
    ),
    "spawn": (
        *(
            "subprocess.",
            "os.system",
            "os.popen",
            "os.fork",
            "os.forkpty",
            "os.posix_spawn",
            "os.posix_spawnp",
        ),
        *(
            "os.execv",
            "os.execve",
            "os.execvp",
            "os.execvpe",
            "os.execl",
            "os.execle",
            "os.execlp",
            "os.startfile",
        ),
        *("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell", "multiprocessing.", "pty."),
        *("ctypes.", "importlib.import_module", "runpy."),
    ),
    "print": ("print", "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__", "logging.", "rich."),
    "write": (
        *(
            "tempfile.",
            "shutil.copy",
            "shutil.copyfile",
            "shutil.copytree",
            "shutil.move",
            "os.mkfifo",
            "os.link",
        ),
        *(
            ".write_text",
            ".write_bytes",
            "open(w)",
            "os.open(w)",
            "os.symlink",
            ".symlink_to",
            ".hardlink_to",
        ),
    ),
    "remove": ("shutil.rmtree", "os.remove", "os.unlink", "os.rmdir", ".unlink", ".rmdir", "os.removedirs"),
    "environment": ("os.environ", "os.environb", "os.getenv", "os.putenv", "os.unsetenv"),
}


_WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND")


def modules() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


class Finder(ast.NodeVisitor):
    """The full names that a module uses, imports resolved; `.name` for a method of anything."""

    def __init__(self) -> None:
        self.imported: dict[str, str] = {}
        self.used: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for each in node.names:
            self.imported[each.asname or each.name.partition(".")[0]] = (
                each.name if each.asname else each.name.partition(".")[0]
            )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for each in node.names:
            self.imported[each.asname or each.name] = f"{node.module}.{each.name}"
            self.used.add(f"{node.module}.{each.name}")

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        for part in (node.target, node.value):  # a type in an annotation opens nothing
            if part is not None:
                self.visit(part)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        for part in (*node.decorator_list, *defaults, *node.body):
            self.visit(part)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Name(self, node: ast.Name) -> None:
        self.used.add(self.imported.get(node.id, node.id))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.used.add(self.name_of(node) or f".{node.attr}")
        self.used.add(f".{node.attr}")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = self.name_of(node.func) or ""
        if name == "os.open":
            if any(isinstance(each, ast.Attribute) and each.attr in _WRITING for each in ast.walk(node)):
                self.used.add("os.open(w)")
        elif name in ("open", "os.fdopen") or getattr(node.func, "attr", "") == "open":
            place = 1 if name in ("open", "os.fdopen") else 0
            named = [each.value for each in node.keywords if each.arg == "mode"]
            modes = [
                each.value for each in [*node.args[place:][:1], *named] if isinstance(each, ast.Constant)
            ]
            if any(isinstance(mode, str) and set(mode) & set("wax+") for mode in modes):
                self.used.add("open(w)")
        self.generic_visit(node)

    def name_of(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute) and (above := self.name_of(node.value)):
            return f"{above}.{node.attr}"
        return None


def opened(source: str) -> dict[str, set[str]]:
    """The doors that a module with this text opens, each with the names it opens it by."""
    finder = Finder()
    finder.visit(ast.parse(source))
    found = {
        door: {
            used
            for used in finder.used
            for name in names
            if used == name or (name.endswith(".") and f"{used}.".startswith(name))
        }
        for door, names in DOORS.items()
    }
    return {door: used for door, used in found.items() if used}


def listed() -> dict[str, set[str]]:
    """The modules that SECURITY.md names for each door, in rows `| **door** | `module`, ... | why |`."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \*\*(\w+)\*\* \| ([^|]+) \|", text, re.MULTILINE)
    found: dict[str, set[str]] = {}
    for door, names in rows:
        found.setdefault(door, set()).update(re.findall(r"`([\w./]+)`", names))
    return found


def is_listed(module: str, allowed: set[str]) -> bool:
    """Whether a module, or the folder that it is in, is among those allowed."""
    return module in allowed or any(each.endswith("/") and module.startswith(each) for each in allowed)


@pytest.mark.parametrize("door", DOORS)
def test_no_door_is_opened_elsewhere(door: str) -> None:
    found = {}
    for path in modules():
        if names := opened(path.read_text(encoding="utf-8")).get(door):
            inside = path.relative_to(ROOT).as_posix()
            found[inside.removeprefix("bootimage/").removeprefix("site_scons/site_tools/")] = sorted(names)
    allowed = listed()[door]
    more = {module: names for module, names in found.items() if not is_listed(module, allowed)}
    assert not more, f"these modules open the door `{door}`; use the ones that SECURITY.md lists for it"
    gone = {each for each in allowed if not any(is_listed(module, {each}) for module in found)}
    assert not gone, "SECURITY.md lists modules that do not open the door any more"


@pytest.mark.parametrize(
    ("source", "door"),
    [
        ("import json\njson.loads('')", "parse"),
        ("from json import loads as x\nx('')", "parse"),
        ("import tomllib as t\nt.loads('')", "parse"),
        ("def f():\n    import pickle\n    pickle.load(x)", "parse"),
        ("eval('1')", "parse"),
        ("import http.client\nhttp.client.HTTPConnection('')", "fetch"),
        ("import subprocess as s\ns.run([])", "spawn"),
        ("import os\nos.execv('', [])", "spawn"),
        ("print('x')", "print"),
        ("import sys\nsys.stderr.write('')", "print"),
        ("path.write_text('')", "write"),
        ("path.open('wb')", "write"),
        ("open('x', mode='a')", "write"),
        ("import os\nos.open('x', os.O_RDWR | os.O_CREAT)", "write"),
        ("from tempfile import mkdtemp\nmkdtemp()", "write"),
        ("path.unlink()", "remove"),
        ("import shutil\nshutil.rmtree('x')", "remove"),
        ("from os import environ\nenviron['x']", "environment"),
        ("import os\ndef f(x=os.environ): pass", "environment"),
    ],
)
def test_each_way_through_a_door_is_found(source: str, door: str) -> None:
    assert door in opened(source)


@pytest.mark.parametrize(
    "source",
    [
        "import json\njson.dumps({})",
        "path.open('rb').read()",
        "import os\nos.open('x', os.O_RDONLY)",
        "import subprocess\nx: subprocess.Popen[bytes]\ndef f(y: subprocess.Popen[bytes]) -> None: pass",
        "report.say('x')",
    ],
)
def test_what_opens_no_door(source: str) -> None:
    assert opened(source) == {}
