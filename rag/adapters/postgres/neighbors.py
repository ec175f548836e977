"""Passages widened by the chunks beside them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import groupby

from psycopg.rows import DictRow

from rag.adapters.postgres.connection import Connection
from rag.adapters.postgres.queries import load
from rag.domain.search import Locator, Passage

_sql = load("search")


def widened(connection: Connection, passages: Sequence[Passage], neighbors: int) -> tuple[Passage, ...]:
    values = {
        "documents": [passage.document.id for passage in passages],
        "ordinals": [passage.ordinal for passage in passages],
        "neighbors": neighbors,
    }
    rows = connection.execute(_sql["neighbors"], values).fetchall()
    spans = {position - 1: list(group) for position, group in groupby(rows, key=lambda row: row["position"])}
    wide = [_spanning(passage, spans.get(place, [])) for place, passage in enumerate(passages)]
    return _with_texts(connection, _merged(wide))


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
