"""XML: text in document order, elements as tables and lines, and nothing fetched or blown up."""

from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.parse.xml_reader import parse_xml
from rag.domain.content import BlockKind
from rag.errors import CorruptDocument, DocumentTooLarge, EmptyDocument


def test_alike_elements_are_a_table() -> None:
    extracted = parse_xml(b"<l><p id='1'><n>Ana</n><c>Recife</c></p><p id='2'><n>Bo</n></p></l>")
    assert extracted.text == "p:\n\nid | n | c\n1 | Ana | Recife\n2 | Bo"
    assert [block.header for block in extracted.blocks] == [False, True, False, False]


def test_a_section_stands_under_its_title() -> None:
    body = (
        "<livro><title>Guia</title><cap><title>Prazos</title><para>Pague em <b>30</b> dias.</para>"
        "<nota>fim</nota></cap></livro>"
    )
    extracted = parse_xml(body.encode())
    assert [(block.kind, block.level) for block in extracted.blocks[:2]] == [
        (BlockKind.HEADING, 1),
        (BlockKind.HEADING, 2),
    ]
    assert extracted.text == "Guia\n\nPrazos\n\nPague em 30 dias.\n\nnota: fim"
    assert extracted.title == "Guia"


def test_attributes_are_text_and_namespaces_are_not() -> None:
    body = b'<a xmlns:x="urn:x" x:schema="s"><x:item price="3">Pen</x:item></a>'
    assert parse_xml(body).text == "item › price: 3\nitem: Pen"


def test_a_comment_is_not_there() -> None:
    assert parse_xml(b"<a><!-- x --><city>Re<!-- y -->cife</city></a>").text == "city: Recife"


def test_markup_inside_of_text_is_read_as_html() -> None:
    assert parse_xml(b"<feed><e><![CDATA[<p>One <b>two</b></p><ul><li>x</li></ul>]]></e></feed>").text == (
        "One two\n\n- x"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_encodings(encoding: str) -> None:
    body = f"<?xml version='1.0' encoding='{encoding}'?><a>ação</a>".encode(encoding)
    assert parse_xml(body).text == "a: ação"


def test_entities_are_named_and_not_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    body = f"<!DOCTYPE a [<!ENTITY x SYSTEM '{secret.as_uri()}'><!ENTITY y 'inner'>]><a>see &x; and &y;</a>"
    assert parse_xml(body.encode()).text == "see &x; and &y;"


def test_entities_that_multiply_stay_small() -> None:
    levels = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 10))
    body = f"<!DOCTYPE a [<!ENTITY e0 'boom'>{levels}]><a>&e9;</a>"
    with pytest.raises(DocumentTooLarge, match="multiply"):
        parse_xml(body.encode())


@pytest.mark.parametrize("body", [b"<a><b></a>", b"<a>", b"text", b"<a>&nope;</a>"])
def test_broken_xml_is_corrupt_at_a_position(body: bytes) -> None:
    with pytest.raises(CorruptDocument, match="line 1"):
        parse_xml(body)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(DocumentTooLarge, match="nested"):
        parse_xml(b"<a>" * 10_000 + b"x" + b"</a>" * 10_000)


def test_no_text_is_empty() -> None:
    with pytest.raises(EmptyDocument):
        parse_xml(b"<a><b/></a>")


_WORDS = st.sampled_from(["Prazo", "Ação", "Ünder", "R&D", "5<6", "Z"])
_TEXTS = st.lists(_WORDS, min_size=1, max_size=5).map(" ".join)
_NAMES = st.sampled_from(["item", "note", "price", "title", "para"])


def element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"


_TREES = st.recursive(
    st.builds(element, _NAMES, _TEXTS.map(escape)),
    lambda inner: st.builds(element, _NAMES, st.lists(inner, min_size=1, max_size=5).map("".join)),
    max_leaves=25,
)
_MIXED = st.lists(st.tuples(_TEXTS.map(escape), _TREES), min_size=1, max_size=4).map(
    lambda pairs: element("root", " ".join(f"{text} {tree}" for text, tree in pairs))
)


def written_words(body: str) -> list[str]:
    text = body.replace("<", " <").replace(">", "> ")
    return [
        word.replace("&lt;", "<").replace("&amp;", "&") for word in text.split() if not word.startswith("<")
    ]


@given(st.one_of(_TREES.map(lambda tree: element("root", tree)), _MIXED))
def test_every_word_comes_out_once_and_in_order(body: str) -> None:
    found = parse_xml(body.encode()).text.split()
    expected = written_words(body)
    assert [word for word in found if word[0].isupper() or word == "5<6"] == expected


_ROWS = st.fixed_dictionaries(
    {
        "name": _TEXTS.map(escape),
        "city": st.sampled_from(["Recife", "", "  São  Luís ", "a\nb", "&lt;b>x&lt;/b>"]),
    }
)
_OTHERS = (
    "",
    "<p><name>Ana</name></p>",
    "<p><name>Ana</name><name>Bo</name></p>",
    "<p><name>Ana<city>Olinda</city></name></p>",
    "<p><name>Ana</name><!-- once --><city>Olinda</city></p>",
    "<p><name role='head'>Ana</name><city>Olinda</city></p>",
    "<p since='2026'><name>Ana</name><city>Olinda</city></p>",
    "<p>Old: <name>Ana</name><city>Olinda</city></p>",
    "<p><name>Ana</name> of <city>Olinda</city></p>",
    f"<p><name>Ana</name><city>{'Olinda' * 60}</city></p>",
)


@pytest.mark.parametrize("other", _OTHERS)
@settings(max_examples=20)
@given(rows=st.lists(_ROWS, min_size=1, max_size=3))
def test_many_records_are_read_as_any_are(rows: list[dict[str, str]], other: str) -> None:
    """Many are read by a quicker way, not taken where a DOCTYPE says that there may be entities."""
    records = [element("p", "".join(element(*cell) for cell in row.items())) for row in rows * 50]
    body = element("list", "".join(records) + other)
    quick, thorough = parse_xml(body.encode()), parse_xml(f"<!DOCTYPE list>{body}".encode())
    assert (quick.text, [*quick.blocks]) == (thorough.text, [*thorough.blocks])
