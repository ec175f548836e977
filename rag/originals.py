"""The bytes behind a document, whichever door it came by."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from rag.domain.documents import Attributes, SourceDescription
from rag.domain.records import read_record
from rag.ports import Source

# What is held in memory; more goes to a temporary file.
IN_MEMORY_BYTES = 8_000_000


@dataclass(frozen=True, kw_only=True)
class Original:
    """A document's bytes in a file that is gone with its context; small ones are in memory."""

    file: "SpooledTemporaryFile[bytes]"
    size: int
    sha256: str
    attributes: Attributes
    etag: str

    def body(self) -> bytes:
        self.file.seek(0)
        return self.file.read()

    def on_disk(self) -> BinaryIO:
        """With a descriptor that another process can read."""
        self.file.rollover()
        self.file.flush()
        return cast("BinaryIO", self.file)


@contextmanager
def downloaded(source: Source, uri: str, record: bytes | None) -> Iterator[Original]:
    """`record`: the Kinesis record of a document that came as one.

    Raises SourceObjectNotFound and, for a record that breaks the producer contract, InvalidRecord.
    """
    with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
        found = _download(source, uri, record, cast("BinaryIO", file))
        size = file.tell()
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield Original(file=file, size=size, sha256=digest, attributes=found.attributes, etag=found.etag)


def _download(source: Source, uri: str, record: bytes | None, file: BinaryIO) -> SourceDescription:
    if record is None:
        return source.download(uri, file)
    said = read_record(record)
    if said.s3_uri:
        source.download(said.s3_uri, file)
    else:
        file.write(said.body or b"")
    return SourceDescription(attributes=said.attributes)


def address(
    source: Source, uri: str, record: bytes | None, *, content_type: str, disposition: str
) -> str | None:
    """Where whoever has it may fetch the bytes for DOWNLOAD_LIFETIME; None: they are to be had here.

    Raises SourceObjectNotFound and InvalidRecord.
    """
    stored = uri if record is None else read_record(record).s3_uri
    if stored is None:
        return None
    return source.grant_download(stored, content_type=content_type, disposition=disposition)
