"""EPUB and RTF."""

from tests.ingestion.parse.goldens.golden import Golden, packed
from tests.ingestion.parse.goldens.plain_files import encoded

_XHTML = (
    '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>'
)
_ENCRYPTION = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"'
    ' xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptedData><e:EncryptionMethod Algorithm="{}"/>'
    "</e:EncryptedData></encryption>"
)


def epub(
    chapters: dict[str, str], spine: tuple[str, ...], *, title: str = "", scrambled_by: str = ""
) -> bytes:
    """`chapters`: bodies by name. `spine`: names in reading order."""
    items = "".join(
        f'<item id="{name}" properties="{name}" href="text/{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in chapters
    )
    references = "".join(f'<itemref idref="{name}"/>' for name in spine)
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        "<rootfiles>"
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf"'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>{title}</dc:title></metadata>'
        f"<manifest>{items}</manifest><spine>{references}</spine>"
        "</package>",
    }
    for name, body in chapters.items():
        parts[f"OEBPS/text/{name}.xhtml"] = f"{_XHTML}<body>{body}</body></html>"
    if scrambled_by:
        parts["META-INF/encryption.xml"] = _ENCRYPTION.format(scrambled_by)
    return packed(parts, stored="mimetype")


_CHAPTERS = {
    "b": "<h1>Capítulo 2</h1><p>Bentinho <i>cresceu</i>.</p><aside><p>Nota do autor.</p></aside>",
    "a": '<h1>Capítulo 1<a id="p1"/></h1><p>Do título do livro.</p>',
    "nav": "<nav><ol><li>Sumário: Capítulo 1</li></ol></nav>",
}


def _novel() -> bytes:
    return epub(_CHAPTERS, ("nav", "a", "b"), title="Dom Casmurro")


def rtf(body: str, head: str = "") -> str:
    return r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial;}" + (
        r"{\f2\fcharset2 Symbol;}{\f3\fcharset128 MS Gothic;}}" + head + body + "}"
    )


_STYLES = r"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\s2 heading 2;}{\*\cs10 Strong;}}"
_RTF_REPORT = rtf(
    r"{\*\generator Word 16}{\header Cabe\'e7alho}\pard\s1 Relat\'f3rio\par\pard\s2 Vis\'e3o geral\par"
    r"\pard A situa\'e7\'e3o \'e9 {\b boa}\emdash  custa \u8364?20.{\v oculto}"
    r"{\footnote\pard Nota final.}\par"
    r"{\pict\pngblip 89504e470d0a}{\field{\*\fldinst HYPERLINK http://x}{\fldrslt um link}}\par"
    r"{\listtext 1.\tab}Primeiro\par{\listtext\f2 \'b7\tab}Segundo\par",
    _STYLES + r"{\info{\title Relat\'f3rio de gest\'e3o}{\author Ana}}",
)
_RTF_TABLE = rtf(
    r"\trowd\trhdr\cellx1000\cellx2000\cellx3000\pard\intbl Year\cell Sales\cell Costs\cell\row"
    r"\trowd\clvmgf\cellx1000\cellx2000\cellx3000\pard\intbl 2024\cell 10\cell 7\par net\cell\row"
    r"\trowd\clvmrg\cellx1000\cellx2000\cellx3000\pard\intbl\cell 12\cell 8\cell\row\pard After.\par"
)

GOLDENS = (
    Golden(
        name="dom-casmurro.epub",
        make=_novel,
        title="Dom Casmurro",
        headings=("Capítulo 1", "Capítulo 2"),
        present=("Do título do livro.", "Bentinho cresceu.", "Nota do autor."),
        absent=("Sumário",),
        pages=(("título", 1), ("Bentinho", 2)),
        page_count=2,
    ),
    Golden(
        name="fonts.epub",
        make=lambda: epub(
            {"a": "<p>Free to read.</p>"}, ("a",), scrambled_by="http://www.idpf.org/2008/embedding"
        ),
        text="Free to read.",
    ),
    Golden(
        name="drm.epub",
        make=lambda: epub(
            {"a": "<p>x</p>"}, ("a",), scrambled_by="http://www.w3.org/2001/04/xmlenc#aes256-cbc"
        ),
        code="encrypted",
    ),
    Golden(name="lost-chapter.epub", make=lambda: epub({"a": "<p>x</p>"}, ("a", "z")), code="corrupt"),
    Golden(
        name="relatorio.rtf",
        make=encoded(_RTF_REPORT, "ascii"),
        title="Relatório de gestão",
        headings=("Relatório", "Visão geral"),
        present=("A situação é boa— custa €20.", "um link", "1. Primeiro", "- Segundo", "Nota final."),
        absent=("oculto", "Cabeçalho", "HYPERLINK", "89504e", "heading", "Arial", "Word 16"),
        items=("Primeiro", "Segundo"),
    ),
    Golden(
        name="table.rtf",
        make=encoded(_RTF_TABLE, "ascii"),
        header=("Year", "Sales", "Costs"),
        rows=(("2024", "10", "7 net"), ("2024", "12", "8")),
        present=("After.",),
    ),
    Golden(
        name="code-pages.rtf",
        make=encoded(
            rtf(
                r"{\f1 \'cc\'e8\'f0}\par{\f3 \'93\'fa\'96\'7b}\par\u-10179?\u-8704?\par\uc0\u1055 \u1103\par"
            ),
            "ascii",
        ),
        text="Мир\n\n日本\n\n😀\n\nПя",
    ),
    Golden(name="cut.rtf", make=encoded(_RTF_REPORT[:-20], "ascii"), code="corrupt"),
    Golden(name="pictures.rtf", make=encoded(rtf(r"{\pict 8950}\par"), "ascii"), code="empty"),
)
