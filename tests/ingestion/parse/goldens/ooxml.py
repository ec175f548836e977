"""PPTX files written by hand: a master whose bodies have bullets, and slides of shapes."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.ingestion.parse.goldens.golden import packed

_SCHEMAS = "http://schemas.openxmlformats.org"
NAMESPACES = (
    f'xmlns:a="{_SCHEMAS}/drawingml/2006/main" xmlns:p="{_SCHEMAS}/presentationml/2006/main"'
    f' xmlns:r="{_SCHEMAS}/officeDocument/2006/relationships"'
    f' xmlns:c="{_SCHEMAS}/drawingml/2006/chart" xmlns:dgm="{_SCHEMAS}/drawingml/2006/diagram"'
)
_CENTIMETRE = 360_000
_MASTER = (
    f"<p:sldMaster {NAMESPACES}><p:cSld><p:spTree/></p:cSld><p:txStyles><p:bodyStyle>"
    + "".join(f'<a:lvl{level}pPr><a:buChar char="•"/></a:lvl{level}pPr>' for level in range(1, 6))
    + "</p:bodyStyle></p:txStyles></p:sldMaster>"
)
_LAYOUT = f"<p:sldLayout {NAMESPACES}><p:cSld><p:spTree/></p:cSld></p:sldLayout>"
Place = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Slide:
    """`parts`: what the slide's shapes point to, by relationship id: (kind, XML)."""

    shapes: str
    notes: str = ""
    hidden: bool = False
    parts: tuple[tuple[str, str, str], ...] = ()


def paragraph(text: str, level: int = 0, bullet: str = "") -> str:
    return f'<a:p><a:pPr lvl="{level}">{bullet}</a:pPr><a:r><a:t>{text}</a:t></a:r></a:p>'


def shape(*paragraphs: str, kind: str = "", at: Place | None = None) -> str:
    """`kind`: a placeholder's type. `at`: left, top, width and height in centimetres."""
    holder = f'<p:ph type="{kind}"/>' if kind else ""
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="s"/><p:cNvSpPr/><p:nvPr>{holder}</p:nvPr></p:nvSpPr>'
        f"<p:spPr>{_frame(at, 'a') if at else ''}</p:spPr>"
        f"<p:txBody><a:bodyPr/>{''.join(paragraphs)}</p:txBody></p:sp>"
    )


def group(*shapes: str, at: Place) -> str:
    return f"<p:grpSp><p:nvGrpSpPr/><p:grpSpPr>{_frame(at, 'a')}</p:grpSpPr>{''.join(shapes)}</p:grpSp>"


def graphic(content: str, at: Place) -> str:
    data = f"<a:graphic><a:graphicData>{content}</a:graphicData></a:graphic>"
    return f"<p:graphicFrame><p:nvGraphicFramePr/>{_frame(at, 'p')}{data}</p:graphicFrame>"


def table(*rows: Sequence[str]) -> str:
    """Cells are texts, or whole a:tc elements."""
    written = "".join(f"<a:tr>{''.join(_cell(each) for each in row)}</a:tr>" for row in rows)
    return f'<a:tbl><a:tblPr firstRow="1"/><a:tblGrid/>{written}</a:tbl>'


def _cell(text: str) -> str:
    body = f"<a:txBody><a:bodyPr/>{paragraph(text)}</a:txBody>"
    return text if text.startswith("<a:tc") else f"<a:tc>{body}</a:tc>"


def _frame(at: Place, prefix: str) -> str:
    left, top, width, height = (round(each * _CENTIMETRE) for each in at)
    inside = f'<a:off x="{left}" y="{top}"/><a:ext cx="{width}" cy="{height}"/>'
    return f"<{prefix}:xfrm>{inside}</{prefix}:xfrm>"


def pptx(*slides: Slide, title: str = "") -> bytes:
    parts = {
        "ppt/slideMasters/slideMaster1.xml": _MASTER,
        "ppt/slideLayouts/slideLayout1.xml": _LAYOUT,
        "ppt/slideLayouts/_rels/slideLayout1.xml.rels": _relationships(
            [("rId1", "slideMaster", "../slideMasters/slideMaster1.xml")]
        ),
        "docProps/core.xml": f'<p xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></p>',
    }
    listed = ""
    targets = []
    for number, slide in enumerate(slides, start=1):
        listed += f'<p:sldId id="{255 + number}" r:id="rId{number}"/>'
        # Names tell nothing of the order: later slides have lower numbers.
        name = f"slide{len(slides) + 1 - number}"
        targets.append((f"rId{number}", "slide", f"slides/{name}.xml"))
        parts |= _slide_parts(name, slide)
    parts["ppt/presentation.xml"] = (
        f"<p:presentation {NAMESPACES}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>"
    )
    parts["ppt/_rels/presentation.xml.rels"] = _relationships(targets)
    return packed(parts)


def _slide_parts(name: str, slide: Slide) -> dict[str, str]:
    show = ' show="0"' if slide.hidden else ""
    parts = {
        f"ppt/slides/{name}.xml": f"<p:sld {NAMESPACES}{show}><p:cSld><p:spTree>{slide.shapes}"
        "</p:spTree></p:cSld></p:sld>"
    }
    targets = [("rId1", "slideLayout", "../slideLayouts/slideLayout1.xml")]
    if slide.notes:
        body = shape(paragraph(slide.notes), kind="body") + shape(paragraph("7"), kind="sldNum")
        parts[f"ppt/notesSlides/{name}.xml"] = (
            f"<p:notes {NAMESPACES}><p:cSld><p:spTree>{body}</p:spTree></p:cSld></p:notes>"
        )
        targets.append(("rId2", "notesSlide", f"../notesSlides/{name}.xml"))
    for identifier, kind, part in slide.parts:
        parts[f"ppt/{kind}s/{name}-{identifier}.xml"] = part
        targets.append((identifier, kind, f"../{kind}s/{name}-{identifier}.xml"))
    parts[f"ppt/slides/_rels/{name}.xml.rels"] = _relationships(targets)
    return parts


def _relationships(targets: Sequence[tuple[str, str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="{identifier}" Type="{_SCHEMAS}/officeDocument/2006/relationships/{kind}"'
        f' Target="{target}"/>'
        for identifier, kind, target in targets
    )
    return f'<Relationships xmlns="{_SCHEMAS}/package/2006/relationships">{listed}</Relationships>'
