"""Interprets RTF's groups and control words and hands text to a document, decoded."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from ingestion.parse.rtf_state import Destination, Paragraph, State
from ingestion.parse.rtf_tables import DEFINING
from ingestion.parse.rtf_tokens import Kind, Token, tokens
from ingestion.parse.rtf_words import (
    DEFAULT_CODE_PAGES,
    PARAGRAPH_ENDS,
    SIGNS,
    SKIPPED,
    STARRED_TEXT,
    SYMBOL_FONT,
    SYMBOLS,
    charset_codec,
    code_page_codec,
)
from rag.errors import CorruptDocument

# Real files nest a few dozen groups.
_DEEPEST = 1_000
_SYMBOLS_START = 0xF000
_DESTINATIONS = {
    "fonttbl": Destination.FONTS,
    "stylesheet": Destination.STYLES,
    "listtext": Destination.MARKER,
    "pntext": Destination.MARKER,
    "footnote": Destination.NOTE,
    "shptxt": Destination.BOX,
}


class Sink(Protocol):
    styles: dict[int, str]
    title: str

    def add_text(self, text: str) -> None: ...
    def add_marker(self, text: str) -> None: ...
    def add_note(self, text: str) -> None: ...
    def add_box(self, text: str) -> None: ...
    def define_table(self, word: str) -> None: ...
    def end_cell(self) -> None: ...
    def end_row(self) -> None: ...
    def end_paragraph(self, paragraph: Paragraph) -> None: ...


def read_rtf(body: bytes, sink: Sink) -> None:
    """Raises CorruptDocument."""
    start = body.find(b"{\\rtf", 0, 1024)
    if start < 0:
        raise _damaged()
    _Reader(sink).read(tokens(body[start:]))


class _Reader:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._state = State()
        self._outer: list[State] = []
        self._starred = False
        self._left_out = 0  # signs that stand in for a \u
        self._bytes = bytearray()
        self._code_units: list[str] = []
        self._aside: list[str] = []
        self._document_codec = "cp1252"
        self._fonts: dict[int, str | None] = {}
        self._font = 0
        self._style = 0
        self._settings: Mapping[str, Callable[[int | None], None]] = {
            "u": self._take_unicode,
            "uc": self._set_replaced,
            "ansicpg": self._set_code_page,
            "f": self._set_font,
            "fcharset": self._set_charset,
            "s": self._set_style,
            "v": self._set_hidden,
            "deleted": self._set_hidden,
            "plain": self._set_plain,
        }

    def read(self, stream: Iterable[Token]) -> None:
        for token in stream:
            if token.kind is Kind.BYTES:
                self._take_bytes(token.data)
                continue
            self._flush(more_units=token.name == "u")
            self._take(token)
            if not self._outer:
                return
        raise _damaged()

    def _take(self, token: Token) -> None:
        if token.kind is Kind.OPEN:
            self._open()
        elif token.kind is Kind.CLOSE:
            self._close()
        elif self._left_out and (token.kind is Kind.SIGN or token.name in SIGNS):
            self._left_out -= 1
        elif token.kind is Kind.SIGN:
            self._take_sign(token.name)
        else:
            self._left_out = 0
            self._take_word(token.name, token.number)

    def _open(self) -> None:
        if len(self._outer) >= _DEEPEST:
            raise _damaged()
        self._left_out = 0
        self._outer.append(self._state)
        self._state = self._state.inner()
        if self._state.destination is Destination.STYLES:
            self._style = 0

    def _close(self) -> None:
        closed, self._state = self._state, self._outer.pop()
        self._starred = False
        self._left_out = 0
        if closed.destination is not self._state.destination and closed.destination in _ASIDES:
            text = "".join(self._aside)
            self._aside.clear()
            if closed.destination is Destination.NOTE:
                self._sink.add_note(text)
            else:
                self._sink.add_box(text)

    def _take_bytes(self, data: bytes) -> None:
        skipped = min(self._left_out, len(data))
        self._left_out -= skipped
        self._starred = False
        if skipped < len(data) and self._state.destination is not Destination.SKIPPED:
            self._decode_code_units()
            self._bytes += data[skipped:]

    def _take_sign(self, sign: str) -> None:
        self._starred = sign == "*"
        if sign in {"\n", "\r"}:
            self._end_paragraph()
        else:
            self._take_text(SYMBOLS.get(sign, ""))

    def _take_word(self, word: str, number: int | None) -> None:
        starred, self._starred = self._starred, False
        if word in SKIPPED or (starred and word not in STARRED_TEXT):
            self._skip(word)
        elif word in _DESTINATIONS and self._state.destination is not Destination.SKIPPED:
            self._state.destination = _DESTINATIONS[word]
        elif word == "title" and self._outer and self._outer[-1].destination is Destination.SKIPPED:
            self._state.destination = Destination.TITLE
        elif word == "ud":
            self._state.destination = self._state.resumed
        elif word in SIGNS:
            self._take_text(SIGNS[word])
        elif word in DEFAULT_CODE_PAGES:
            self._document_codec = self._state.codec = DEFAULT_CODE_PAGES[word]
        elif word in self._settings:
            self._settings[word](number)
        elif self._state.destination is Destination.BODY:
            self._take_body_word(word, number)
        elif word in PARAGRAPH_ENDS:
            self._take_text("\n\n")

    def _skip(self, word: str) -> None:
        if word == "upr":
            self._state.resumed = self._state.destination
        self._state.destination = Destination.SKIPPED

    def _take_body_word(self, word: str, number: int | None) -> None:
        if word in PARAGRAPH_ENDS:
            self._end_paragraph()
        elif word == "cell":
            self._sink.end_cell()
        elif word == "row":
            self._sink.end_row()
        elif word in DEFINING:
            self._sink.define_table(word)
        else:
            self._set_paragraph(word, number)

    def _set_paragraph(self, word: str, number: int | None) -> None:
        paragraph = self._state.paragraph
        if word == "pard":
            self._state.paragraph = Paragraph()
        elif word == "intbl":
            self._state.paragraph = replace(paragraph, in_table=True)
        elif word == "s":
            self._state.paragraph = replace(paragraph, style=number or 0)
        elif word == "outlinelevel":
            self._state.paragraph = replace(paragraph, outline=number or 0)
        elif word == "ilvl":
            self._state.paragraph = replace(paragraph, depth=min(max(number or 0, 0), 8))

    def _end_paragraph(self) -> None:
        if self._state.destination is Destination.BODY:
            self._sink.end_paragraph(self._state.paragraph)
        else:
            self._take_text("\n\n")

    def _take_unicode(self, number: int | None) -> None:
        self._code_units.append(chr((number or 0) % 0x10000))
        self._left_out = self._state.replaced

    def _set_replaced(self, number: int | None) -> None:
        self._state.replaced = min(max(number or 0, 0), 8)

    def _set_code_page(self, number: int | None) -> None:
        self._document_codec = code_page_codec(number or 0) or self._document_codec
        self._state.codec = self._document_codec

    def _set_font(self, number: int | None) -> None:
        self._font = number or 0
        if self._state.destination is Destination.FONTS:
            self._fonts[self._font] = None
        else:
            self._state.codec = self._fonts.get(self._font) or self._document_codec

    def _set_charset(self, number: int | None) -> None:
        self._fonts[self._font] = charset_codec(number or 0)

    def _set_style(self, number: int | None) -> None:
        if self._state.destination is Destination.STYLES:
            self._style = number or 0
        elif self._state.destination is Destination.BODY:
            self._set_paragraph("s", number)

    def _set_hidden(self, number: int | None) -> None:
        self._state.hidden = number != 0

    def _set_plain(self, _number: int | None) -> None:
        self._state.hidden = False
        self._state.codec = self._fonts.get(0) or self._document_codec

    def _flush(self, *, more_units: bool) -> None:
        if not more_units:
            self._decode_code_units()
        if self._bytes:
            self._take_text(_decoded(bytes(self._bytes), self._state.codec))
            self._bytes.clear()

    def _decode_code_units(self) -> None:
        """UTF-16 code units come one by one; pairs of them are one character."""
        units = "".join(self._code_units)
        self._code_units.clear()
        self._take_text(units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))

    def _take_text(self, text: str) -> None:
        destination = self._state.destination
        if not text or (self._state.hidden and destination in _SHOWN):
            return
        if destination is Destination.BODY:
            self._sink.add_text(text)
        elif destination is Destination.MARKER:
            self._sink.add_marker(text)
        elif destination in _ASIDES:
            self._aside.append(text)
        elif destination is Destination.TITLE:
            self._sink.title += text
        elif destination is Destination.STYLES:
            name = self._sink.styles.get(self._style, "") + text
            self._sink.styles[self._style] = name.strip().rstrip(";")


_ASIDES = frozenset({Destination.NOTE, Destination.BOX})
_SHOWN = _ASIDES | {Destination.BODY, Destination.MARKER}


def _decoded(data: bytes, codec: str) -> str:
    if codec == SYMBOL_FONT:
        return "".join(chr(_SYMBOLS_START + byte) for byte in data)
    return data.decode(codec, "replace")


def _damaged() -> CorruptDocument:
    return CorruptDocument("The RTF file is damaged or cut short. Send the original again.")
