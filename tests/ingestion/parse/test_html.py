"""HTML becomes its main text with blocks."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.parse.html import parse_html
from rag.domain.content import BlockKind, ExtractedText
from rag.errors import CorruptDocument, EmptyDocument

_PAGE = """<!doctype html><html><head><title> The
 title </title><style>p{}</style></head><body>
<nav>Menu</nav><header><a>Logo</a></header>
<main><header><h1>Heading</h1></header>
<p>One <b>bold</b>word and<br>a new line.<script>x()</script></p>
<div hidden>secret</div><p style="color: red; display: none">gone</p>
<ul><li>first</li><li>second<ol start=3><li>third</li></ol></li></ul>
<table><caption>Prices</caption><thead><tr><th>Plan<th>Price</tr></thead>
<tr><td>Basic<td><p>R$ 1</p></tr><tr><td>Pro<td>R$ 2</tr></table>
<pre>def f():
    pass</pre>
<h2>More</h2>loose text
</main><aside>Ads</aside><footer>Imprint</footer></body></html>"""


def texts(extracted: ExtractedText) -> list[tuple[BlockKind, str]]:
    return [(block.kind, extracted.text[block.start : block.end]) for block in extracted.blocks]


def test_main_text() -> None:
    extracted = parse_html(_PAGE.encode())
    assert extracted.title == "The title"
    assert texts(extracted) == [
        (BlockKind.HEADING, "Heading"),
        (BlockKind.PARAGRAPH, "One boldword and\na new line."),
        (BlockKind.LIST_ITEM, "- first"),
        (BlockKind.LIST_ITEM, "- second"),
        (BlockKind.LIST_ITEM, "3. third"),
        (BlockKind.PARAGRAPH, "Prices"),
        (BlockKind.TABLE_ROW, "Plan | Price"),
        (BlockKind.TABLE_ROW, "Basic | R$ 1"),
        (BlockKind.TABLE_ROW, "Pro | R$ 2"),
        (BlockKind.CODE, "def f():\n    pass"),
        (BlockKind.HEADING, "More"),
        (BlockKind.PARAGRAPH, "loose text"),
    ]
    assert [block.header for block in extracted.blocks if block.kind is BlockKind.TABLE_ROW] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("tag", ["nav", "aside", "footer", "header"])
def test_a_page_of_boilerplate_alone_keeps_its_text(tag: str) -> None:
    assert parse_html(f"<{tag}>All <b>there</b> is</{tag}>".encode()).text == "All there is"


def test_a_page_header_with_the_only_h1_stays() -> None:
    assert parse_html(b"<header><h1>Title</h1></header><p>Text").text == "Title\n\nText"


@pytest.mark.parametrize(
    ("markup", "encoding"),
    [
        ("<meta charset=iso-8859-1><p>ação “x”", "cp1252"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=windows-1251"><p>Привет', "cp1251"),
        ("<meta charset=utf-16><p>ação", "utf-8"),
        ("<meta charset=nonsense><p>ação", "utf-8"),
        ("<meta charset=utf-8><p>ação", "utf-16"),
        ("<p>ação", "cp1252"),
    ],
)
def test_charsets(markup: str, encoding: str) -> None:
    assert parse_html(markup.encode(encoding)).text == markup.rpartition(">")[2]


def test_layout_tables_are_read_as_blocks() -> None:
    markup = "<table><tr><td><h1>A</h1><p>b</p></td><td><table><tr><td>1<td>2</table></td></tr></table>"
    assert parse_html(markup.encode()).text == "A\n\nb\n\n1 | 2"


def test_a_document_wrapped_in_pre_is_plain_text() -> None:
    blocks = texts(parse_html(b"<html><body><pre>One\nline.\n\n- item</pre>"))
    assert blocks == [(BlockKind.PARAGRAPH, "One\nline."), (BlockKind.LIST_ITEM, "- item")]


@pytest.mark.parametrize("markup", ["<html><body></body></html>", "<img src=x>", "<script>x</script>"])
def test_no_text(markup: str) -> None:
    with pytest.raises(EmptyDocument):
        parse_html(markup.encode())


def test_deep_nesting_is_refused_at_once() -> None:
    started = time.perf_counter()
    with pytest.raises(CorruptDocument, match="nests"):
        parse_html(b"<div>" * 200_000 + b"x")
    assert time.perf_counter() - started < 5


_WORDS = st.lists(st.text("abcdefgáéõç", min_size=1, max_size=6), min_size=1, max_size=6)
_INLINE = st.sampled_from(
    ["{}", "<b>{}</b>", "<a href=x>{}</a>", "<span><i>{}</i></span>", "{}<br>", "{}<!-- c -->"]
)
_BLOCK = st.sampled_from(
    [
        "<p>{}</p>",
        "<div><div>{}</div></div>",
        "<h1>{}</h1>",
        "<ul><li>{}</ul>",
        "<dl><dt>{}</dt></dl>",
        "<blockquote>{}",
        "<table><tr><td>{}</td><td>x</td></tr></table>",
        "<table><tr><td><h2>{}</h2></td></tr></table>",
        "{}<hr>",
        "<section><article>{}</section>",
    ]
)


@given(st.lists(st.tuples(_BLOCK, _INLINE, _WORDS), min_size=1, max_size=8))
def test_words_come_out_once_and_in_order(parts: list[tuple[str, str, list[str]]]) -> None:
    markup, expected = [], []
    for index, (block, inline, words) in enumerate(parts):
        marked = [f"{word}{index}x{position}" for position, word in enumerate(words)]
        expected += marked
        markup.append(block.format(" ".join(inline.format(word) for word in marked)))
    text = parse_html("\n".join(markup).encode()).text
    assert [word for word in text.split() if word in expected] == expected


@pytest.mark.parametrize("codec", ["unicode_escape", "punycode", "rot13", "idna", "undefined", "utf-7"])
def test_codecs_that_are_no_charsets_do_no_harm(codec: str) -> None:
    assert "x" in parse_html(f"<meta charset={codec}><p>x \\ud800 é".encode()).text


def test_boilerplate_inside_boilerplate() -> None:
    page = "<nav>a<aside>b<footer>c<nav>d</nav></footer></aside></nav>" * 200 + "<p>text</p>"
    assert parse_html(page.encode()).text == "text"
