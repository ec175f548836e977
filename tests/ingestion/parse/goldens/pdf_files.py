"""PDF: columns, repeated headers and footers, hyphenation, encryption, scans."""

import io
from collections.abc import Callable

from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from tests.ingestion.parse.goldens.golden import Golden

Draw = Callable[[Canvas], None]

_LEFT = (
    "The left column tells of",
    "the river and its mills,",
    "which ground the corn of",
    "the whole valley until",
    "the great flood came.",
)
_RIGHT = (
    "The right column tells of",
    "the town and its market,",
    "where the flour was sold",
    "to bakers from far away",
    "on every other Friday.",
)


def pdf(*pages: Draw, password: str | None = None, title: str = "") -> Callable[[], bytes]:
    def make() -> bytes:
        buffer = io.BytesIO()
        encryption = StandardEncryption(password, ownerPassword="owner") if password else None
        canvas = Canvas(buffer, pagesize=A4, encrypt=encryption, invariant=1)
        if title:
            canvas.setTitle(title)
        for draw in pages:
            draw(canvas)
            canvas.showPage()
        canvas.save()
        return buffer.getvalue()

    return make


def lines(*texts: str, left: float = 25, top: float = 250, size: float = 11, leading: float = 6) -> Draw:
    """Lines of text; lengths in millimetres from the page's left and lower edge."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", size)
        for index, text in enumerate(texts):
            canvas.drawString(left * mm, (top - index * leading) * mm, text)

    return draw


def together(*parts: Draw) -> Draw:
    def draw(canvas: Canvas) -> None:
        for part in parts:
            part(canvas)

    return draw


def _report_page(number: int, *body: str) -> Draw:
    return together(
        lines("Relatório anual da Companhia de Águas", top=285, size=9),
        lines(*body),
        lines(f"Página {number} de 4", left=90, top=10, size=9),
    )


def _scan(canvas: Canvas) -> None:
    """A picture of a page: shapes, and no text."""
    for row in range(40):
        canvas.rect(25 * mm, (250 - 5 * row) * mm, 150 * mm, 2 * mm, fill=1)


def _table(canvas: Canvas) -> None:
    canvas.setFont("Helvetica", 11)
    for row, cells in enumerate([("City", "Rain"), ("Bergen", "2250 mm"), ("Oslo", "763 mm")]):
        for column, cell in enumerate(cells):
            canvas.drawString((25 + 60 * column) * mm, (250 - 8 * row) * mm, cell)


GOLDENS = (
    Golden(
        name="two-columns.pdf",
        make=pdf(
            together(
                lines("A Short History of the Valley", top=275, size=18),
                lines(*_LEFT, left=20),
                lines(*_RIGHT, left=110),
            )
        ),
        present=(
            "A Short History of the Valley",
            "the river and its mills",
            "the great flood came",
            "the town and its market",
            "every other Friday",
        ),
        pages=(("market", 1),),
        page_count=1,
    ),
    Golden(
        name="relatorio.pdf",
        make=pdf(
            _report_page(1, "O reservatório do norte encheu em janeiro.", "A captação subiu em seguida."),
            _report_page(2, "A estação de tratamento passou por reforma.", "Custou três milhões."),
            _report_page(3, "As perdas na rede caíram para doze por cento.", "A meta era quinze."),
            _report_page(4, "O conselho aprovou as contas do exercício.", "Nada mais houve."),
            title="Relatório anual 2025",
        ),
        title="Relatório anual 2025",
        present=("reservatório do norte", "estação de tratamento", "perdas na rede", "aprovou as contas"),
        absent=("Página 2 de 4", "Página 3 de 4"),
        pages=(("reservatório", 1), ("tratamento", 2), ("perdas", 3), ("conselho", 4)),
        page_count=4,
    ),
    Golden(
        name="hyphens.pdf",
        make=pdf(
            lines(
                "The committee on international co-",
                "operation discussed the environ-",
                "mental report and the well-known",
                "problems of long-term planning.",
            )
        ),
        present=("environmental report", "well-known problems", "long-term planning"),
        absent=("environ-", "environ mental"),
    ),
    Golden(
        name="hifens.pdf",
        make=pdf(
            lines(
                "A administração reconhece a neces-",
                "sidade de ampliar o sanea-",
                "mento básico do município.",
            )
        ),
        present=("a necessidade de ampliar o saneamento básico do município",),
        absent=("neces-", "sanea-"),
    ),
    Golden(
        name="across-pages.pdf",
        make=pdf(
            lines("Chapter one ends on this page.", top=250),
            lines("Chapter two begins on the next.", top=250),
        ),
        present=("Chapter one ends", "Chapter two begins"),
        pages=(("one", 1), ("two", 2)),
        page_count=2,
    ),
    Golden(
        name="rain-table.pdf",
        make=pdf(_table),
        present=("City", "Rain", "Bergen", "2250 mm", "Oslo", "763 mm"),
    ),
    Golden(name="locked.pdf", make=pdf(lines("Secret words"), password="key"), code="encrypted"),  # noqa: S106 - of a test file
    Golden(name="scan.pdf", make=pdf(_scan, _scan), code="no_text_layer"),
    Golden(name="cut.pdf", make=lambda: pdf(lines("Some words"))()[:300], code="corrupt"),
)
