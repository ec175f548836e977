"""Files are read and cut in processes of their own: a crash, a hang or a bomb fails its document alone."""

import atexit
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import BinaryIO, Protocol, TypeAlias, TypeVar

from ingestion.analysis import AnalysedChunk, ChunkPlan
from ingestion.parse.chunk_wire import ChunkReader, plan_to_json
from ingestion.parse.limits import PART_CHARACTERS
from ingestion.parse.wire import ENCLOSED, PAGE_IMAGES, PARSE, PARSE_FILE, InvalidFrame, pack, to_json, unpack
from ingestion.parser_process import Beat, ParserProcess, ProcessLost, Request, crashed, no_beat
from ingestion.units import CountTokens
from rag.domain.content import ExtractedText
from rag.domain.page_images import PageImage
from rag.settings import ParsingSettings
from rag.telemetry import logger

# Of enclosed documents: UTF-8 of text in another encoding, and their names.
_MOST_GROWTH = 3
_MOST_HEADS = 10_000_000

T = TypeVar("T")
_Parts: TypeAlias = Sequence[bytearray]


class Parser(Protocol):
    """Turns files into text."""

    def parse(
        self, body: bytes, *, name: str, declared: str | None = None, beat: Beat = no_beat
    ) -> ExtractedText:
        """The text of a file called `name`, declared as media type `declared`. Raises DocumentRejected.

        `beat` is called every few seconds while the file is read; what it raises ends the reading.
        """

    def parse_file(
        self,
        file: BinaryIO,
        size: int,
        *,
        name: str,
        declared: str | None = None,
        whole_bytes: int,
        beat: Beat = no_beat,
    ) -> Iterator[ExtractedText]:
        """The same of an open file, in parts that joined are its text; only formats without pages have many.

        `whole_bytes`: how large a file may be whose format must be read as a whole.
        """

    def enclosed(
        self, file: BinaryIO, size: int, *, media_type: str, beat: Beat = no_beat
    ) -> Generator[tuple[str, str, bytes], None, None]:
        """Name, media type and bytes of the documents inside of an open file, a mail or JSON lines."""

    def page_images(
        self,
        body: bytes,
        *,
        name: str,
        declared: str | None,
        most_pages: int,
        pages: Sequence[int] | None = None,
        beat: Beat = no_beat,
    ) -> Iterator[PageImage]:
        """The pages of a document for which `parse` raised NoTextLayer, in order; to be read to the end.

        With `pages`, those of a PDF whose numbers they are.
        """

    def chunks(
        self, part: ExtractedText, plan: ChunkPlan, *, count_tokens: CountTokens, beat: Beat = no_beat
    ) -> Generator[AnalysedChunk, None, str | None]:
        """Those of a part of a text; returns the header of the table that the part ends in the middle of."""


class IsolatedParser:
    """Keeps as many processes as threads read files at once; to be closed.

    `beat_seconds`: how often a caller hears that its file is still being read.
    """

    def __init__(self, settings: ParsingSettings, *, beat_seconds: float = 5.0) -> None:
        self._settings = settings
        self._beat_seconds = beat_seconds
        self._idle: deque[ParserProcess] = deque()
        self.peak_bytes = 0  # the most memory that any of the processes had resident

    def parse(
        self, body: bytes, *, name: str, declared: str | None = None, beat: Beat = no_beat
    ) -> ExtractedText:
        """See Parser. Raises ParserUnavailable where no process can be started."""
        request = Request(head=to_json({"do": PARSE, "name": name, "declared": declared}), parts=(body,))
        answers = list(self._answers(request, unpack, beat))
        if len(answers) != 1:
            raise crashed()
        return answers[0]

    def parse_file(
        self,
        file: BinaryIO,
        size: int,
        *,
        name: str,
        declared: str | None = None,
        whole_bytes: int,
        beat: Beat = no_beat,
    ) -> Iterator[ExtractedText]:
        """See Parser. To be read to its end, or closed."""
        about = {"name": name, "declared": declared, "size": size, "whole_bytes": whole_bytes}
        left = self._settings.most_characters

        def read(parts: _Parts) -> ExtractedText:
            nonlocal left
            found = unpack(parts)
            left -= len(found.text)
            if left < 0:
                raise InvalidFrame("more text than there may be")
            return found

        yield from self._answers(Request(head=to_json({"do": PARSE_FILE, **about}), file=file), read, beat)

    def enclosed(
        self, file: BinaryIO, size: int, *, media_type: str, beat: Beat = no_beat
    ) -> Generator[tuple[str, str, bytes], None, None]:
        """See Parser. To be read to its end, or closed."""
        head = to_json({"do": ENCLOSED, "size": size, "media_type": media_type})
        left = _MOST_GROWTH * size + _MOST_HEADS

        def read(parts: _Parts) -> tuple[str, str, bytes]:
            nonlocal left
            left -= sum(map(len, parts))
            if left < 0:
                raise InvalidFrame("more than the file can hold")
            return _enclosed(parts)

        yield from self._answers(Request(head=head, file=file), read, beat)

    def page_images(
        self,
        body: bytes,
        *,
        name: str,
        declared: str | None,
        most_pages: int,
        pages: Sequence[int] | None = None,
        beat: Beat = no_beat,
    ) -> Iterator[PageImage]:
        """See Parser."""
        about = {"name": name, "declared": declared, "most_pages": most_pages, "pages": pages}
        left = most_pages

        def read(parts: _Parts) -> PageImage:
            nonlocal left
            left -= 1
            if left < 0:  # each may be paid for
                raise InvalidFrame("more pages than there may be")
            return _page_image(parts)

        yield from self._answers(
            Request(head=to_json({"do": PAGE_IMAGES, **about}), parts=(body,)), read, beat
        )

    def chunks(
        self, part: ExtractedText, plan: ChunkPlan, *, count_tokens: CountTokens, beat: Beat = no_beat
    ) -> Generator[AnalysedChunk, None, str | None]:
        """See Parser. To be read to its end, or closed."""
        reader = ChunkReader(part, plan.header)
        request = Request(
            head=plan_to_json(plan),
            parts=tuple(pack(part)),
            count_tokens=count_tokens,
            most_seconds=self._settings.parser_seconds * max(1, len(part.text) / PART_CHARACTERS),
        )
        for found in self._answers(request, reader.read, beat):
            yield from found
        return reader.header

    def start(self) -> None:
        """Begins to start a process, so that the first document does not wait for it."""
        if not self._idle:
            self._idle.append(self._started())

    def close(self) -> None:
        while self._idle:
            self._idle.pop().end()

    def _answers(self, request: Request, read: Callable[[_Parts], T], beat: Beat) -> Generator[T, None, None]:
        """What is read of each frame of the answer.

        A process that is lost may have been harmed by an earlier document, or ended from outside. So its
        document is read again, alone in a new one, and only what is lost with that is its own fault.
        """
        seen = 0
        for alone in (False, True):
            try:
                with self._process(beat, new=alone) as process:
                    for number, parts in enumerate(process.ask(request)):
                        if number == seen:
                            found = read(parts)
                            seen += 1
                            yield found
            except ProcessLost as lost:
                if alone:
                    raise lost.rejection from lost
                logger.warning("A parsing process was lost; its document is read again in a new one")
                beat()
            else:
                return

    @contextmanager
    def _process(self, beat: Beat, *, new: bool) -> Iterator[ParserProcess]:
        process = self._started() if new else self._taken()
        process.beat = beat
        try:
            yield process
        except InvalidFrame as error:
            logger.exception("The parsing process answered with something unreadable")
            raise ProcessLost(crashed()) from error
        finally:
            self.peak_bytes = max(self.peak_bytes, process.peak_bytes)
            if process.reusable:
                self._idle.append(process)
            else:
                process.end()

    def _taken(self) -> ParserProcess:
        while self._idle:
            with suppress(IndexError):  # another thread was quicker
                process = self._idle.pop()
                if process.alive:
                    return process
                process.end()
        return self._started()

    def _started(self) -> ParserProcess:
        return ParserProcess(self._settings, beat_seconds=self._beat_seconds)


@cache
def shared_parser() -> IsolatedParser:
    """This process's own, with the limits of its settings; ended with it."""
    parser = IsolatedParser(ParsingSettings())
    atexit.register(parser.close)
    parser.start()
    return parser


def _enclosed(parts: Sequence[bytearray]) -> tuple[str, str, bytes]:
    try:
        name, media_type, body = parts
        return name.decode(), media_type.decode("ascii"), bytes(body)
    except ValueError as error:
        raise InvalidFrame("not an enclosed document") from error


def _page_image(parts: Sequence[bytearray]) -> PageImage:
    try:
        kind, body = parts
        return PageImage(body=bytes(body), document_type=kind.decode("ascii"))
    except ValueError as error:
        raise InvalidFrame("not a page image") from error
