"""The one statement of a search, made for the size of its collections and what its filter leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg.sql import SQL, Composable, Composed, Literal

from rag.adapters.postgres.queries import load
from rag.domain.search import SearchedCollection, SearchMode

_sql = load("search")

# A filter that lets through fewer chunks than this is answered by looking at all of them, which is exact.
FEW_CHUNKS: Final = 6_000
# Entries of posting lists that one search reads, and at most where a filter drops most of them.
ENTRIES: Final = 24_000
_MOST_ENTRIES: Final = 400_000
# Of the chunks that these name, how many are scored exactly.
LISTED: Final = 300
_MOST_NEAREST: Final = 2_000
# The most that pgvector knows. Questions lie far from passages, more so with an averaging model: of half a
# million passages 400 finds 0.97 of the nearest ten, 1,000 finds 0.99 (python -m bench.search --ef-search).
EF_SEARCH: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How far a search looks: posting list entries read, the best of them scored, nearest vectors fetched."""

    entries: int
    listed: int
    nearest: int

    @classmethod
    def to(cls, depth: int, *, share: float) -> "Reach":
        """For `depth` candidates of each leg where a filter lets through `share` of the chunks."""
        wanted = min(_MOST_NEAREST, depth / share)
        # A tenth more: chunks whose document has a newer version, until they are vacuumed.
        return cls(
            entries=min(_MOST_ENTRIES, round(ENTRIES / share)),
            listed=max(LISTED, round(3 * wanted)),
            nearest=round(1.1 * wanted) + 1,
        )

    def farther(self) -> "Reach":
        return Reach(entries=self.entries * 8, listed=self.listed * 8, nearest=self.nearest * 8)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`reach` None: every chunk that passes the filter is scored. `among`: its documents, where known."""

    mode: SearchMode
    collections: Sequence[SearchedCollection]
    matching: Composable
    has_vector: bool
    reach: Reach | None
    among: Sequence[str] | None

    @property
    def folded(self) -> bool:
        return any(collection.folded for collection in self.collections)

    def statement(self) -> Composed:
        if not self.folded:
            return self._search(self._scanned(), SQL("false"))
        if self.reach is None:
            return self._search(self._folded(self._all(), self._near("nearest_passing")), SQL("false"))
        best = _sql["listed_best"].format(matching=self.matching)
        return self._search(self._folded(best, self._indexed(self.reach)), self._truncated())

    def values(self) -> Mapping[str, Any]:
        reach = self.reach or Reach(entries=0, listed=0, nearest=0)
        entries = 0 if self.mode is SearchMode.SEMANTIC else reach.entries
        return {
            "budget": entries,
            "blocks": max(1, -(-entries // 1000)),
            "most": reach.listed,
            "fetched": reach.nearest,
            "ef_search": str(EF_SEARCH),
            "among": self.among,
        }

    def _search(self, keyword_leg: Composable, truncated: Composable) -> Composed:
        return _sql["search"].format(keyword_leg=keyword_leg, truncated=truncated)

    def _scanned(self) -> Composable:
        return _sql["scanned_keywords"].format(matching=self.matching, nearest=self._near("nearest_scanned"))

    def _near(self, name: str) -> Composable:
        return _sql[name if self.has_vector else "nearest_nothing"]

    def _folded(self, listed: Composable, nearest: Composable) -> Composable:
        return _sql["folded_keywords"].format(matching=self.matching, listed=listed, nearest=nearest)

    def _all(self) -> Composable:
        return _sql["listed_passing"].format(
            matching=self.matching,
            among=SQL("true") if self.among is None else SQL("d.document_id = ANY(%(among)s)"),
            terms=SQL("NULL::bigint[]" if self.mode is SearchMode.SEMANTIC else "c.terms"),
        )

    def _indexed(self, reach: Reach) -> Composable:
        if not self.has_vector:
            return _sql["nearest_nothing"]
        of_each = SQL(" UNION ALL ").join(_nearest_of(c, reach.nearest) for c in self.collections)
        return _sql["nearest_indexed"].format(of_each=of_each, matching=self.matching)

    def _truncated(self) -> Composable:
        nearest = "SELECT count(*) FROM nearest_any" if self.has_vector else "SELECT 0"
        keyword = SQL(
            "(SELECT sum(posting_count) FROM posted) > %(budget)s OR (SELECT count(*) FROM top) >= %(most)s"
        )
        return SQL("({} OR ({}) >= %(fetched)s)").format(keyword, SQL(nearest))


def _nearest_of(collection: SearchedCollection, fetched: int) -> Composable:
    return _sql["nearest_of_collection"].format(
        collection=Literal(collection.id),
        model=Literal(collection.embedding.id),
        dimensions=Literal(collection.embedding.dimensions),
        fetched=Literal(fetched),
    )
