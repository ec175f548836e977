"""PDF: pages, paragraphs, headings, hyphens, running titles, and files that cannot be read."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

from ingestion.parse.pdf import parse_pdf
from rag.domain.content import BlockKind
from rag.errors import CorruptDocument, EmptyDocument, EncryptedDocument, NoTextLayer

_SENTENCE = "O prazo de pagamento é de trinta dias corridos, contados da emissão da nota fiscal. "


def drawn(*pages: Sequence[str], title: str | None = None, key: str | None = None) -> bytes:
    """A page for each sequence of lines, 14 points apart."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, encrypt=StandardEncryption(key) if key else None)
    if title:
        canvas.setTitle(title)
    for lines in pages:
        for index, line in enumerate(lines):
            canvas.drawString(72, 780 - 14 * index, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def painted(paint: Callable[[Canvas], None]) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    paint(canvas)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def test_headings_paragraphs_and_pages() -> None:
    styles = getSampleStyleSheet()
    buffer = io.BytesIO()
    story = [
        Paragraph("Contrato de serviços", styles["Heading1"]),
        Paragraph(_SENTENCE * 4, styles["BodyText"]),
        Paragraph("Pagamento", styles["Heading2"]),
        Paragraph(_SENTENCE * 3, styles["BodyText"]),
        PageBreak(),
        Paragraph("Rescisão", styles["Heading2"]),
        Paragraph(_SENTENCE * 2, styles["BodyText"]),
    ]
    SimpleDocTemplate(buffer, pagesize=A4).build(story)
    extracted = parse_pdf(buffer.getvalue())
    found = [(block.kind, block.level, extracted.text[block.start : block.end]) for block in extracted.blocks]
    assert found == [
        (BlockKind.HEADING, 1, "Contrato de serviços"),
        (BlockKind.PARAGRAPH, 0, (_SENTENCE * 4).strip()),
        (BlockKind.HEADING, 2, "Pagamento"),
        (BlockKind.PARAGRAPH, 0, (_SENTENCE * 3).strip()),
        (BlockKind.HEADING, 2, "Rescisão"),
        (BlockKind.PARAGRAPH, 0, (_SENTENCE * 2).strip()),
    ]
    assert extracted.page_starts == (0, extracted.text.index("Rescisão"))
    assert extracted.title == "Contrato de serviços"


def test_a_word_broken_at_a_line_end_is_mended() -> None:
    body = drawn(
        [
            "The implementa-",
            "tion of a dual-encoder is here and a dual-",
            "encoder is there. Deve-",
            "se ver.",
        ]
    )
    words = parse_pdf(body).text.split()
    assert words[:5] == ["The", "implementation", "of", "a", "dual-encoder"]
    assert words.count("dual-encoder") == 2
    assert "Deve-se" in words


def test_a_sentence_over_a_page_end_stays_in_one_block() -> None:
    extracted = parse_pdf(drawn(["The contract was"], ["signed in Recife."]))
    assert extracted.text == "The contract was signed in Recife."
    assert extracted.page_starts == (0, 17)
    assert len(extracted.blocks) == 1


def test_running_titles_and_page_numbers_are_dropped() -> None:
    words = ["one", "two", "three", "four"]
    pages = [
        ["Handbook", *[f"Body {word} line {n}." for n in range(6)], f"Page {n + 1} of 4"]
        for n, word in enumerate(words)
    ]
    text = parse_pdf(drawn(*pages)).text
    assert "Handbook" not in text
    assert "Page" not in text
    assert all(f"Body {word} line {n}." in text for word in words for n in range(6))


def test_running_titles_of_short_pages_are_dropped_by_their_place() -> None:
    pages = [[f"Body {word}.", "Page 1 of 4"] for word in ("one", "two", "three", "four")]
    assert "Page" not in parse_pdf(drawn(*pages)).text
    assert parse_pdf(drawn(*pages)).text.count("Body") == 4


def test_pages_that_hold_nothing_else_keep_what_repeats() -> None:
    assert parse_pdf(drawn(*[["Top secret"]] * 4)).text.count("Top secret") == 4


def test_titles_on_two_pages_are_kept() -> None:
    page = ["Handbook", "a.", "b.", "c.", "d.", "Page 1"]
    assert parse_pdf(drawn(page, page)).text.count("Handbook") == 2


def test_a_page_without_text_between_others_keeps_the_numbers_right() -> None:
    extracted = parse_pdf(drawn(["First."], [], ["Third."]))
    assert extracted.page_starts == (0, 8, 8)


def test_the_title_of_the_properties_is_used_unless_a_program_wrote_it() -> None:
    assert parse_pdf(drawn(["x"], title="Plano anual")).title == "Plano anual"
    assert parse_pdf(drawn(["x"], title="Microsoft Word - a.doc")).title is None


def test_pages_of_images_have_no_text_layer() -> None:
    with pytest.raises(NoTextLayer, match="OCR"):
        parse_pdf(painted(lambda canvas: canvas.rect(10, 10, 100, 100, fill=1)))


def test_blank_pages_are_empty() -> None:
    with pytest.raises(EmptyDocument):
        parse_pdf(drawn([]))


def test_a_password_is_asked_for() -> None:
    with pytest.raises(EncryptedDocument, match="password"):
        parse_pdf(drawn(["secret"], key="x"))


@pytest.mark.parametrize("body", [b"%PDF-1.7\n", b"%PDF-1.7\ngarbage" * 50])
def test_damaged_files_are_corrupt(body: bytes) -> None:
    with pytest.raises(CorruptDocument):
        parse_pdf(body)


def test_threads_take_turns() -> None:
    bodies = [drawn([f"Document {n} has text."] * 30) for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        texts = [extracted.text for extracted in pool.map(parse_pdf, bodies)]
    assert all(f"Document {n} has" in text for n, text in enumerate(texts))


def test_pages_that_show_something_and_hold_no_text_are_named() -> None:
    def paint(canvas: Canvas) -> None:
        canvas.drawString(72, 700, _SENTENCE)
        canvas.showPage()
        canvas.rect(72, 72, 300, 300, fill=1)  # as a scan shows its page
        canvas.showPage()
        canvas.showPage()  # blank
        canvas.drawString(72, 700, _SENTENCE)

    found = parse_pdf(painted(paint))
    assert (len(found.page_starts), found.unread_pages) == (4, (2,))
