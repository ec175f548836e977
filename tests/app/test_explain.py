"""The true reason why a document is, or is not, among the results."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from app.explain import Explanation, explain
from rag.domain.filters import And, Comparison, Filter, Not, Or
from rag.domain.search import Passage, SearchMode, SearchRequest
from rag.errors import ModelUnavailable
from tests.doubles.library import Library

QUERY = "When are refunds paid?"


@dataclass(frozen=True, kw_only=True)
class LastFirst:
    """Turns the order round."""

    model_id: str = "last-first"

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[float]:
        assert query
        return [float(place) for place in range(len(passages))]


@pytest.fixture
def filled(library: Library) -> Library:
    library.add("refunds.txt", "Refunds are paid within five working days.", year=2024, team={"name": "ops"})
    library.add("cards.txt", "Refunds to cards are paid by the bank of the card, later on.", year=2026)
    library.add("garden.txt", "The garden is open on Fridays.", year=2026)
    return library


def _explain(
    library: Library, document: str, request: SearchRequest, *, reranker: LastFirst | None = None
) -> Explanation:
    return explain(library.store, library.backend.embedder, request, document, reranker=reranker)


def _codes(explanation: Explanation) -> list[str]:
    return [reason.code for reason in explanation.reasons]


def test_a_found_document_has_its_rank(filled: Library) -> None:
    explanation = _explain(filled, "handbook/refunds.txt", SearchRequest(query=QUERY))
    assert (explanation.found, explanation.rank, explanation.reasons) == (True, 1, ())


def test_an_id_does_as_well(filled: Library) -> None:
    document = filled.store.documents.find("handbook", "cards.txt")
    assert _explain(filled, document.id, SearchRequest(query=QUERY)).rank == 2


@pytest.mark.parametrize("document", ["handbook/none.txt", "none/refunds.txt", "doc_none"])
def test_an_unknown_document_was_never_ingested(filled: Library, document: str) -> None:
    assert _codes(_explain(filled, document, SearchRequest(query=QUERY))) == ["not_ingested"]


def test_a_waiting_document_is_not_ingested_yet(filled: Library) -> None:
    filled.announce("new.txt", "Refunds are paid at once.")
    explanation = _explain(filled, "handbook/new.txt", SearchRequest(query=QUERY))
    assert _codes(explanation) == ["not_ingested"]
    assert "pending" in explanation.reasons[0].detail


def test_a_failed_document_says_why(filled: Library) -> None:
    filled.add("broken.pdf", b"%PDF-1.7 this is no PDF")
    explanation = _explain(filled, "handbook/broken.pdf", SearchRequest(query=QUERY))
    failure = filled.store.documents.find("handbook", "broken.pdf").failure
    assert failure is not None
    assert _codes(explanation) == ["failed"]
    assert failure.code in explanation.reasons[0].detail


def test_another_collection_was_searched(filled: Library) -> None:
    filled.add("other.txt", "Refunds are paid here too.", collection="other")
    request = SearchRequest(query=QUERY, collections=("other",))
    explanation = _explain(filled, "handbook/refunds.txt", request)
    assert _codes(explanation) == ["not_in_collections"]
    assert "other" in explanation.reasons[0].detail


YEAR = Comparison(field="metadata.year", op="gte", value=2025)
KEY = Comparison(field="key", op="starts_with", value="refunds")
TEXT_YEAR = Comparison(field="metadata.year", op="gt", value="2020")
MISSING = Comparison(field="metadata.team.lead", op="eq", value="Ana")


@pytest.mark.parametrize(
    ("condition", "details"),
    [
        (YEAR, ["metadata.year gte 2025: the document has 2024"]),
        (And(filters=(KEY, YEAR)), ["metadata.year gte 2025: the document has 2024"]),
        (TEXT_YEAR, ["a number, which never compares with a string"]),
        (And(filters=(YEAR, MISSING)), ["gte 2025", "metadata.team.lead eq"]),
        (Or(filters=(YEAR, MISSING)), ["(metadata.year gte 2025) or (metadata.team.lead eq"]),
        (Not(filter=KEY), ['not (key starts_with "refunds")']),
        (MISSING, ["no value there"]),
    ],
)
def test_the_clause_that_filters_it_out_is_named(
    filled: Library, condition: Filter, details: list[str]
) -> None:
    explanation = _explain(filled, "handbook/refunds.txt", SearchRequest(query=QUERY, filter=condition))
    assert _codes(explanation) == ["filtered_out"] * len(details)
    for detail, reason in zip(details, explanation.reasons, strict=True):
        assert detail in reason.detail


def test_a_lower_rank_is_told_with_its_scores(filled: Library) -> None:
    explanation = _explain(filled, "handbook/cards.txt", SearchRequest(query=QUERY, top_k=1))
    assert _codes(explanation) == ["ranked_below"]
    assert "rank 2" in explanation.reasons[0].detail
    assert "keyword score" in explanation.reasons[0].detail
    assert "semantic score" in explanation.reasons[0].detail


def test_no_word_of_the_query_occurs(filled: Library) -> None:
    by_words = SearchRequest(query=QUERY, mode=SearchMode.KEYWORD)
    assert _codes(_explain(filled, "handbook/garden.txt", by_words)) == ["no_keyword_match"]
    hybrid = SearchRequest(query=QUERY, top_k=1)
    assert _codes(_explain(filled, "handbook/garden.txt", hybrid)) == ["no_keyword_match", "ranked_below"]


def test_a_score_below_the_least_wanted(filled: Library) -> None:
    request = SearchRequest(query=QUERY, min_score=0.999)
    assert _codes(_explain(filled, "handbook/cards.txt", request)) == ["below_min_score"]


def test_reranking_moves_it_out(filled: Library) -> None:
    request = SearchRequest(query=QUERY, top_k=1, rerank=True)
    explanation = _explain(filled, "handbook/refunds.txt", request, reranker=LastFirst())
    assert _codes(explanation) == ["reranked_out"]
    explanation = _explain(filled, "handbook/cards.txt", request, reranker=LastFirst())
    assert _codes(explanation) == ["ranked_below"]


def test_a_document_that_is_being_deleted_is_not_ingested(filled: Library) -> None:
    event = filled.backend.source.remove("local", "handbook", "cards.txt")
    filled.store.ledger.accept(event, filled.store.collections.get("handbook"))
    explanation = _explain(filled, "handbook/cards.txt", SearchRequest(query=QUERY))
    assert _codes(explanation) == ["not_ingested"]
    assert "deleted" in explanation.reasons[0].detail


def test_a_failed_version_is_told_beside_what_became_of_the_searchable_one(filled: Library) -> None:
    filled.add("cards.txt", b"%PDF-1.7 this is no PDF")
    explanation = _explain(filled, "handbook/cards.txt", SearchRequest(query=QUERY, top_k=1))
    assert _codes(explanation) == ["failed", "ranked_below"]
    assert "version 1 is the one searched" in explanation.reasons[0].detail


def test_below_the_least_score_and_below_the_last_rank(filled: Library) -> None:
    request = SearchRequest(query=QUERY, top_k=1, min_score=0.999)
    assert _codes(_explain(filled, "handbook/cards.txt", request)) == ["below_min_score", "ranked_below"]


def test_the_failing_reranker_of_a_request_that_allows_it_explains_nothing_away(filled: Library) -> None:
    class Away(LastFirst):
        def rerank(self, query: str, passages: Sequence[Passage]) -> list[float]:
            raise ModelUnavailable(f"{query!r}: nobody there for {len(passages)} passages")

    request = SearchRequest(query=QUERY, top_k=1, rerank=True, rerank_fallback=True)
    explanation = _explain(filled, "handbook/cards.txt", request, reranker=Away())
    assert _codes(explanation) == ["ranked_below"]
