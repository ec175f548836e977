"""Fusion: bounded, monotone, and the same for the same passages in any order."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.fuse import convex, fuse, single_leg
from rag.domain.search import Passage, SearchMode
from tests.doubles.passages import passage

COSINE = st.floats(-1, 1)
BM25 = st.floats(0, 50)
WEIGHT = st.floats(0.01, 5)


@st.composite
def candidates(draw: st.DrawFn) -> list[Passage]:
    """Scored in both legs, or without a keyword match."""
    found = []
    for number in range(draw(st.integers(1, 12))):
        scores = {"semantic": draw(COSINE)}
        if draw(st.booleans()):
            scores["keyword"] = draw(BM25)
        ranks = {leg: draw(st.integers(1, 100)) for leg in scores}
        document = f"doc_{draw(st.integers(1, 3))}"
        found.append(passage("x", document=document, ordinal=number, scores=scores, ranks=ranks))
    return found


def _ids(passages: tuple[Passage, ...]) -> list[str]:
    return [found.chunk_id for found in passages]


@given(candidates(), WEIGHT)
def test_convex_scores_are_shares(found: list[Passage], weight: float) -> None:
    assert all(0 <= item.score <= 1 + 1e-9 for item in convex(found, weight))


@given(candidates(), WEIGHT, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_given(
    found: list[Passage], weight: float, random: Random
) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    for mode in SearchMode:
        assert fuse(shuffled, mode, weight) == fuse(found, mode, weight)


@given(candidates(), WEIGHT, st.sampled_from(["semantic", "keyword"]), st.floats(0, 10))
def test_a_better_leg_never_lowers_a_passage(
    found: list[Passage], weight: float, leg: str, gain: float
) -> None:
    first = found[0]
    better = replace(first, scores={**first.scores, leg: first.scores.get(leg, 0.0) + gain})
    before, after = convex(found, weight), convex([better, *found[1:]], weight)
    assert _ids(after).index(first.chunk_id) <= _ids(before).index(first.chunk_id)


@given(candidates(), WEIGHT)
def test_the_best_comes_first_and_nothing_is_lost(found: list[Passage], weight: float) -> None:
    fused = convex(found, weight)
    assert sorted(_ids(fused)) == sorted(item.chunk_id for item in found)
    assert [item.score for item in fused] == sorted((item.score for item in fused), reverse=True)


def test_without_any_keyword_match_the_cosine_decides() -> None:
    near, far = passage("x", scores={"semantic": 0.8}), passage("x", ordinal=1, scores={"semantic": -0.2})
    assert [item.score for item in convex([far, near], 1.0)] == [0.4, 0.0]


def test_ties_go_by_document_and_ordinal() -> None:
    tied = [passage("x", document=name, ordinal=number) for name in "ba" for number in (2, 1)]
    assert [(p.document.id, p.ordinal) for p in convex(tied, 0.3)] == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
    ]


def test_one_leg_keeps_its_own_scores_and_leaves_the_others_out() -> None:
    matched, unmatched = passage("x", scores={"keyword": 7.5, "semantic": 0.1}), passage("x", ordinal=1)
    assert [item.score for item in single_leg([unmatched, matched], "keyword")] == [7.5]


def test_nothing_fuses_to_nothing() -> None:
    assert convex([], 0.3) == ()
