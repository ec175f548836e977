"""The source of local mode: a folder laid out like the bucket, `<collection>/<key…>`."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import BinaryIO
from uuid import uuid4

from watchfiles import Change, watch

from rag.adapters import sidecar
from rag.adapters.signed_uploads import UploadSigner
from rag.domain.documents import Attributes, SourceDescription, SourceEvent, SourceKind, SourceObject
from rag.domain.uploads import Upload, UploadGrant
from rag.errors import InvalidKey, KeyConflict, SourceObjectNotFound
from rag.private_files import create_private, make_private_folder
from rag.telemetry import logger

DEFAULT_TENANT = "local"
LOOK_AGAIN = timedelta(seconds=30)
_SCHEME = "folder:"
_UNFINISHED = ".unfinished"


class FolderSource:
    """Level-triggered: an event says what stands behind a key now, whatever happened in between.

    The order of an event is the time at which the state was looked at, in nanoseconds, taken before
    looking; so an observation never outranks a change that it could not have seen.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._uploads = UploadSigner()
        make_private_folder(self._root / _UNFINISHED)

    def put(
        self,
        tenant: str,
        collection: str,
        key: str,
        body: BinaryIO,
        attributes: Attributes,
        *,
        kind: SourceKind = SourceKind.API,
    ) -> SourceEvent:
        path = self._path(tenant, collection, key)
        _make_room(path)
        # The side-car first: who sees the new bytes must see their attributes too.
        self._write_sidecar(path, attributes)
        self._write(path, body)
        return replace(self._observe(tenant, collection, key, kind), attributes=attributes)

    def describe(self, tenant: str, collection: str, key: str, attributes: Attributes) -> SourceEvent:
        self._write_sidecar(self._path(tenant, collection, key), attributes)
        return self._observe(tenant, collection, key, SourceKind.API)

    def remove(self, tenant: str, collection: str, key: str) -> SourceEvent:
        path = self._path(tenant, collection, key)
        path.unlink(missing_ok=True)
        _sidecar(path).unlink(missing_ok=True)
        return self._observe(tenant, collection, key, SourceKind.API)

    def remove_collection(self, tenant: str, collection: str) -> None:
        folder = self._collection_folder(tenant, collection)
        if folder.is_dir():
            # Renamed first: a crash half-way leaves no half collection behind.
            gone = self._root / _UNFINISHED / uuid4().hex
            folder.rename(gone)
            shutil.rmtree(gone)

    def fetch(self, uri: str) -> SourceObject:
        file = BytesIO()
        found = self.download(uri, file)
        return SourceObject(body=file.getvalue(), attributes=found.attributes)

    def download(self, uri: str, file: BinaryIO) -> SourceDescription:
        path = self._root / uri.removeprefix(_SCHEME)
        if not path.resolve().is_relative_to(self._root):
            raise SourceObjectNotFound("The document's file lies outside the source folder.")
        try:
            with path.open("rb") as stored:
                shutil.copyfileobj(stored, file)
            return SourceDescription(attributes=_attributes(path))
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise SourceObjectNotFound("The document's file is no longer in the source folder.") from error

    def observe(self, tenant: str, collection: str, key: str) -> SourceEvent:
        """What stands behind the key now: an upsert, or a delete where there is no file."""
        return self._observe(tenant, collection, key, SourceKind.FOLDER)

    def grant_upload(self, upload: Upload) -> UploadGrant:
        self._path(upload.tenant, upload.collection, upload.key)
        return self._uploads.grant(upload)

    def granted_upload(self, token: str) -> Upload:
        return self._uploads.granted(token)

    def grant_download(self, uri: str, *, content_type: str, disposition: str) -> None:
        """The bytes are this server's to send."""

    def request_work(self, tenant: str) -> None:
        """The workers of local mode ask the ledger themselves."""

    def scan(self) -> Iterator[SourceEvent]:
        for tenant in self._tenants():
            base = self._tenant_folder(tenant)
            for folder in sorted(filter(_visible_folder, base.iterdir())):
                if not folder.name.startswith("@"):
                    yield from self._scan_collection(tenant, folder)

    def changes(self, stop: Event) -> Iterator[None]:
        """Yields once after every burst of changes and every half a minute, until `stop` is set.

        Notifications can be lost (network file systems) or refused (the kernel's limit of watches).
        """
        try:
            yield from self._notified(stop)
        except (OSError, RuntimeError) as error:
            logger.warning("The source folder cannot be watched and is compared every 30 s: %s", error)
        while not stop.wait(LOOK_AGAIN.total_seconds()):
            yield

    def _tenants(self) -> tuple[str, ...]:
        named = sorted(entry.name[1:] for entry in self._root.iterdir() if entry.name.startswith("@"))
        return (DEFAULT_TENANT, *(name for name in named if name != DEFAULT_TENANT))

    def _notified(self, stop: Event) -> Iterator[None]:
        milliseconds = round(LOOK_AGAIN.total_seconds() * 1000)
        for _ in watch(
            self._root,
            stop_event=stop,
            debounce=400,
            step=50,
            rust_timeout=milliseconds,
            yield_on_timeout=True,
            watch_filter=_outside_unfinished,
        ):
            yield

    def _scan_collection(self, tenant: str, folder: Path) -> Iterator[SourceEvent]:
        for parent, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and not name.endswith(sidecar.SUFFIX):
                    key = (Path(parent) / name).relative_to(folder).as_posix()
                    yield self.observe(tenant, folder.name, key)

    def _observe(self, tenant: str, collection: str, key: str, kind: SourceKind) -> SourceEvent:
        order = f"{time.time_ns():020d}"
        path = self._path(tenant, collection, key)
        state = _state(path)
        return SourceEvent(
            tenant=tenant,
            collection=collection,
            key=key,
            operation="upsert" if state else "delete",
            kind=kind,
            uri=_SCHEME + path.relative_to(self._root).as_posix(),
            order=order,
            etag=f"{state}+{_state(_sidecar(path))}" if state else "",
            size=path.stat().st_size if state else 0,
        )

    def _tenant_folder(self, tenant: str) -> Path:
        return self._root if tenant == DEFAULT_TENANT else self._root / f"@{tenant}"

    def _collection_folder(self, tenant: str, collection: str) -> Path:
        return self._tenant_folder(tenant) / collection

    def _path(self, tenant: str, collection: str, key: str) -> Path:
        folder = self._collection_folder(tenant, collection)
        path = folder / key
        if ".." in path.parts or not path.is_relative_to(folder) or path == folder:
            raise InvalidKey(f"The key {key!r} does not name a file below its collection.", pointer="/key")
        return path

    def _write(self, path: Path, body: BinaryIO) -> None:
        unfinished = self._root / _UNFINISHED / uuid4().hex
        try:
            with create_private(unfinished) as file:
                shutil.copyfileobj(body, file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def _write_sidecar(self, path: Path, attributes: Attributes) -> None:
        content = sidecar.dump(attributes)
        if content is None:
            _sidecar(path).unlink(missing_ok=True)
        else:
            self._write(_sidecar(path), BytesIO(content))


def _make_room(path: Path) -> None:
    try:
        make_private_folder(path.parent)
        crowded = path.is_dir()
    except (FileExistsError, NotADirectoryError):
        crowded = True
    if crowded:
        raise KeyConflict(
            "The source folder cannot hold this key beside the others:"
            " a key that is a file cannot also be the folder of another."
        )


def _attributes(path: Path) -> Attributes:
    beside = _sidecar(path)
    return sidecar.parse(beside.read_bytes()) if beside.is_file() else Attributes()


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + sidecar.SUFFIX)


def _state(path: Path) -> str:
    """Size and time of the last change; empty where there is no file."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return f"{found.st_size}-{found.st_mtime_ns}" if path.is_file() else ""


def _visible_folder(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _outside_unfinished(_change: Change, path: str) -> bool:
    return _UNFINISHED not in Path(path).parts
