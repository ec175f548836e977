"""ODT and ODP: outline numbers, lists, tables with repeated and merged cells, notes, deletions, passwords."""

from tests.ingestion.parse.goldens.golden import Golden, packed
from tests.ingestion.parse.goldens.odf import odf

_STYLES = (
    '<text:list-style style:name="Numbered"><text:list-level-style-number text:level="1" style:num-format="1"'
    ' style:num-suffix="."/><text:list-level-style-number text:level="2" style:num-format="a"'
    ' style:num-suffix=")"/></text:list-style>'
    '<style:style style:name="Hidden"><style:text-properties text:display="none"/></style:style>'
    '<style:style style:name="P1" style:parent-style-name="Title"/>'
    '<style:style style:name="HiddenPage"><style:drawing-page-properties presentation:visibility="hidden"/>'
    "</style:style>"
)


def _item(text: str, inner: str = "") -> str:
    return f"<text:list-item><text:p>{text}</text:p>{inner}</text:list-item>"


def _minutes() -> bytes:
    steps = _item("Abertura", f"<text:list>{_item('presença')}{_item('pauta')}</text:list>") + _item(
        "Votação"
    )
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>parágrafo apagado</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        '<text:p text:style-name="P1">Ata da assembleia</text:p>'
        "<text:table-of-content><text:index-body><text:p>Deliberações 3</text:p></text:index-body>"
        "</text:table-of-content>"
        '<text:h text:outline-level="1">Deliberações</text:h>'
        "<text:p>Aos cinco dias<text:s text:c='3'/>de março"
        "<text:note><text:note-citation>1</text:note-citation>"
        "<text:note-body><text:p>Sábado.</text:p></text:note-body></text:note> reuniram-se"
        '<text:span text:style-name="Hidden"> em segredo</text:span> os<text:line-break/>condôminos.'
        "<office:annotation><text:p>comentário do revisor</text:p></office:annotation></text:p>"
        f'<text:list text:style-name="Numbered">{steps}</text:list>'
        "<text:p>Fim.<draw:frame><draw:text-box><text:p>Texto na caixa.</text:p></draw:text-box>"
        "</draw:frame></text:p>"
    )
    return odf("text", body, styles=_STYLES)


def _table() -> bytes:
    def cell(text: str, attributes: str = "") -> str:
        return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"

    header = f"<table:table-row>{cell('Team')}{cell('Points')}{cell('Place')}</table:table-row>"
    rows = (
        cell("Reds") + cell("0", 'table:number-columns-repeated="2"'),
        cell("Blues", 'table:number-rows-spanned="2"') + cell("4") + cell("1st"),
        f"<table:covered-table-cell/>{cell('5')}{cell('2nd')}",
    )
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    table = f"<table:table><table:table-header-rows>{header}</table:table-header-rows>{body}</table:table>"
    return odf("text", table, title="League table")


def _slides() -> bytes:
    def frame(text: str, kind: str, top: int) -> str:
        return (
            f'<draw:frame presentation:class="{kind}" svg:x="2cm" svg:y="{top}cm" svg:width="20cm"'
            f' svg:height="2cm"><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame>'
        )

    return odf(
        "presentation",
        "<draw:page>"
        + frame("Second box", "outline", 8)
        + frame("First box", "outline", 4)
        + frame("Welcome", "title", 1)
        + frame("page footer", "footer", 18)
        + f"<presentation:notes>{frame('Say hello.', 'notes', 1)}</presentation:notes></draw:page>"
        + f'<draw:page draw:style-name="HiddenPage">{frame("Not shown", "title", 1)}</draw:page>'
        + f"<draw:page>{frame('Goodbye', 'title', 1)}</draw:page>",
        styles=_STYLES,
    )


GOLDENS = (
    Golden(
        name="ata.odt",
        make=_minutes,
        title="Ata da assembleia",
        headings=("Ata da assembleia", "Deliberações"),
        present=(
            "Aos cinco dias de março reuniram-se os\ncondôminos.",
            "1. Abertura",
            "a) presença",
            "b) pauta",
            "2. Votação",
            "Fim.",
            "Texto na caixa.",
            "Sábado.",
        ),
        absent=("parágrafo apagado", "em segredo", "comentário do revisor", "Deliberações 3"),
    ),
    Golden(
        name="league.odt",
        make=_table,
        title="League table",
        header=("Team", "Points", "Place"),
        rows=(("Reds", "0", "0"), ("Blues", "4", "1st"), ("Blues", "5", "2nd")),
    ),
    Golden(
        name="slides.odp",
        make=_slides,
        title="Welcome",
        headings=("Welcome", "Goodbye"),
        present=("Welcome", "First box", "Second box", "Say hello.", "Goodbye"),
        absent=("page footer", "Not shown"),
        pages=(("First", 1), ("Goodbye", 3)),
        page_count=3,
    ),
    Golden(name="locked.odt", make=lambda: odf("text", "", encrypted=True), code="encrypted"),
    Golden(name="empty.odt", make=lambda: odf("text", "<text:p/>"), code="empty"),
    Golden(
        name="cut.odt",
        make=lambda: packed(
            {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<cut"}, stored="mimetype"
        ),
        code="corrupt",
    ),
)
