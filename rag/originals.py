"""The bytes behind a document, whichever door it came by."""

from rag.domain.documents import SourceObject
from rag.domain.records import read_record
from rag.ports import Source


def original(source: Source, uri: str, record: bytes | None) -> SourceObject:
    """`record`: the Kinesis record of a document that came as one.

    Raises SourceObjectNotFound and, for a record that breaks the producer contract, InvalidRecord.
    """
    if record is None:
        return source.fetch(uri)
    said = read_record(record)
    body = source.fetch(said.s3_uri).body if said.s3_uri else said.body
    return SourceObject(body=body or b"", attributes=said.attributes)


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
