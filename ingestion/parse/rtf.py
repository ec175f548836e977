"""RTF: text in any code page, with headings, lists, tables and notes; hidden text and pictures left out."""

from ingestion.parse.builder import TextBuilder, lines, one_line
from ingestion.parse.media_type import RTF
from ingestion.parse.rtf_reader import read_rtf
from ingestion.parse.rtf_state import Paragraph
from ingestion.parse.rtf_tables import Table
from ingestion.parse.style_names import named_heading_level, names_contents, names_title
from rag.domain.content import BlockKind, ExtractedText

_DEEPEST_OUTLINE = 8  # 9 means body text


def parse_rtf(body: bytes) -> ExtractedText:
    document = Document()
    read_rtf(body, document)
    return document.finish()


class Document:
    """Takes what the reader finds, in order, and turns it into blocks."""

    def __init__(self) -> None:
        self.styles: dict[int, str] = {}
        self.title = ""
        self._builder = TextBuilder()
        self._table = Table()
        self._text: list[str] = []
        self._marker = ""
        self._notes: list[str] = []
        self._boxes: list[str] = []

    def add_text(self, text: str) -> None:
        self._text.append(text)

    def add_marker(self, text: str) -> None:
        self._marker += text

    def add_note(self, text: str) -> None:
        self._notes.append(text)

    def add_box(self, text: str) -> None:
        self._boxes.append(text)

    def define_table(self, word: str) -> None:
        self._table.define(word)

    def end_cell(self) -> None:
        self._table.end_cell("".join(self._text))
        self._text.clear()
        self._marker = ""

    def end_row(self) -> None:
        self._table.end_row()

    def end_paragraph(self, paragraph: Paragraph) -> None:
        if paragraph.in_table:
            self._text.append(" ")
            return
        text = lines("".join(self._text))
        self._text.clear()
        self._table.add_to(self._builder)
        if text:
            self._add(text, paragraph)
        self._marker = ""
        self._add_paragraphs(self._boxes)

    def finish(self) -> ExtractedText:
        self.end_paragraph(Paragraph())
        self._add_paragraphs(self._notes)
        return self._builder.finish(RTF, one_line(self.title))

    def _add(self, text: str, paragraph: Paragraph) -> None:
        style = self.styles.get(paragraph.style, "")
        marker = _shown(self._marker)
        if names_contents(style):
            return
        if level := _heading_level(paragraph, style):
            if names_title(style):
                self.title = self.title or one_line(text)
            number = "" if marker == "-" else marker
            self._builder.add(BlockKind.HEADING, one_line(f"{number} {text}"), level=level)
        elif marker:
            self._builder.add(BlockKind.LIST_ITEM, one_line(f"{marker} {text}"), depth=paragraph.depth)
        else:
            self._builder.add(BlockKind.PARAGRAPH, text)

    def _add_paragraphs(self, texts: list[str]) -> None:
        for text in texts:
            for line in text.split("\n\n"):
                self._builder.add(BlockKind.PARAGRAPH, lines(line))
        texts.clear()


def _heading_level(paragraph: Paragraph, style: str) -> int:
    if names_title(style):
        return 1
    if paragraph.outline is not None:
        return min(paragraph.outline + 1, 6) if paragraph.outline <= _DEEPEST_OUTLINE else 0
    return min(named_heading_level(style), 6)


def _shown(marker: str) -> str:
    """A number as it stands; every sign of a bullet font as "-"."""
    text = one_line(marker)
    numbered = any(character.isalnum() for character in text) and (len(text) > 1 or text.isdigit())
    return text if numbered else "-" if text else ""
