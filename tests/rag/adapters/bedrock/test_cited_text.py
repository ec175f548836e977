"""Whatever way a model's content blocks are streamed, its claims are about its text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.cite import locate
from rag.adapters.bedrock.cited_text import BlockChunk, cited_events
from rag.adapters.bedrock.search_results import search_results
from rag.domain.answers import Claim, TextDelta
from rag.text.markers import INSUFFICIENT_EVIDENCE
from tests.doubles.passages import passage

PASSAGES = (
    passage("The contract ends after sixty days.  It may be renewed.\nNotice is written, not said."),
    passage("午餐在中午供应。咖啡是免费的。"),
    passage(" \n "),
    passage("Coffee is free. " * 3, document="doc_3"),
)
RESULTS = search_results(PASSAGES)


@dataclass(frozen=True, kw_only=True)
class Block:
    """`cited`: search result, first and last content block."""

    text: str
    cited: tuple[tuple[int, int, int], ...] = ()


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    cited = []
    for _ in range(draw(st.integers(0, 3))):
        index = draw(st.integers(0, len(RESULTS) - 1))
        first, last = sorted(
            draw(st.lists(st.integers(0, len(RESULTS[index].spans) - 1), min_size=2, max_size=2))
        )
        cited.append((index, first, last))
    return Block(text=draw(st.text("ab. \n", max_size=12)), cited=tuple(cited))


def _citation(cited: tuple[int, int, int], separator: str | None) -> dict[str, Any]:
    """As langchain-aws gives it. `separator`: joins the cited blocks' texts; None: each its own part."""
    index, first, last = cited
    result = RESULTS[index]
    texts = [result.passage.text[a:b] for a, b in result.spans[first : last + 1]]
    parts = texts if separator is None else [separator.join(texts)]
    location = {"search_result_index": index, "start": first, "end": last + 1}
    return {
        "source_content": [{"text": text} for text in parts],
        "location": {"search_result_location": location},
    }


@st.composite
def streams(draw: st.DrawFn, written: Sequence[Block]) -> list[BlockChunk]:
    """The blocks' texts split anywhere, their citations anywhere between; with or without a block's end."""
    chunks = []
    for number, block in enumerate(written):
        cuts = sorted(draw(st.lists(st.integers(0, len(block.text)), max_size=4)))
        pieces = [block.text[a:b] for a, b in zip([0, *cuts], [*cuts, len(block.text)], strict=True)]
        of_block = [BlockChunk(text=piece, block=number) for piece in pieces]
        for cited in block.cited:
            citation = _citation(cited, draw(st.sampled_from([None, "", " ", "\n"])))
            place = draw(st.integers(0, len(of_block)))
            of_block.insert(place, BlockChunk(block=number, citation=citation))
        chunks += of_block + ([BlockChunk()] if draw(st.booleans()) else [])
    return chunks


@given(data=st.data(), written=st.lists(blocks(), max_size=5))
def test_claims_are_of_their_blocks_and_quotes_of_their_passages(
    data: st.DataObject, written: list[Block]
) -> None:
    events = list(cited_events(data.draw(streams(written)), RESULTS))
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    claims = [event for event in events if isinstance(event, Claim)]
    assert text == "".join(block.text for block in written).strip()
    speaking = [block for block in written if block.text.strip()]
    expected = [(block.text.strip(), cited) for block in speaking for cited in sorted(block.cited)]
    found = []
    for claim in claims:
        located = locate(claim.quote, PASSAGES[claim.passage])
        assert located is not None
        number = next(i for i, result in enumerate(RESULTS) if result.number == claim.passage)
        found.append((text[claim.start : claim.end], number))
    assert sorted(found) == sorted((said, cited[0]) for said, cited in expected)
    assert claims == sorted(claims, key=lambda claim: claim.start)


@given(data=st.data(), written=st.lists(blocks(), min_size=1, max_size=3))
def test_no_claim_before_its_text(data: st.DataObject, written: list[Block]) -> None:
    said = 0
    for event in cited_events(data.draw(streams(written)), RESULTS):
        if isinstance(event, TextDelta):
            said += len(event.text)
        else:
            assert 0 <= event.start < event.end <= said


@given(st.lists(st.integers(0, len(INSUFFICIENT_EVIDENCE)), max_size=4).map(sorted))
def test_an_abstention_is_silent_however_it_is_split(cuts: list[int]) -> None:
    pieces = [
        INSUFFICIENT_EVIDENCE[a:b]
        for a, b in zip([0, *cuts], [*cuts, len(INSUFFICIENT_EVIDENCE)], strict=True)
    ]
    assert not list(cited_events([BlockChunk(text=piece, block=0) for piece in pieces], RESULTS))


def test_a_quote_that_is_not_what_its_location_says_stays_as_it_was_given() -> None:
    citation = _citation((0, 0, 0), None) | {"source_content": [{"text": "The contract ends at once."}]}
    chunks = [BlockChunk(text="It ends.", block=0), BlockChunk(block=0, citation=citation)]
    (claim,) = [event for event in cited_events(chunks, RESULTS) if isinstance(event, Claim)]
    assert claim.quote == "The contract ends at once."
    assert locate(claim.quote, PASSAGES[0]) is None


def test_a_citation_of_nothing_known_claims_nothing() -> None:
    locations: list[Any] = [{}, None, {"search_result_location": {"search_result_index": 9}}]
    chunks = [BlockChunk(text="It ends.", block=0)]
    chunks += [BlockChunk(block=0, citation={"location": location}) for location in locations]
    assert [type(event) for event in cited_events(chunks, RESULTS)] == [TextDelta]
