"""A large file's text comes in parts, which joined are the text that the whole file gives."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.parse import builder, plain, text_stream
from ingestion.parse.reader import Limits, parse, parse_file
from rag.domain.content import Block, ExtractedText
from rag.errors import CorruptDocument, DocumentTooLarge, EmptyDocument, UnsupportedMediaType

GENEROUS = Limits(whole_bytes=1_000_000, characters=1_000_000)


@contextmanager
def descriptor_of(body: bytes) -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        file.write(body)
        file.flush()
        yield file.fileno()


def parts_of(body: bytes, name: str, limits: Limits = GENEROUS) -> list[ExtractedText]:
    found: list[ExtractedText] = []
    with descriptor_of(body) as descriptor:
        parse_file(descriptor, len(body), name=name, declared=None, limits=limits, emit=found.append)
    return found


def joined(parts: list[ExtractedText]) -> ExtractedText:
    blocks, start = list[Block](), 0
    for part in parts:
        for each in part.blocks:
            blocks.append(
                Block(
                    kind=each.kind,
                    start=start + each.start,
                    end=start + each.end,
                    level=each.level,
                    header=each.header,
                )
            )
        start += len(part.text)
    text = "".join(part.text for part in parts)
    return ExtractedText(text=text, blocks=tuple(blocks), media_type=parts[0].media_type)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a megabyte elsewhere takes a few characters here."""
    monkeypatch.setattr(builder, "PART_CHARACTERS", 60)
    monkeypatch.setattr(text_stream, "PIECE_BYTES", 37)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "id;nome;nota\n" + "".join(f"{n};ação {n};'sim' e não\n" for n in range(40))),
        ("a.csv", "sep=;\nid;nome\n" + "".join(f'{n};"duas\nlinhas; {n}"\n' for n in range(40))),
        ("a.csv", "id,nome\n" + "".join(f"{n},ana\n" for n in range(9)) + '10,"open\n11,não\n12,ação\n'),
        ("a.csv", "a,b\n1,2\n3,4\n\nc,d\n5,6\n7,8\n" * 8),
        ("a.tsv", "id\tnome\n" + "".join(f"{n}\tação {n}\n" for n in range(40))),
        ("a.jsonl", "".join(f'{{"id": {n}, "título": "ação {n}"}}\n\n' for n in range(40))),
        ("a.txt", "".join(f"Parágrafo {n}\nde duas linhas.\n\n\n- item\n- outro\n \n" for n in range(40))),
        ("a.txt", "uma linha\n" * 3 + "fim"),
    ],
)
def test_the_parts_are_the_whole(name: str, text: str, line_end: str, encoding: str) -> None:
    body = text.replace("\n", line_end).encode(encoding)
    found = parts_of(body, name)
    assert joined(found) == parse(body, name=name)
    assert len(found) > 3 or len(text) < 100
    assert all(len(part.text) < 200 for part in found)


_LINES = st.lists(
    st.text(st.sampled_from('abçã ,;"|\t\v.1-•'), max_size=30) | st.just(""), min_size=1, max_size=40
)


@settings(max_examples=80)
@given(_LINES, st.sampled_from(["a.csv", "a.txt"]), st.sampled_from(["\n", "\r\n"]), st.integers(5, 90))
def test_any_lines_come_out_the_same(lines: list[str], name: str, line_end: str, size: int) -> None:
    body = line_end.join(lines).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(builder, "PART_CHARACTERS", size)
        patched.setattr(text_stream, "PIECE_BYTES", size)
        try:
            whole = parse(body, name=name)
        except EmptyDocument:
            with pytest.raises(EmptyDocument):
                parts_of(body, name)
        else:
            assert joined(parts_of(body, name)) == whole


@settings(max_examples=40)
@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=4), max_size=30))
def test_any_json_lines_come_out_the_same(values: list[dict[str, str]]) -> None:
    values = [{"a": "b"}, *values]
    body = "\n".join(json.dumps(value, ensure_ascii=False) for value in values)
    encoded = body.encode("utf-8", "surrogatepass")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(builder, "PART_CHARACTERS", 50)
        patched.setattr(text_stream, "PIECE_BYTES", 20)
        assert joined(parts_of(encoded, "a.jsonl")) == parse(encoded, name="a.jsonl")


@pytest.mark.usefixtures("small_parts")
def test_a_paragraph_that_never_ends_is_cut_at_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "LONGEST_PARAGRAPH", 100)
    body = b"2026-11-23 12:00 a line of a log\n" * 50
    found = parts_of(body, "a.txt")
    assert joined(found) == parse(body, name="a.txt")
    assert max(block.end - block.start for part in found for block in part.blocks) <= 100
    assert joined(found).text.split() == body.decode().split()


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    ("name", "body", "error", "words"),
    [
        ("a.csv", b"a,b\n" + b"12345678,2\n" * 200, DocumentTooLarge, "ACERVO_MAX_STREAMED_CHARACTERS"),
        ("a.html", b"<p>" + b"word " * 500, DocumentTooLarge, "ACERVO_MAX_DOCUMENT_BYTES"),
        ("a.jsonl", b'{"a": 1}\n' * 60 + b'{"a": \n', CorruptDocument, "line 61"),
        ("a.txt", b"text\n\n" * 90 + b"\0\1\2", UnsupportedMediaType, "binary"),
        ("a.csv", b",,\n" * 400, EmptyDocument, "no text"),
    ],
)
def test_what_cannot_be_read_is_refused_as_it_is_met(
    name: str, body: bytes, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        parts_of(body, name, Limits(whole_bytes=1_000, characters=1_000))


def test_a_line_longer_than_may_be_held_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_stream, "LONGEST_LINE", 1_000)
    monkeypatch.setattr(text_stream, "PIECE_BYTES", 100)
    with pytest.raises(DocumentTooLarge, match="A line"):
        parts_of(b"x," * 600, "a.csv")


def test_other_formats_come_as_one_part() -> None:
    body = b"<h1>Title</h1><p>Text.</p>"
    assert parts_of(body, "a.html") == [parse(body, name="a.html")]


def test_the_file_is_left_where_it_was() -> None:
    with descriptor_of(b"a,b\n1,2\n3,4\n") as descriptor:
        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        for _ in range(2):
            found: list[ExtractedText] = []
            parse_file(descriptor, 12, name="a.csv", declared=None, limits=GENEROUS, emit=found.append)
            assert found[0].text == "a | b\n1 | 2\n3 | 4"
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == before
