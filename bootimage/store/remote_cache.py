"""A cache on the network, shared between machines: any server that speaks the HTTP protocol of Bazel.

`GET` and `PUT` of `/ac/<key>` (an ActionResult that holds our record) and `/cas/<sha256>` (contents,
compressed). Each digest is checked, and each size is bounded before it is read. What is there already is
never written again. A server that fails costs one warning; then results are built here.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bootimage.base import console
from bootimage.base.write_files import copy_whole
from bootimage.store.bazel_action_result import decode_stdout, encode_action_result
from bootimage.store.expected_result import ANYTHING, Expected, exactly
from bootimage.store.record import RECORD_LIMIT, Blob, Entry, Record, record_content, record_of, seal, unseal
from bootimage.store.remote_health import Health, RemoteProblem
from bootimage.store.remote_patience import Patience
from bootimage.store.remote_settings import RemoteSettings, remote_settings
from bootimage.store.store import Store

if TYPE_CHECKING:
    from bootimage.store.remote_http import HttpFolder
    from bootimage.store.remote_pack import Packed

_Result = TypeVar("_Result")
_CREDENTIALS_ADVICE = (
    "set RUSTKERNEL_CACHE_USER and RUSTKERNEL_CACHE_PASSWORD, or RUSTKERNEL_CACHE_TOKEN, "
    "or RUSTKERNEL_CACHE_HELPER, or write ~/.netrc"
)


class RemoteCache:
    """The cache that `settings` name. Several threads may use it at once."""

    def __init__(self, settings: RemoteSettings) -> None:
        self._settings = settings
        self._reading = Health(settings.name, "reading", "what it should have is built here")
        self._writing = Health(settings.name, "writing", "what is built here is not shared")

    @cached_property
    def _folder(self) -> HttpFolder:
        from bootimage.store.remote_http import HttpFolder

        return HttpFolder(self._settings)

    @property
    def writes(self) -> bool:
        """Whether results of this machine are offered to others."""
        return self._settings.writes

    def fetch(self, store: Store, key: str, label: str, expected: Expected = ANYTHING) -> Entry | None:
        """Bring the result for `key` into the store; None when it is not to be had, or not as `expected`."""
        return self._attempt(self._reading, lambda: self._fetch(store, key, label, expected))

    def record(self, key: str, limit: int, expected: Expected = ANYTHING) -> Record | None:
        """What is known of the result for `key`, of at most `limit` bytes, without its contents."""
        found = self._attempt(self._reading, lambda: self._record(key, limit, expected, self._patience()))
        return found[0] if found else None

    def fetch_files(self, store: Store, key: str, label: str, outputs: Mapping[str, Path]) -> bool:
        """Write the files of the result for `key` to `outputs` (name -> path), or leave all as it is.

        The store lends a place to work in, and keeps nothing.
        """
        return bool(self._attempt(self._reading, lambda: self._fetch_files(store, key, label, outputs)))

    def publish(self, store: Store, entry: Entry) -> None:
        """Offer a result to others, where the user wants that; nothing that is there already is changed."""
        if self.writes:
            self._attempt(self._writing, lambda: self._publish(store, entry))

    def offer(self, store: Store, entry: Entry) -> None:
        """Like `publish`, for a result that others may have offered already: one request finds that out."""
        if self.writes:
            self._attempt(self._writing, lambda: self._offer(store, entry))

    def _patience(self) -> Patience:
        """For all requests about one result."""
        return Patience(self._settings.timeout)

    def _attempt(self, health: Health, act: Callable[[], _Result]) -> _Result | None:
        if not health.good:
            return None
        try:
            return act()
        except RemoteProblem as problem:
            health.failed(problem)
        except OSError as problem:
            health.failed(RemoteProblem(f"of no use: {problem.strerror or problem}", final=True))
        return None

    def _fetch(self, store: Store, key: str, label: str, expected: Expected) -> Entry | None:
        patience = self._patience()
        found = self._record(key, store.limit, expected, patience)
        if found is None:
            return None
        record, packed = found
        with console.step(f"{label}: from the network cache"), store.work("fetch") as folder:
            files = self._bring_all(store, record, packed, folder, patience)
            if files is None:
                return None
            _checked(f"ac/{key}", lambda: expected.check_files(files))
            return store.put(key, files, label, record.seconds)  # not the server's label: it is shown

    def _fetch_files(self, store: Store, key: str, label: str, outputs: Mapping[str, Path]) -> bool:
        patience = self._patience()
        found = self._record(key, store.limit, exactly(*outputs), patience)
        if found is None:
            return False
        with console.step(f"{label}: from the network cache"), store.work("fetch") as folder:
            files = self._bring_all(store, *found, folder, patience)
            for name, path in (files or {}).items():
                copy_whole(path, outputs[name])
        return files is not None

    def _bring_all(
        self, store: Store, record: Record, packed: Mapping[str, Packed], folder: Path, patience: Patience
    ) -> dict[str, Path] | None:
        """Every file of a result by its name, in `folder`; None where the server has one no more."""
        files: dict[str, Path] = {}
        for number, (name, blob) in enumerate(record.blobs.items()):
            files[name] = folder / str(number)
            if not self._bring(store, blob, packed[name], files[name], patience):
                return None
        return files

    def _record(
        self, key: str, limit: int, expected: Expected, patience: Patience
    ) -> tuple[Record, dict[str, Packed]] | None:
        """The record for `key`, with what to ask for in place of each file."""
        data = bytearray()
        answer = self._folder.get(f"ac/{key}", RECORD_LIMIT, data.extend, patience)
        if not _was_found(answer.status):
            return None
        try:
            record, packed = _read_record(bytes(data), key)
            expected.check_record(record)
        except ValueError as problem:
            raise RemoteProblem(f"its record ac/{key} is none of ours ({problem})") from None
        if record.size > limit:
            raise RemoteProblem(f"ac/{key} is larger than the whole store may be")
        return record, packed

    def _bring(self, store: Store, blob: Blob, packed: Packed, path: Path, patience: Patience) -> bool:
        """Write a content to `path`; False when the server has it no more."""
        present = store.content(blob)
        if present is not None:
            shutil.copyfile(present, path)
        elif not self._download(blob, packed, path, patience):
            return False
        path.chmod(0o755 if blob.executable else 0o644)
        return True

    def _download(self, blob: Blob, packed: Packed, path: Path, patience: Patience) -> bool:
        from bootimage.store.remote_pack import Unpacker

        name = f"cas/{packed.sha256}"
        unpacker = Unpacker(path, blob, packed)
        try:
            answer = self._folder.get(
                name, packed.size, lambda data: _checked(name, lambda: unpacker.feed(data)), patience
            )
            if not _was_found(answer.status):
                return False
            _checked(name, unpacker.finish)
            return True
        finally:
            unpacker.close()

    def _offer(self, store: Store, entry: Entry) -> None:
        if not _was_found(self._folder.head(f"ac/{entry.key}", self._patience()).status):
            self._publish(store, entry)

    def _publish(self, store: Store, entry: Entry) -> None:
        from bootimage.store.remote_pack import pack

        packed: dict[str, Packed] = {}
        patience = self._patience()
        with store.work("publish") as folder:
            for name, blob in entry.blobs.items():
                source, packed[name] = pack(entry.files[name], blob, folder / "packed")
                self._upload(f"cas/{packed[name].sha256}", source, packed[name].size, patience)
        # The record comes last, so that there is never one without its contents.
        self._upload(f"ac/{entry.key}", _write_record(entry.record, packed), None, patience)

    def _upload(self, name: str, body: Path | bytes, size: int | None, patience: Patience) -> None:
        """Write what is not there yet. `size`: what the server must have where it has it."""
        there = self._folder.head(name, patience)
        if not _was_found(there.status):
            _check_written(self._folder.put(name, body, patience).status, name)
        elif size is not None and there.length not in (None, size):
            raise RemoteProblem(
                f"its {name} has {there.length} bytes instead of {size}; it should be removed there"
            )


def _was_found(status: int) -> bool:
    if status == 200:
        return True
    if status in (404, 410):
        return False
    if status in (401, 403):
        raise RemoteProblem(f"it refuses access (status {status})", final=True, hint=_CREDENTIALS_ADVICE)
    _check_proxy(status)
    raise RemoteProblem(f"it answers with status {status}")


def _check_proxy(status: int) -> None:
    if status == 407:
        raise RemoteProblem(
            "its proxy wants a password (status 407)",
            final=True,
            hint="write it as http://USER:PASSWORD@host:port in HTTP_PROXY",
        )


def _check_written(status: int, name: str) -> None:
    if status in (200, 201, 202, 204, 412):  # 412: another was faster
        return
    if status in (401, 403, 405):
        raise RemoteProblem(f"it accepts no upload (status {status})", final=True, hint=_CREDENTIALS_ADVICE)
    _check_proxy(status)
    if status == 507:
        raise RemoteProblem("it is full (status 507)", final=True)
    if status == 413:
        raise RemoteProblem(f"{name} is too large for it (status 413)")
    raise RemoteProblem(f"it answers an upload with status {status}")


def _checked(name: str, act: Callable[[], None]) -> None:
    """Run `act` on what the server sends as `name`, and say so when that cannot be used."""
    try:
        act()
    except ValueError as problem:
        raise RemoteProblem(f"its {name} is damaged: {problem}") from None
    except OSError as problem:
        raise RemoteProblem(f"what it sends cannot be written: {problem.strerror}", final=True) from problem


def _write_record(record: Record, packed: Mapping[str, Packed]) -> bytes:
    from bootimage.store.remote_pack import packed_content

    contents = {name: packed_content(each) for name, each in packed.items()}
    stdout = seal({"record": record_content(record), "packed": contents})
    outputs = [
        (name, Blob(each.sha256, each.size, record.blobs[name].executable))
        for name, each in sorted(packed.items())
    ]
    return encode_action_result(outputs, stdout)


def _read_record(data: bytes, key: str) -> tuple[Record, dict[str, Packed]]:
    from bootimage.store.remote_pack import packed_of

    content = unseal(decode_stdout(data))
    record = record_of(content.get("record", {}), key)
    try:
        return record, {name: packed_of(content["packed"][name], blob) for name, blob in record.blobs.items()}
    except (KeyError, TypeError):
        raise ValueError("a file that it does not say how to get") from None


def open_remote(environ: Mapping[str, str]) -> RemoteCache | None:
    """The user's network cache, or None; no request is made yet. BuildError for a setting that is wrong."""
    settings = remote_settings(environ)
    if settings is None:
        return None
    with _opening:
        return _opened.setdefault(settings, RemoteCache(settings))


# One object a server and process, so that each is asked, and complained of, as one.
_opened: dict[RemoteSettings, RemoteCache] = {}
_opening = threading.Lock()
