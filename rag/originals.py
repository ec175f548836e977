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
