"""Hybrid search and filters in SQL."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pgvector import HalfVector
from psycopg.rows import DictRow
from psycopg.sql import Composable

from rag.adapters.postgres import keyword_index, vector_index
from rag.adapters.postgres.collections import unknown_collection
from rag.adapters.postgres.connection import Connection, Session, persistent
from rag.adapters.postgres.filters import Condition
from rag.adapters.postgres.neighbors import widened
from rag.adapters.postgres.queries import load
from rag.adapters.postgres.rows import passage_from
from rag.adapters.postgres.search_statement import FEW_CHUNKS, Plan, Reach
from rag.domain.content import Vector
from rag.domain.documents import Collection, EmbeddingModel
from rag.domain.filters import Filter
from rag.domain.search import Candidates, Passage, SearchedCollection, SearchRequest, TermStatistics
from rag.text.term_codes import term_code
from rag.text.terms import query_terms

_sql = load("search")


class PostgresIndex:
    def __init__(self, session: Session) -> None:
        self._session = session

    def collections(self, names: Sequence[str] | None) -> tuple[SearchedCollection, ...]:
        with self._session.transaction() as connection:
            wanted = {"names": None if names is None else list(names)}
            rows = connection.execute(_sql["collections"], wanted).fetchall()
        found = {row["name"]: row for row in rows}
        for name in names or ():
            if name not in found:
                raise unknown_collection(name)
        return tuple(_searched(found[name]) for name in dict.fromkeys(found if names is None else names))

    def search(
        self,
        request: SearchRequest,
        *,
        collections: Sequence[SearchedCollection],
        vector: Vector | None,
        semantic_weight: float,
        depth: int,
        limit: int,
    ) -> Candidates:
        matching = Condition(request.filter)
        languages = {language for collection in collections for language in collection.languages}
        terms = query_terms(request.query, sorted(languages))
        values = {
            "collections": [collection.id for collection in collections],
            "terms": list(terms),
            "codes": list(map(term_code, terms)),
            "vector": HalfVector(list(vector)) if vector is not None else None,
            "mode": request.mode.value,
            "semantic_weight": semantic_weight,
            # Those that the vector is of, also where the collections have another by now.
            "model": collections[0].embedding.id,
            "dimensions": collections[0].embedding.dimensions,
            "depth": depth,
            "limit": limit,
            **matching.values,
        }
        with self._session.transaction() as connection:
            passed = _Passed()
            if request.filter and any(collection.folded for collection in collections):
                passed = _passed(connection, matching.sql, values)
            for reach in passed.reaches(depth):
                plan = Plan(
                    mode=request.mode,
                    collections=collections,
                    matching=matching.sql,
                    has_vector=vector is not None,
                    reach=reach,
                    among=passed.documents,
                )
                rows = _run(connection, plan, values)
                found = tuple(_scored_passage(row) for row in rows if row["chunk_id"] is not None)
                if len(found) >= limit or not rows[0]["truncated"]:
                    break
        return Candidates(passages=found, terms=_statistics(rows[0], terms))

    @persistent
    def maintain(self) -> bool:
        writing = self._session.limited_to(0)
        with writing.transaction() as connection:
            collection_id = keyword_index.due(connection)
            if collection_id is None:
                return False
            folded = keyword_index.fold(connection, self._session.tenant, collection_id)
        with writing.transaction() as connection:
            vector_index.ensure(connection, collection_id)
        return folded

    def widen(self, passages: Sequence[Passage], neighbors: int) -> tuple[Passage, ...]:
        if not neighbors or not passages:
            return tuple(passages)
        with self._session.transaction() as connection:
            return widened(connection, passages, neighbors)

    def matches(self, document_id: str, wanted: Filter) -> bool:
        matching = Condition(wanted)
        statement = _sql["matches"].format(matching=matching.sql)
        with self._session.transaction() as connection:
            row = connection.execute(statement, {**matching.values, "document_id": document_id}).fetchone()
        return bool(row and row["found"])

    def select(self, collection: Collection, wanted: Filter | None, *, limit: int) -> tuple[str, ...]:
        matching = Condition(wanted)
        statement = _sql["select"].format(matching=matching.sql)
        values = {**matching.values, "collection_id": collection.id, "limit": limit}
        with self._session.transaction() as connection:
            return tuple(row["document_id"] for row in connection.execute(statement, values))


@dataclass(frozen=True, kw_only=True)
class _Passed:
    """What a filter lets through: which share of the chunks and, where these are few, which documents."""

    share: float = 1.0
    documents: Sequence[str] | None = None

    def reaches(self, depth: int) -> Iterator[Reach | None]:
        """How far to look; farther, while the filter leaves fewer than are wanted; in the end, everywhere."""
        if self.documents is None:
            reach = Reach.to(depth, share=self.share)
            yield reach
            yield reach.farther()
        yield None


def _passed(connection: Connection, matching: Composable, values: Mapping[str, Any]) -> _Passed:
    statement = _sql["selectivity"].format(matching=matching)
    row = connection.execute(statement, {**values, "few": FEW_CHUNKS}).fetchone() or {}
    return _Passed(share=row["share"], documents=row["documents"])


def _run(connection: Connection, plan: Plan, values: Mapping[str, Any]) -> list[DictRow]:
    """At least one row, which has the statistics."""
    values = {**values, **plan.values()}
    connection.execute(_sql["prepare"], values)
    return connection.execute(plan.statement(), values).fetchall()


def _statistics(row: DictRow, terms: Sequence[str]) -> TermStatistics:
    found = row["frequencies"] or {}
    return TermStatistics(
        chunk_count=row["chunk_count"],
        document_frequency={term: int(found.get(term, 0)) for term in terms},
    )


def _scored_passage(row: DictRow) -> Passage:
    legs = ("semantic", "keyword")
    scores = {leg: float(row[f"{leg}_score"]) for leg in legs if row[f"{leg}_score"] is not None}
    ranks = {leg: int(row[f"{leg}_rank"]) for leg in legs if row[f"{leg}_rank"] is not None}
    return replace(passage_from(row), score=float(row["score"]), scores=scores, ranks=ranks)


def _searched(row: DictRow) -> SearchedCollection:
    return SearchedCollection(
        id=row["collection_id"],
        name=row["name"],
        embedding=EmbeddingModel(id=row["embedding_model"], dimensions=row["dimensions"]),
        languages=tuple(row["languages"]),
        folded=row["folded"],
    )
