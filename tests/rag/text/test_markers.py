"""Markers read out of a stream, however it is cut."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.markers import MAX_MARKER, Marker, MarkerParser

TEXT = st.text("ab[]:\"'1 \n“”", max_size=60)


def _read(pieces: list[str]) -> tuple[str, list[Marker]]:
    parser = MarkerParser()
    found = [item for piece in pieces for item in parser.feed(piece)] + list(parser.close())
    text = "".join(item for item in found if isinstance(item, str))
    return text, [item for item in found if isinstance(item, Marker)]


def _cut(text: str, places: list[int]) -> list[str]:
    borders = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(borders)]


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ('[2: "exact words"]', "exact words"),
        ("[ 2 : “exact words” ]", "exact words"),
        ('[2: "he said "no" to it"]', 'he said "no" to it'),
        ('[2: "see [3] there"]', "see [3] there"),
        ('[2: "two\nlines"]', "two\nlines"),
        ("[2: 'it's here']", "it's here"),
    ],
)
def test_reads_a_marker(text: str, quote: str) -> None:
    assert _read([f"Before {text} after"]) == ("Before  after", [Marker(passage=2, quote=quote)])


@pytest.mark.parametrize("text", ["[1]", "[see: x]", "a[0]", "[1:2]", "[12345: “x”]", "[", "[1", "[1:"])
def test_other_brackets_are_text(text: str) -> None:
    assert _read([text]) == (text, [])


def test_half_a_marker_at_the_end_is_dropped() -> None:
    assert _read(['Text. [1: "half a quo']) == ("Text. ", [])


def test_what_never_closes_becomes_text() -> None:
    text = '[1: "' + "x" * MAX_MARKER + " and on"
    assert _read([text]) == (text, [])


@given(TEXT, st.lists(st.integers(min_value=0)), st.integers(0, 99), st.text("ab 1é,.", min_size=1))
def test_how_the_stream_is_cut_does_not_matter(text: str, places: list[int], number: int, quote: str) -> None:
    whole = f'{text}[{number}: "{quote}"]{text}'
    assert _read(_cut(whole, places)) == _read([whole])


@given(st.text("ab 1é,.\n"), st.integers(0, 99), st.text("ab 1é,.", min_size=1), st.text("ab 1é,.\n"))
def test_everything_else_stays(before: str, number: int, quote: str, after: str) -> None:
    read = _read([f'{before}[{number}: "{quote}"]{after}'])
    assert read == (before + after, [Marker(passage=number, quote=quote)])


def test_a_megabyte_of_brackets_is_text_in_linear_time() -> None:
    parser, text = MarkerParser(), "[" * 1_000_000
    started = time.process_time()
    said = "".join(
        each for part in (parser.feed(text), parser.close()) for each in part if isinstance(each, str)
    )
    assert said == text
    assert time.process_time() - started < 5
