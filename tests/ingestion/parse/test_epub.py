"""EPUB: every word once, in the order of the spine, on its chapter's page."""

from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.parse.epub import parse_epub
from rag.errors import CorruptDocument
from tests.ingestion.parse.goldens.book_files import epub
from tests.ingestion.parse.goldens.golden import packed
from tests.ingestion.parse.sections import Section, assert_pages, assert_words, sections


def chapter(section: Section) -> str:
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in section.rows)
    items = "".join(f"<li>{item}</li>" for item in section.items)
    return (
        f"<a id='p'/><h2>{section.heading}</h2>"
        + "".join(f"<p>{text.replace(' ', '<br/>')}</p>".replace("<br/>", " ") for text in section.paragraphs)
        + f"<ul>{items}</ul>"
        + (f"<table>{rows}</table>" if rows else "")
    )


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_words_come_out_once_in_the_order_of_the_spine(data: st.DataObject) -> None:
    written = data.draw(sections())
    names = [f"c{index}" for index in range(len(written))]
    stored = data.draw(st.permutations(names))
    chapters = {name: chapter(written[names.index(name)]) for name in stored}
    extracted = parse_epub(epub(chapters, tuple(names)))
    assert_words(extracted, written)
    assert_pages(extracted, written)


def test_a_declared_encoding_is_believed() -> None:
    body = epub({"a": "<p>x</p>"}, ("a",))
    parts: dict[str, str | bytes] = {
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<rootfile full-path="b.opf"/></container>',
        "b.opf": '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="a" href="my%20text.html"'
        ' media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>',
        "my text.html": '<?xml version="1.0" encoding="iso-8859-2"?><html><p>žluťoučký</p></html>'.encode(
            "iso-8859-2"
        ),
    }
    assert parse_epub(packed(parts)).text == "žluťoučký"
    assert parse_epub(body).text == "x"


@pytest.mark.parametrize(
    "parts",
    [
        {"a": "b"},
        {"META-INF/container.xml": "<container/>"},
        {
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
            '<rootfile full-path="../../etc/passwd"/></container>'
        },
    ],
)
def test_a_book_that_does_not_say_where_its_chapters_are(parts: dict[str, str]) -> None:
    with pytest.raises(CorruptDocument, match="chapters"):
        parse_epub(packed(parts))
