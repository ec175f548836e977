"""Passages as search results that a model cites sentence by sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.adapters.local.chat_messages import origin
from rag.domain.search import Passage
from rag.text.sentences import sentence_spans


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """`number` is the passage's in the prompt; each span of its text is a content block of its own."""

    number: int
    passage: Passage
    spans: tuple[tuple[int, int], ...]

    def block(self) -> dict[str, Any]:
        """As Converse takes it: LangChain's own form of it takes several times as long to translate."""
        return {
            "searchResult": {
                "source": self.passage.document.key,
                "title": origin(self.passage),
                "content": [{"text": self.passage.text[start:end]} for start, end in self.spans],
                "citations": {"enabled": True},
            }
        }

    def quote(self, citation: Mapping[str, Any]) -> str:
        """What is cited as it stands in the passage, or as the model gives it where that differs."""
        given = [str(part.get("text", "")) for part in citation.get("source_content") or ()]
        located = self._located(_location(citation))
        same = "".join("".join(given).split()) == "".join(located.split())
        return located if same or not given else " ".join(given)

    def _located(self, location: Mapping[str, Any]) -> str:
        """From the block `start` to the block before `end`."""
        spans = self.spans[location.get("start", 0) : location.get("end", 0)]
        return self.passage.text[spans[0][0] : spans[-1][1]] if spans else ""


def search_results(passages: Sequence[Passage]) -> tuple[SearchResult, ...]:
    """One a passage, but for those without a word: an empty block is refused."""
    results = (
        SearchResult(number=number, passage=passage, spans=tuple(sentence_spans(passage.text)))
        for number, passage in enumerate(passages)
    )
    return tuple(result for result in results if result.spans)


def cited_result(results: Sequence[SearchResult], citation: Mapping[str, Any]) -> SearchResult | None:
    """None: the citation is of none of them."""
    index = _location(citation).get("search_result_index", -1)
    return results[index] if 0 <= index < len(results) else None


def _location(citation: Mapping[str, Any]) -> Mapping[str, Any]:
    location: Mapping[str, Any] = (citation.get("location") or {}).get("search_result_location") or {}
    return location
