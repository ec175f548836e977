"""JSON and JSON lines become readable text that keeps names and order."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.parse.json_reader import named_lines, parse_json, parse_json_lines
from ingestion.parse.text_stream import pieces_of
from rag.errors import CorruptDocument, DocumentTooLarge, EmptyDocument


def test_members_stand_under_the_names_on_the_way_to_them() -> None:
    body = {"name": "Ana", "address": {"city": "Recife", "tags": ["a", "b"]}, "age": 31, "none": None}
    extracted = parse_json(json.dumps(body).encode())
    assert extracted.text == "name: Ana\naddress › city: Recife\naddress › tags: a, b\nage: 31"
    assert extracted.title == "Ana"


def test_alike_objects_are_a_table() -> None:
    body = {
        "people": [{"name": "Ana", "home": {"city": "Recife"}}, {"name": "Bo", "home": {"city": "Natal"}}]
    }
    extracted = parse_json(json.dumps(body).encode())
    assert extracted.text == "people:\n\nname | home › city\nAna | Recife\nBo | Natal"
    assert [block.header for block in extracted.blocks] == [False, True, False, False]


def test_objects_that_differ_are_apart() -> None:
    extracted = parse_json(b'[{"a": 1, "list": [{"x": 1}, {"y": 2}]}, {"b": 2}]')
    assert extracted.text == "a: 1\n\nlist › x: 1\n\nlist › y: 2\n\nb: 2"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"a": 1, "a": 2}', "a: 1\na: 2"),
        (b'{"a": NaN, "b": 1e999, "c": 1.10}', "a: NaN\nb: 1e999\nc: 1.10"),
        (b'{"a": ' + b"9" * 6000 + b"}", "a: " + "9" * 6000),
        (b'{"a": true}', "a: true"),
        (b'"just text"', "just text"),
        (b'{"a": "one\\ntwo"}', "a: one\ntwo"),
        (b"[1, 2, 3]", "1, 2, 3"),
        (b'[{"a": 1, "b": 2}, {"b": 3, "a": 4}]', "a: 1\nb: 2\n\nb: 3\na: 4"),
        ('{"a": "ação"}'.encode("utf-16"), "a: ação"),
        (b'\xef\xbb\xbf{"a": 1}', "a: 1"),
        (b'{"a": "\\ud800x"}', "a: �x"),
    ],
)
def test_values(body: bytes, text: str) -> None:
    assert parse_json(body).text == text


@pytest.mark.parametrize(
    ("body", "position"),
    [
        (b'{"a": 1,\n "b": }', "line 2, column 7"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'{"a": 1', "line 1, column 8"),
        (b'{"a": 1}\n{"b": ', "line 2, column 1"),
    ],
)
def test_broken_json_is_corrupt_at_a_position(body: bytes, position: str) -> None:
    with pytest.raises(CorruptDocument, match=position):
        parse_json(body)


@pytest.mark.parametrize("depth", [200, 900, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused(depth: int, opening: bytes, closing: bytes) -> None:
    with pytest.raises(DocumentTooLarge, match="nested"):
        parse_json(opening * depth + b"1" + closing * depth)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'{"a": [null, ""]}'])
def test_values_without_text_are_empty(body: bytes) -> None:
    with pytest.raises(EmptyDocument):
        parse_json(body)


def test_lines_are_a_block_each() -> None:
    body = b'{"a": 1, "b": {"c": "x"}}\n\n{"a": 2}\n'
    extracted = parse_json_lines(body)
    assert [extracted.text[block.start : block.end] for block in extracted.blocks] == [
        "a: 1\nb › c: x",
        "a: 2",
    ]
    assert parse_json(body).text == extracted.text


def test_lines_are_named_by_their_ids_or_numbers() -> None:
    body = b'{"id": "one", "x": 1}\n{}\n{"x": 2}\n{"id": 7.5}\n{"id": "one"}\n{"id": ["a"], "x": 3}'
    found = list(named_lines(pieces_of(body)))
    assert [name for name, _ in found] == ["one", "line 3", "7.5", "line 5", "line 6"]
    assert found[0][1] == '{"id": "one", "x": 1}'


def test_a_broken_line_is_named() -> None:
    with pytest.raises(CorruptDocument, match="line 3"):
        parse_json_lines(b'{"a": 1}\n{"a": 2}\n{"a": \n')


_WORDS = st.sampled_from(["prazo", "ação", "multa", "item", "ver", "nota", "art", "lei"])
_VALUES = st.recursive(
    st.lists(_WORDS, min_size=1, max_size=4).map(" ".join),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_WORDS, inner, max_size=4)),
    max_leaves=10,
)


def words_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [word for inner in value.values() for word in words_of(inner)]
    if isinstance(value, list):
        return [word for inner in value for word in words_of(inner)]
    return [word.upper() for word in value.split()]


def upper(value: Any) -> Any:
    """Values in capitals, to be told from names."""
    if isinstance(value, dict):
        return {name: upper(inner) for name, inner in value.items()}
    return [upper(inner) for inner in value] if isinstance(value, list) else value.upper()


@settings(max_examples=60)
@given(st.one_of(st.dictionaries(_WORDS, _VALUES, min_size=1, max_size=5), st.lists(_VALUES, min_size=1)))
def test_every_word_comes_out_once_and_in_order(value: Any) -> None:
    expected = words_of(value)
    body = json.dumps(upper(value)).encode()
    if not expected:
        with pytest.raises(EmptyDocument):
            parse_json(body)
        return
    found = parse_json(body).text.replace(",", " ").split()
    assert [word for word in found if word.isupper()] == expected


@settings(max_examples=40)
@given(st.lists(st.dictionaries(_WORDS, _VALUES, min_size=1, max_size=4), min_size=1, max_size=6))
def test_every_word_of_lines_comes_out_once_and_in_order(values: list[dict[str, Any]]) -> None:
    expected = words_of(values)
    body = "\n".join(json.dumps(upper(value), ensure_ascii=False) for value in values).encode()
    if expected:
        found = parse_json_lines(body).text.replace(",", " ").split()
        assert [word for word in found if word.isupper()] == expected
