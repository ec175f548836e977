"""PDF pages with two columns, running titles and broken words: every word once, as a reader takes them."""

import io
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

from ingestion.parse.pdf import parse_pdf

_WIDTH = 230.0
_LEFT, _RIGHT = 50.0, 310.0
_WORDS = [
    *(
        "prazo",
        "pagamento",
        "contrato",
        "fornecedor",
        "emissão",
        "serviço",
        "entrega",
        "cláusula",
        "rescisão",
    ),
    *("service", "within", "thirty", "after", "invoice", "unless", "parties", "agree", "another", "multa"),
]


def wrapped(words: Sequence[str]) -> list[str]:
    return list(simpleSplit(" ".join(words), "Helvetica", 10, _WIDTH))


def page(canvas: Canvas, columns: Sequence[Sequence[str]], *, by_rows: bool, top: float = 740) -> None:
    """Draws two columns of lines, row by row or one column after the other."""
    canvas.setFont("Helvetica", 10)
    places = [
        (x, top - 12 * index, line)
        for x, lines in zip((_LEFT, _RIGHT), columns, strict=True)
        for index, line in enumerate(lines)
    ]
    for x, y, line in sorted(places, key=lambda place: -place[1]) if by_rows else places:
        canvas.drawString(x, y, line)


def drawn(
    pages: Sequence[Sequence[Sequence[str]]], *, by_rows: bool, title: str = "", footer: str = ""
) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    for number, columns in enumerate(pages, start=1):
        canvas.setFont("Helvetica", 10)
        if title:
            canvas.drawString(_LEFT, 800, title)
        page(canvas, columns, by_rows=by_rows)
        if footer:
            canvas.drawString(_LEFT, 40, f"{footer} {number}")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def numbered(count: int, first: int = 0) -> list[str]:
    return [f"{_WORDS[index % len(_WORDS)]}{first + index}" for index in range(count)]


@pytest.mark.parametrize("by_rows", [False, True])
@pytest.mark.parametrize("lengths", [(150, 150), (150, 70), (70, 150)])
def test_two_columns_are_read_one_after_the_other(lengths: tuple[int, int], *, by_rows: bool) -> None:
    words = numbered(sum(lengths))
    columns = [wrapped(words[: lengths[0]]), wrapped(words[lengths[0] :])]
    title = "A heading over the whole width of the page that names what both of the columns are about"
    found = parse_pdf(drawn([columns], by_rows=by_rows, title=title)).text.split()
    assert found == title.split() + words


def test_a_table_is_read_row_by_row() -> None:
    rows = [
        ("Plan", "Price of the plan"),
        ("Basic", "R$ 10"),
        ("Professional", "R$ 25"),
        ("Max", "R$ 1.250"),
    ] * 3
    columns = [[left for left, _ in rows], [right for _, right in rows]]
    found = parse_pdf(drawn([columns], by_rows=True)).text.split()
    assert found == " ".join(f"{left} {right}" for left, right in rows).split()


def test_broken_words_of_columns_drawn_by_rows_are_mended() -> None:
    line = "the service is paid within thirty days of"
    left = [
        f"{line} the imple-",
        "mentation of the contract in the other city",
        *[f"{line} term {n}" for n in range(8)],
    ]
    right = [f"other {line} x{n}" for n in range(10)]
    found = parse_pdf(drawn([[left, right]], by_rows=True)).text
    assert "implementation of the contract" in " ".join(found.split())


_SYLLABLES = (
    "pra",
    "zo",
    "con",
    "tra",
    "to",
    "mul",
    "ta",
    "ser",
    "vi",
    "ço",
    "lei",
    "fis",
    "cal",
    "ren",
    "da",
)


def random_words(count: int, seed: int) -> list[str]:
    """Words in an order that repeats on no other page: what repeats there is a running title."""
    random = Random(seed)
    return ["".join(random.choices(_SYLLABLES, k=random.randint(2, 4))) for _ in range(count)]


@given(st.lists(st.integers(120, 200), min_size=1, max_size=4), st.integers(0, 1000), st.booleans())
@settings(max_examples=30, deadline=None)
def test_every_word_comes_out_once_and_in_order(lengths: list[int], seed: int, by_rows: bool) -> None:  # noqa: FBT001 - drawn
    texts = [random_words(length, seed + number) for number, length in enumerate(lengths)]
    pages = []
    for words in texts:
        lines = wrapped(words)
        middle = (len(lines) + 1) // 2
        pages.append([lines[:middle], lines[middle:]])
    body = drawn(pages, by_rows=by_rows, title="Contract number 7", footer="Page")
    found = parse_pdf(body).text.split()
    running = {"Contract", "number", "7", "Page", *(str(number) for number in range(1, len(pages) + 1))}
    assert [word for word in found if word not in running] == [word for words in texts for word in words]
    assert ("Page" in found) is (len(pages) < 3)
