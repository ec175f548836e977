"""PPTX: titles, bullets, columns, groups, tables, charts, diagrams, notes, hidden slides."""

from tests.ingestion.parse.goldens.golden import Golden, packed
from tests.ingestion.parse.goldens.ooxml import (
    NAMESPACES,
    Slide,
    graphic,
    group,
    paragraph,
    pptx,
    shape,
    table,
)

_NONE = "<a:buNone/>"
_NUMBERED = '<a:buAutoNum type="arabicPeriod"/>'
_LETTERED = '<a:buAutoNum type="alphaLcParenR"/>'


def _talk() -> bytes:
    return pptx(
        Slide(
            shapes=shape(paragraph("Energia solar no Nordeste"), kind="ctrTitle")
            + shape(paragraph("Seminário de março", bullet=_NONE), kind="subTitle"),
            notes="Agradecer aos organizadores.",
        ),
        Slide(
            shapes=shape(paragraph("12"), kind="sldNum")
            + shape(
                paragraph("Irradiação alta"),
                paragraph("mais de 5 kWh por dia", 1),
                paragraph("Terra barata"),
                kind="body",
            )
            + shape(paragraph("Vantagens"), kind="title"),
        ),
        Slide(shapes=shape(paragraph("Rascunho escondido"), kind="title"), hidden=True),
        Slide(shapes=shape(paragraph("Obrigado"), kind="title")),
    )


def _comparison() -> bytes:
    """Two columns under a title, written from the right to the left."""
    return pptx(
        Slide(
            shapes=shape(paragraph("right body"), at=(13, 6, 10, 8))
            + shape(paragraph("right head"), at=(13, 4, 10, 2))
            + shape(paragraph("left body"), at=(2, 6, 10, 8))
            + shape(paragraph("left head"), at=(2, 4, 10, 2))
            + shape(paragraph("Comparison"), kind="title", at=(2, 1, 21, 2)),
        )
    )


def _grouped() -> bytes:
    return pptx(
        Slide(
            shapes=shape(paragraph("after the group"), at=(2, 12, 20, 2))
            + group(
                shape(paragraph("inner lower"), at=(2, 6, 5, 2)),
                group(shape(paragraph("inner upper"), at=(2, 3, 5, 2)), at=(2, 3, 5, 2)),
                at=(2, 3, 10, 6),
            ),
        )
    )


def _table() -> bytes:
    merged = (
        f'<a:tc gridSpan="2"><a:txBody><a:bodyPr/>{paragraph("Totals")}</a:txBody></a:tc>'
        '<a:tc hMerge="1"><a:txBody><a:bodyPr/><a:p/></a:txBody></a:tc>'
    )
    rows = (("City", "Rain", "Sun"), ("Bergen", "much", "little"), (merged, "end"))
    return pptx(Slide(shapes=graphic(table(*rows), (2, 3, 20, 5))))


def _drawn() -> bytes:
    chart = (
        f"<c:chartSpace {NAMESPACES}><c:chart>"
        f"<c:title><c:tx><c:rich>{paragraph('Rain')}</c:rich></c:tx></c:title>"
        "<c:plotArea><c:barChart><c:ser><c:tx><c:strRef><c:strCache><c:pt idx='0'><c:v>mm</c:v></c:pt>"
        "</c:strCache></c:strRef></c:tx><c:cat><c:strRef><c:strCache>"
        "<c:pt idx='0'><c:v>Bergen</c:v></c:pt><c:pt idx='1'><c:v>Oslo</c:v></c:pt></c:strCache>"
        "</c:strRef></c:cat>"
        "<c:val><c:numRef><c:numCache><c:pt idx='0'><c:v>2250</c:v></c:pt>"
        "<c:pt idx='1'><c:v>763.10000000000002</c:v></c:pt></c:numCache>"
        "</c:numRef></c:val></c:ser></c:barChart>"
        "</c:plotArea></c:chart></c:chartSpace>"
    )
    diagram = (
        f"<dgm:dataModel {NAMESPACES}><dgm:ptLst><dgm:pt><dgm:t>{paragraph('Plan')}</dgm:t></dgm:pt>"
        f"<dgm:pt><dgm:t>{paragraph('Build')}</dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>"
    )
    return pptx(
        Slide(shapes=shape(paragraph("Before the chart"))),
        Slide(
            shapes=graphic('<c:chart r:id="rId8"/>', (2, 3, 20, 5))
            + graphic('<dgm:relIds r:dm="rId9"/>', (2, 12, 20, 5)),
            parts=(("rId8", "chart", chart), ("rId9", "diagramData", diagram)),
        ),
    )


def _steps() -> bytes:
    return pptx(
        Slide(
            shapes=shape(
                paragraph("Mix", bullet=_NUMBERED),
                paragraph("slowly", 1, _LETTERED),
                paragraph("well", 1, _LETTERED),
                paragraph("Bake", bullet=_NUMBERED),
                paragraph("No marker here", bullet=_NONE),
            )
        ),
        title="PowerPoint Presentation",
    )


GOLDENS = (
    Golden(
        name="palestra.pptx",
        make=_talk,
        title="Energia solar no Nordeste",
        headings=("Energia solar no Nordeste", "Vantagens", "Obrigado"),
        present=(
            "Energia solar no Nordeste",
            "Seminário de março",
            "Agradecer aos organizadores.",
            "Vantagens",
            "Irradiação alta",
            "mais de 5 kWh por dia",
            "Terra barata",
            "Obrigado",
        ),
        absent=("Rascunho escondido", "12", "- Seminário"),
        items=("Irradiação alta", "mais de 5 kWh por dia", "Terra barata"),
        pages=(("Agradecer", 1), ("Vantagens", 2), ("Obrigado", 4)),
        page_count=4,
    ),
    Golden(
        name="comparison.pptx",
        make=_comparison,
        text="Comparison\n\nleft head\n\nleft body\n\nright head\n\nright body",
    ),
    Golden(name="groups.pptx", make=_grouped, text="inner upper\n\ninner lower\n\nafter the group"),
    Golden(
        name="table.pptx",
        make=_table,
        header=("City", "Rain", "Sun"),
        rows=(("Bergen", "much", "little"), ("Totals", "end")),
    ),
    Golden(
        name="chart.pptx",
        make=_drawn,
        present=("Before the chart", "Rain", "Bergen", "Plan"),
        header=("mm",),
        rows=(("Bergen", "2250"), ("Oslo", "763.1")),
        items=("Plan", "Build"),
        absent=("763.10000000000002",),
        pages=(("Before", 1), ("2250", 2), ("Build", 2)),
    ),
    Golden(
        name="steps.pptx",
        make=_steps,
        text="1. Mix\n  a) slowly\n  b) well\n2. Bake\n\nNo marker here",
        page_count=1,
    ),
    Golden(name="empty.pptx", make=lambda: pptx(Slide(shapes="")), code="empty"),
    Golden(name="cut.pptx", make=lambda: _talk()[:-300], code="corrupt"),
    Golden(
        name="without-slides.pptx",
        make=lambda: packed({"ppt/slides/slide1.xml": "<a/>", "[Content_Types].xml": "<Types/>"}),
        code="corrupt",
    ),
)
