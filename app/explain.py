"""Why a document is, or is not, among the results of a search."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.blame import failing_clauses
from app.retrieve import Retriever, embed_query, reranked
from rag.domain.documents import Document, DocumentStatus
from rag.domain.filters import And, Comparison
from rag.domain.search import Candidates, Passage, SearchedCollection, SearchMode, SearchRequest
from rag.errors import NotFound
from rag.ports import BuildEmbedder, Embedder, Reranker, TenantStore

# Deep enough to rank nearly every document; beyond it only the scores are told.
DEPTH = 2000


@dataclass(frozen=True, kw_only=True)
class Reason:
    """`code` is one of not_ingested, failed, not_in_collections, filtered_out, no_keyword_match,
    ranked_below, below_min_score, reranked_out.
    """

    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """`rank` counts from 1 among the results that the search returns."""

    found: bool
    rank: int | None = None
    reasons: tuple[Reason, ...] = ()


def explain(
    store: TenantStore,
    embedder: Embedder,
    request: SearchRequest,
    document: str,
    *,
    other_embedders: Sequence[BuildEmbedder] = (),
    reranker: Reranker | None = None,
) -> Explanation:
    """`document` is an id or `collection/key`. Raises what the search itself would raise."""
    retriever = Retriever(store=store, embedder=embedder, other_embedders=other_embedders, reranker=reranker)
    retrieved = retriever.retrieve(request)
    try:
        wanted = _find(store, document)
    except NotFound:
        return _absent("not_ingested", f"There is no document {document!r}: it was never accepted.")
    rank = _rank(retrieved.passages, wanted)
    if rank is not None:
        return Explanation(found=True, rank=rank)
    return _Search(retriever, request, store.index.collections(request.collections)).explanation(wanted)


def _find(store: TenantStore, document: str) -> Document:
    collection, slash, key = document.partition("/")
    return store.documents.find(collection, key) if slash else store.documents.get(document)


def _absent(code: str, detail: str) -> Explanation:
    return Explanation(found=False, reasons=(Reason(code=code, detail=detail),))


def _rank(passages: Sequence[Passage], document: Document) -> int | None:
    ranks = (rank for rank, passage in enumerate(passages, 1) if passage.document.id == document.id)
    return next(ranks, None)


@dataclass(frozen=True)
class _Search:
    """One search, asked about a document that it did not return."""

    retriever: Retriever
    request: SearchRequest
    collections: tuple[SearchedCollection, ...]

    def explanation(self, document: Document) -> Explanation:
        reasons = (*_ledger_reasons(document), *self._search_reasons(document))
        return Explanation(found=False, reasons=reasons)

    def _search_reasons(self, document: Document) -> Iterator[Reason]:
        if document.version == 0 or document.status is DocumentStatus.DELETING:
            return
        if document.collection not in {collection.name for collection in self.collections}:
            yield Reason(code="not_in_collections", detail=self._collections_detail(document))
            return
        condition = self.request.filter
        if condition is not None and not self.retriever.store.index.matches(document.id, condition):
            for clause in failing_clauses(self.retriever.store.index, document, condition):
                yield Reason(code="filtered_out", detail=clause)
            return
        yield from self._ranking_reasons(document)

    def _collections_detail(self, document: Document) -> str:
        searched = ", ".join(collection.name for collection in self.collections) or "none"
        return f"The document is in collection {document.collection!r}; searched: {searched}."

    def _ranking_reasons(self, document: Document) -> Iterator[Reason]:
        candidates = self._candidates(self.request)
        own = self._own_passages(candidates, document)
        if self.request.mode is not SearchMode.SEMANTIC and not any(p.scores.get("keyword") for p in own):
            yield Reason(code="no_keyword_match", detail=_no_match_detail(candidates))
            if self.request.mode is SearchMode.KEYWORD:
                return
        fused = candidates.passages
        rank = _rank(fused, document)
        if rank is None:
            place = f"beyond the best {DEPTH} of each leg{_legs(_best(own))}"
            yield Reason(code="ranked_below", detail=f"{self._top()}: {place}.")
            return
        yield from self._verdict(fused, rank, document)

    def _verdict(self, fused: Sequence[Passage], rank: int, document: Document) -> Iterator[Reason]:
        """Of the best passage of the document: how the search's own steps lost it."""
        request, reranker = self.request, self.retriever.reranker
        final = reranked(reranker, request, fused)[0] if request.rerank and reranker else fused
        final_rank = _rank(final, document)
        passage = fused[rank - 1] if final_rank is None else final[final_rank - 1]
        where = f"rank {rank} of the fused passages, score {fused[rank - 1].score:.4f}{_legs(passage)}"
        below = request.min_score is not None and passage.score < request.min_score
        if below:
            detail = f"Its score {passage.score:.4f} is below min_score {request.min_score:g}: {where}."
            yield Reason(code="below_min_score", detail=detail)
        if request.rerank and rank <= request.top_k and final_rank != rank and not below:
            detail = f"Reranking moved it to rank {final_rank}. {self._top()}: {where}."
            yield Reason(code="reranked_out", detail=detail)
        elif rank > request.top_k or not below:
            yield Reason(code="ranked_below", detail=f"{self._top()}: {where}.")

    def _top(self) -> str:
        return f"Only the top {self.request.top_k} are returned"

    def _candidates(self, request: SearchRequest) -> Candidates:
        vector = embed_query(self.retriever.embedder_for(request, self.collections), request)
        return self.retriever.candidates(request, self.collections, vector, depth=DEPTH, limit=2 * DEPTH)

    def _own_passages(self, candidates: Candidates, document: Document) -> tuple[Passage, ...]:
        """Asked for by key where other documents fill all of the depth."""
        own = tuple(p for p in candidates.passages if p.document.id == document.id)
        if own:
            return own
        alone = Comparison(field="key", op="eq", value=document.key)
        condition = And(filters=(self.request.filter, alone)) if self.request.filter else alone
        found = self._candidates(replace(self.request, filter=condition))
        return tuple(p for p in found.passages if p.document.id == document.id)


def _best(own: Sequence[Passage]) -> Passage | None:
    return max(own, key=lambda p: (p.scores.get("keyword", 0.0), p.scores.get("semantic", 0.0)), default=None)


def _ledger_reasons(document: Document) -> Iterator[Reason]:
    failure = document.failure
    if document.status is DocumentStatus.DELETING:
        yield Reason(code="not_ingested", detail="The document is being deleted.")
    elif failure is not None and document.status is DocumentStatus.FAILED:
        still = f"; version {document.version} is the one searched" if document.version else ""
        detail = f"{failure.code}: {failure.detail} (after {failure.attempts} attempts{still})"
        yield Reason(code="failed", detail=detail)
    elif document.version == 0:
        yield Reason(code="not_ingested", detail=f"Its first version is still {document.status}.")


def _no_match_detail(candidates: Candidates) -> str:
    terms = ", ".join(candidates.terms.document_frequency) or "none"
    return f"No passage of the document holds a term of the query (analysed terms: {terms})."


def _legs(passage: Passage | None) -> str:
    if passage is None:
        return ""
    legs = (
        f"{leg} score {passage.scores[leg]:.4f}{_leg_rank(passage, leg)}"
        for leg in ("semantic", "keyword", "rerank")
        if leg in passage.scores
    )
    return "".join(f", {leg}" for leg in legs)


def _leg_rank(passage: Passage, leg: str) -> str:
    return f" (rank {passage.ranks[leg]})" if leg in passage.ranks else ""
