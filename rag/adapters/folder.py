"""The source of local mode: a folder laid out like the bucket, `<collection>/<key…>`."""

import errno
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import BinaryIO
from uuid import uuid4

from rag.adapters import sidecar
from rag.adapters.folder_watch import watched
from rag.adapters.upload_grants import UploadGrants
from rag.domain.buckets import validate_tenant
from rag.domain.documents import Attributes, SourceDescription, SourceEvent, SourceKind, SourceObject
from rag.domain.uploads import Upload, UploadGrant
from rag.errors import (
    DocumentTooLarge,
    InvalidKey,
    InvalidSidecar,
    KeyConflict,
    SourceObjectNotFound,
    SourceUnavailable,
    UnreadableFile,
)
from rag.files.copying import copy
from rag.files.keys import key_of, path_of, problem_of_name
from rag.files.opening import Tree, split
from rag.files.skipping import DEFAULT_NAMES, Reason, SkipCount, Skipped, SkipRule
from rag.files.walking import Found, look, walk
from rag.private_files import create_private, make_private_folder
from rag.telemetry import logger

DEFAULT_TENANT = "local"
# No title and metadata need as much.
MOST_SIDECAR_BYTES = 1_000_000
_SCHEME = "folder:"
_UNFINISHED = ".unfinished"


class FolderSource:
    """Level-triggered: an event says what stands behind a key now, whatever happened in between.

    The order of an event is the time at which the state was looked at, in nanoseconds, taken before
    looking; so an observation never outranks a change that it could not have seen.
    """

    def __init__(
        self, root: Path, *, skipped_names: Sequence[str] = DEFAULT_NAMES, most_bytes: int | None = None
    ) -> None:
        """`skipped_names`: patterns of names that are no documents (ACERVO_SKIPPED_NAMES)."""
        self._root = root.resolve()
        self._rule = SkipRule(skipped_names)
        self._most_bytes = most_bytes
        self._said = ""
        self._uploads = UploadGrants()
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
        path = self._path(key)
        folder, name = split(path)
        try:
            with self._tree(tenant, collection).folder(folder, made=True) as descriptor:
                # The side-car first: who sees the new bytes must see their attributes too.
                self._write_sidecar(descriptor, name, attributes)
                self._write(descriptor, name, body)
        except (NotADirectoryError, IsADirectoryError) as error:
            raise KeyConflict(
                "The source folder cannot hold this key beside the others:"
                " a key that is a file cannot also be the folder of another."
            ) from error
        return replace(self._observe(tenant, collection, key, kind), attributes=attributes)

    def describe(self, tenant: str, collection: str, key: str, attributes: Attributes) -> SourceEvent:
        folder, name = split(self._path(key))
        with self._tree(tenant, collection).folder(folder) as descriptor:
            self._write_sidecar(descriptor, name, attributes)
        return self._observe(tenant, collection, key, SourceKind.API)

    def remove(self, tenant: str, collection: str, key: str) -> SourceEvent:
        try:
            folder, name = split(path_of(key))
            with self._tree(tenant, collection).folder(folder) as descriptor:
                _unlink(descriptor, name)
                _unlink(descriptor, name + sidecar.SUFFIX)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except IsADirectoryError as error:
            raise KeyConflict("This is a folder in the source folder; remove it there.") from error
        return self._observe(tenant, collection, key, SourceKind.API)

    def remove_collection(self, tenant: str, collection: str) -> None:
        folder = self._base(tenant) / collection
        if folder.is_dir() and not folder.is_symlink():
            # Renamed first: a crash half-way leaves no half collection behind.
            gone = self._unfinished()
            folder.rename(gone)
            shutil.rmtree(gone)

    def fetch(self, uri: str) -> SourceObject:
        file = BytesIO()
        found = self.download(uri, file)
        return SourceObject(body=file.getvalue(), attributes=found.attributes)

    def download(self, uri: str, file: BinaryIO) -> SourceDescription:
        tree, path = self._located(uri)
        found = look(tree, path, self._rule)
        if isinstance(found, Found):
            _refuse(found)
        try:
            copy(tree, path, file, most_bytes=self._most_bytes)
            return SourceDescription(attributes=_attributes(tree, path))
        except FileNotFoundError as error:
            raise SourceObjectNotFound("The document's file is no longer in the source folder.") from error

    def observe(self, tenant: str, collection: str, key: str) -> SourceEvent:
        """What stands behind the key now: an upsert, or a delete where there is no file."""
        return self._observe(tenant, collection, key, SourceKind.FOLDER)

    def passes_over(self, tenant: str, collection: str, key: str) -> bool:
        """Names that are skipped can be uploaded; and what is in a closed folder is not gone."""
        return isinstance(look(self._tree(tenant, collection), path_of(key), self._rule), Found)

    def grant_upload(self, upload: Upload) -> UploadGrant:
        self._path(upload.key)
        return self._uploads.grant(upload)

    def granted_upload(self, token: str) -> Upload:
        return self._uploads.granted(token)

    def redeem_upload(self, token: str) -> None:
        self._uploads.redeem(token)

    def grant_download(self, uri: str, *, content_type: str, disposition: str) -> None:
        """The bytes are this server's to send."""

    def request_work(self, tenant: str) -> None:
        """The workers of local mode ask the ledger themselves."""

    def scan(self) -> Iterator[SourceEvent]:
        """An upsert for every file, also for one that cannot be read or whose name cannot be a key."""
        skipped = SkipCount()
        for tenant in self._tenants():
            for name in self._collections(tenant, skipped):
                yield from self._scan_collection(tenant, name, skipped)
        if self._said != (said := skipped.sentence()):
            self._said = said
            logger.info("The documents folder was read. %s", said or "Nothing is skipped.")

    def changes(self, stop: Event) -> Iterator[None]:
        """Yields once after every burst of changes and every half a minute, until `stop` is set."""
        return watched(self._root, self._rule, stop)

    def _tenants(self) -> Iterator[str]:
        yield DEFAULT_TENANT
        for entry in self._entries(self._root):
            if entry.name.startswith("@") and entry.is_dir(follow_symlinks=False):
                try:
                    name = validate_tenant(entry.name[1:])
                except InvalidKey:
                    logger.warning("The folder %s is passed over: it names no tenant.", entry.name)
                    continue
                if name != DEFAULT_TENANT:
                    yield name

    def _collections(self, tenant: str, skipped: SkipCount) -> Iterator[str]:
        for entry in self._entries(self._base(tenant)):
            if entry.name.startswith((".", "@")):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield entry.name
            else:
                reason = Reason.FOLDER_LINK if entry.is_dir() else Reason.NO_COLLECTION
                skipped.add(Skipped(path=entry.name, reason=reason))

    def _entries(self, folder: Path) -> list["os.DirEntry[str]"]:
        """Raises SourceUnavailable: a network drive that is away has lost no document."""
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise SourceUnavailable(f"The folder {folder} cannot be read ({error.strerror}).") from error

    def _scan_collection(self, tenant: str, collection: str, skipped: SkipCount) -> Iterator[SourceEvent]:
        order = _now()
        for found in walk(self._tree(tenant, collection), self._rule):
            if isinstance(found, Found):
                yield self._event(tenant, collection, key_of(found.path), found, order)
            else:
                skipped.add(Skipped(path=f"{collection}/{found.path}", reason=found.reason))
            order = _now()

    def _observe(self, tenant: str, collection: str, key: str, kind: SourceKind) -> SourceEvent:
        order = _now()
        path = path_of(key)
        found = look(self._tree(tenant, collection), path, self._rule) if key_of(path) == key else None
        event = self._event(tenant, collection, key, found if isinstance(found, Found) else None, order)
        return replace(event, kind=kind)

    def _event(self, tenant: str, collection: str, key: str, found: Found | None, order: str) -> SourceEvent:
        folder = collection if tenant == DEFAULT_TENANT else f"@{tenant}/{collection}"
        return SourceEvent(
            tenant=tenant,
            collection=collection,
            key=key,
            operation="upsert" if found else "delete",
            kind=SourceKind.FOLDER,
            uri=f"{_SCHEME}{folder}/{key}",
            order=order,
            etag=found.state if found else "",
            size=found.size if found else 0,
        )

    def _base(self, tenant: str) -> Path:
        return self._root if tenant == DEFAULT_TENANT else self._root / f"@{tenant}"

    def _tree(self, tenant: str, collection: str) -> Tree:
        below = () if tenant == DEFAULT_TENANT else (f"@{tenant}",)
        return Tree(root=self._root, below=(*below, collection))

    def _path(self, key: str) -> str:
        if not key or {"", ".", ".."} & set(key.split("/")):
            raise InvalidKey(f"The key {key!r} does not name a file below its collection.", pointer="/key")
        return key

    def _located(self, uri: str) -> tuple[Tree, str]:
        """Raises SourceObjectNotFound where it is no address of this folder."""
        place = uri.removeprefix(_SCHEME)
        tenant, _, rest = place[1:].partition("/") if place.startswith("@") else (DEFAULT_TENANT, "", place)
        collection, slash, key = rest.partition("/")
        if not uri.startswith(_SCHEME) or not slash:
            raise SourceObjectNotFound("The document's file is not in the source folder.")
        return self._tree(tenant, collection), path_of(key)

    def _unfinished(self) -> Path:
        """A name for what is being written; its folder is made again if somebody removed it."""
        folder = self._root / _UNFINISHED
        make_private_folder(folder)
        return folder / uuid4().hex

    def _write(self, folder: int, name: str, body: BinaryIO) -> None:
        unfinished = self._unfinished()
        try:
            with create_private(unfinished) as file:
                shutil.copyfileobj(body, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, name, dst_dir_fd=folder)
        finally:
            unfinished.unlink(missing_ok=True)

    def _write_sidecar(self, folder: int, name: str, attributes: Attributes) -> None:
        content = sidecar.dump(attributes)
        if content is None:
            _unlink(folder, name + sidecar.SUFFIX)
        else:
            self._write(folder, name + sidecar.SUFFIX, BytesIO(content))


def _refuse(found: Found) -> None:
    if found.obstacle:
        raise found.obstacle.error()
    if problem := problem_of_name(found.path):
        raise InvalidKey(problem)


def _attributes(tree: Tree, path: str) -> Attributes:
    content = BytesIO()
    try:
        copy(tree, path + sidecar.SUFFIX, content, most_bytes=MOST_SIDECAR_BYTES)
    except FileNotFoundError:
        return Attributes()
    except (UnreadableFile, DocumentTooLarge) as error:
        raise InvalidSidecar(f"The side-car file cannot be read. {error.detail}") from error
    return sidecar.parse(content.getvalue())


def _unlink(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except OSError as error:  # of the longest names there can be no side-car
        if error.errno not in {errno.ENOENT, errno.ENAMETOOLONG}:
            raise


def _now() -> str:
    return f"{time.time_ns():020d}"
