"""Marked text as deltas and claims."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rag.adapters.local.marked_text import MarkedText, without_abstention
from rag.domain.answers import Claim, TextDelta


def _read(pieces: list[str]) -> tuple[str, list[Claim]]:
    marked = MarkedText()
    events = [event for piece in pieces for event in marked.feed(piece)] + list(marked.close())
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    return text, [event for event in events if isinstance(event, Claim)]


def _spans(text: str) -> tuple[str, list[tuple[str, str]]]:
    said, claims = _read([text])
    return said, [(said[claim.start : claim.end], claim.quote) for claim in claims]


def test_a_marker_proves_the_text_since_the_one_before() -> None:
    assert _spans('One. [1: "a"] Two. Three. [2: "b"]') == (
        "One. Two. Three.",
        [("One.", "a"), ("Two. Three.", "b")],
    )


def test_two_markers_in_a_row_prove_the_same_text() -> None:
    assert _spans('One. [1: "a"][2: "b"]') == ("One.", [("One.", "a"), ("One.", "b")])


def test_a_marker_before_the_full_stop_leaves_no_gap() -> None:
    assert _spans('One [1: "a"]. Two [1: "b"].') == ("One. Two.", [("One", "a"), ("Two", "b")])


def test_a_marker_before_any_text_proves_nothing() -> None:
    assert _spans('[1: "a"] One.') == ("One.", [])


def test_paragraphs_stay_apart() -> None:
    assert _spans('One. [1: "a"]\n\nTwo.') == ("One.\n\nTwo.", [("One.", "a")])


def test_passages_count_from_zero() -> None:
    assert _read(['One. [3: "a"]'])[1] == [Claim(start=0, end=4, passage=2, quote="a")]


@given(st.text('ab[1: "]\n.', max_size=80), st.lists(st.integers(min_value=0), max_size=5))
def test_claims_lie_within_the_text_however_it_is_cut(text: str, places: list[int]) -> None:
    borders = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    pieces = [text[start:end] for start, end in pairwise(borders)]
    said, claims = _read(pieces)
    assert (said, claims) == _read([text])
    assert all(0 <= claim.start < claim.end <= len(said) for claim in claims)
    assert said == said.strip()


def test_an_abstention_is_not_text() -> None:
    for text in ("INSUFFICIENT_EVIDENCE", " `INSUFFICIENT_EVIDENCE`.", "INSUFFICIENT_EVIDENCE: none says it"):
        assert list(without_abstention(iter(text))) == []


@given(st.lists(st.text("INSUF ab", max_size=5)))
def test_everything_else_is(texts: list[str]) -> None:
    assert "".join(without_abstention(iter(texts))) == "".join(texts)
