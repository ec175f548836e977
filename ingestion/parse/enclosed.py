"""What a file holds that is a document of its own: attachments of a mail, lines of JSON."""

from collections.abc import Iterator
from dataclasses import dataclass

from ingestion.parse.eml import attachments
from ingestion.parse.json_reader import named_lines
from ingestion.parse.media_type import EML, JSON
from ingestion.parse.text_stream import pieces_in, read_at


@dataclass(frozen=True, kw_only=True)
class Enclosed:
    """`name` is unique in its file, and the same in its next version."""

    name: str
    media_type: str
    body: bytes


def enclosed(descriptor: int, size: int, media_type: str) -> Iterator[Enclosed]:
    """Of a mail, or of a file of JSON lines. Raises DocumentRejected."""
    if media_type == EML:
        for each in attachments(read_at(descriptor, 0, size)):
            yield Enclosed(name=each.name, media_type=each.media_type, body=each.body)
    else:
        for name, line in named_lines(pieces_in(descriptor)):
            yield Enclosed(name=name, media_type=JSON, body=line.encode("utf-8", "replace"))
