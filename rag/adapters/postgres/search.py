"""Hybrid candidates, neighbours and filters in SQL."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import groupby

from pgvector import HalfVector
from psycopg.rows import DictRow

from rag.adapters.postgres.connection import Connection, Session
from rag.adapters.postgres.filters import Condition
from rag.adapters.postgres.queries import load
from rag.adapters.postgres.rows import passage_from
from rag.domain.content import Vector
from rag.domain.documents import Collection
from rag.domain.filters import Filter
from rag.domain.search import Candidates, Locator, Passage, SearchMode, SearchRequest, TermStatistics
from rag.text.term_codes import term_code
from rag.text.terms import query_terms

_sql = load("search")


class PostgresIndex:
    def __init__(self, session: Session) -> None:
        self._session = session

    def candidates(
        self,
        request: SearchRequest,
        *,
        collections: Sequence[Collection],
        vector: Vector | None,
        depth: int,
    ) -> Candidates:
        searched = {"collections": [collection.id for collection in collections]}
        matching = Condition(request.filter)
        with self._session.transaction() as connection:
            languages = connection.execute(_sql["languages"], searched).fetchall()
            terms = query_terms(request.query, sorted(row["language"] for row in languages))
            values = {
                **searched,
                "terms": list(terms),
                "codes": list(map(term_code, terms)),
                "vector": HalfVector(list(vector)) if vector is not None else None,
                "keyword": request.mode is not SearchMode.SEMANTIC,
                "semantic": vector is not None,
                "depth": depth,
                **matching.values,
            }
            connection.execute(_sql["hash_joins"])
            rows = connection.execute(_sql["candidates"].format(matching=matching.sql), values).fetchall()
        return Candidates(passages=tuple(map(_scored_passage, rows)), terms=_statistics(rows, terms))

    def widen(self, passages: Sequence[Passage], neighbors: int) -> tuple[Passage, ...]:
        if not neighbors or not passages:
            return tuple(passages)
        values = {
            "documents": [passage.document.id for passage in passages],
            "ordinals": [passage.ordinal for passage in passages],
            "neighbors": neighbors,
        }
        with self._session.transaction() as connection:
            rows = connection.execute(_sql["neighbors"], values).fetchall()
            spans = {
                position - 1: list(group)
                for position, group in groupby(rows, key=lambda row: row["position"])
            }
            wide = [_spanning(passage, spans.get(place, [])) for place, passage in enumerate(passages)]
            return _with_texts(connection, _merged(wide))

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


def _statistics(rows: Sequence[DictRow], terms: Sequence[str]) -> TermStatistics:
    if not rows:
        return TermStatistics(document_frequency=dict.fromkeys(terms, 0))
    found = rows[0]["frequencies"] or {}
    return TermStatistics(
        chunk_count=rows[0]["chunk_count"],
        document_frequency={term: int(found.get(term, 0)) for term in terms},
    )


def _scored_passage(row: DictRow) -> Passage:
    legs = ("semantic", "keyword")
    scores = {leg: float(row[f"{leg}_score"]) for leg in legs if row[f"{leg}_score"] is not None}
    ranks = {leg: int(row[f"{leg}_rank"]) for leg in legs if row[f"{leg}_rank"] is not None}
    return replace(passage_from(row), scores=scores, ranks=ranks)


def _spanning(passage: Passage, rows: Sequence[DictRow]) -> Passage:
    """The passage widened over its neighbouring chunks' rows; its text is read afterwards."""
    if not rows:
        return passage
    first, last = rows[0], rows[-1]
    # A later chunk's page beyond the last break so far means that the page turned between the two.
    breaks: list[int] = []
    for row in rows:
        if row["page"] is not None and first["page"] is not None:
            turned = row["page"] - first["page"] - len(breaks)
            breaks += [row["start_offset"]] * turned + list(row["page_breaks"])
    locator = Locator(
        start=first["start_offset"],
        end=last["end_offset"],
        page=first["page"],
        page_breaks=tuple(breaks),
        heading=passage.locator.heading,
    )
    return replace(passage, locator=locator)


def _merged(passages: Sequence[Passage]) -> list[Passage]:
    """Overlapping passages of one document become one, at the best one's place."""
    kept: list[Passage] = []
    for passage in passages:
        touching = [other for other in kept if _overlap(passage, other)]
        if not touching:
            kept.append(passage)
            continue
        merged = reduce(_union, [*touching, passage])
        kept = [merged if other is touching[0] else other for other in kept if other not in touching[1:]]
    return kept


def _overlap(one: Passage, other: Passage) -> bool:
    return (
        one.document.id == other.document.id
        and one.locator.start < other.locator.end
        and other.locator.start < one.locator.end
    )


def _union(better: Passage, other: Passage) -> Passage:
    first = min(better.locator, other.locator, key=lambda locator: locator.start)
    breaks = {*better.locator.page_breaks, *other.locator.page_breaks}
    locator = replace(
        first,
        end=max(better.locator.end, other.locator.end),
        page_breaks=tuple(sorted(offset for offset in breaks if offset > first.start)),
        heading=better.locator.heading,
    )
    return replace(better, locator=locator)


def _with_texts(connection: Connection, passages: Sequence[Passage]) -> tuple[Passage, ...]:
    values = {
        "documents": [passage.document.id for passage in passages],
        "starts": [passage.locator.start for passage in passages],
        "ends": [passage.locator.end for passage in passages],
    }
    rows = connection.execute(_sql["texts"], values).fetchall()
    return tuple(replace(passages[row["position"] - 1], text=row["text"]) for row in rows)
