"""Chunks, and the texts whose tokens the worker counts, as frames (wire.py)."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate, pairwise
from operator import le
from typing import Any

from ingestion.analysis import AnalysedChunk, ChunkPlan
from ingestion.parse.wire import InvalidFrame, from_json, to_json
from rag.domain.content import Chunk, ExtractedText
from rag.domain.documents import Chunking, ChunkingStrategy

CHUNK = "chunk"


def plan_to_json(plan: ChunkPlan) -> bytes:
    return to_json({"do": CHUNK, **asdict(plan)})


def plan_from_json(request: Mapping[str, Any]) -> ChunkPlan:
    chunking = request["chunking"]
    strategy = ChunkingStrategy(chunking["strategy"])
    return ChunkPlan(
        chunking=Chunking(**{**chunking, "strategy": strategy}),
        **{name: request[name] for name in ("most_tokens", "title", "language", "header")},
    )


def pack_chunks(chunks: Sequence[AnalysedChunk]) -> tuple[bytes, bytes]:
    terms = array("q")
    for each in chunks:
        terms.extend(each.terms)
    return to_json({"chunks": [_row(each) for each in chunks]}), terms.tobytes()


def pack_header(header: str | None) -> bytes:
    """The end of a part: what `unpack_chunks` returns for it is a text or None."""
    return to_json({"header": header})


def _row(item: AnalysedChunk) -> tuple[Any, ...]:
    chunk = item.chunk
    return (
        chunk.start,
        chunk.end,
        chunk.page,
        chunk.page_breaks,
        chunk.headings,
        item.context,
        len(item.terms),
    )


class ChunkReader:
    """Chunks of one part of a text, checked: in order, inside of it, and made of what a database can keep."""

    def __init__(self, part: ExtractedText, header: str | None) -> None:
        self.header = header
        self._text = part.text
        self._pages = len(part.page_starts)
        self._ordinal = self._start = 0

    def read(self, parts: Sequence[bytes | bytearray]) -> list[AnalysedChunk]:
        """Raises InvalidFrame."""
        about = from_json(parts[0])
        try:
            if len(parts) == 1:
                header = about["header"]
                self.header = header if header is None else _plain(header)
                return []
            terms = array("q")
            terms.frombytes(parts[1])
            return self._read(about["chunks"], terms)
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidFrame("chunks that cannot be read") from error

    def _read(self, rows: Sequence[Sequence[Any]], terms: "array[int]") -> list[AnalysedChunk]:
        found = []
        position = 0
        for *row, count in rows:
            own = terms[position : position + _offset(count, len(terms) - position)]
            if not all(map(le, own, own[1:])):
                raise InvalidFrame("terms out of order")
            position += count
            found.append(self._chunk(row, own))
        return found

    def _chunk(self, row: Sequence[Any], terms: "array[int]") -> AnalysedChunk:
        start, end, page, page_breaks, headings, context = row
        size = len(self._text)
        if not self._start <= _offset(start, size) < _offset(end, size):
            raise InvalidFrame("chunks out of order")
        chunk = Chunk(
            ordinal=self._ordinal,
            start=start,
            end=end,
            text=self._text[start:end],
            page=None if page is None else _offset(page, self._pages),
            page_breaks=tuple(_offset(each, size) for each in page_breaks),
            headings=tuple(map(_plain, headings)),
        )
        self._ordinal, self._start = self._ordinal + 1, start
        return AnalysedChunk(chunk=chunk, context=_plain(context), terms=terms)


def pack_texts(texts: Sequence[str]) -> tuple[bytes, bytes]:
    return array("I", map(len, texts)).tobytes(), "".join(texts).encode()


def unpack_texts(parts: Sequence[bytes | bytearray]) -> list[str]:
    """Raises InvalidFrame."""
    try:
        sizes, joined = parts
        lengths = array("I")
        lengths.frombytes(sizes)
        text = joined.decode()
    except ValueError as error:
        raise InvalidFrame("texts that cannot be read") from error
    ends = [*accumulate(lengths, initial=0)]
    if ends[-1] != len(text):
        raise InvalidFrame("texts of other lengths")
    return [text[start:end] for start, end in pairwise(ends)]


def _offset(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise InvalidFrame("a figure outside of the text")
    return value


def _plain(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise InvalidFrame("a text that is none")
    value.encode()
    return value
