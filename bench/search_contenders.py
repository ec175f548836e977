"""What is searched: Acervo's three modes, pgvector's own statement, tantivy over the same terms."""

import shutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg.sql import SQL, Literal

from app.retrieve import Retriever
from bench.search_database import COLLECTION, TENANT
from bench.search_measure import DEPTH, Search
from bench.search_prepared import Prepared
from bench.search_vectors import MODEL, KnownEmbedder
from rag.adapters.postgres.store import PostgresStore
from rag.domain.filters import Comparison
from rag.domain.search import SearchMode, SearchRequest
from rag.text.term_codes import MAX_COUNT, term_code
from rag.text.terms import query_terms

MODES: Final = tuple(SearchMode)
_NEAREST: Final = SQL(
    "SELECT chunk_id FROM chunk_embeddings"
    " WHERE collection_id = {collection} AND model = {model} AND vector_dims(embedding) = {dimensions}"
    " ORDER BY embedding::halfvec({dimensions}) <=> %b::halfvec({dimensions}) LIMIT {depth}"
)
_TANTIVY_MEMORY: Final = 500_000_000


class Acervo:
    """`app.retrieve` over the store, as the API calls it; the question is embedded already."""

    def __init__(self, store: PostgresStore, embedder: KnownEmbedder, numbers: Mapping[str, int]) -> None:
        self._retriever = Retriever(store=store.tenant(TENANT), embedder=embedder)
        self._numbers = numbers

    def search(self, mode: SearchMode, *, group: str | None = None) -> Search:
        only = Comparison(field="metadata.group", op="eq", value=group) if group else None

        def ask(question: str) -> Sequence[int]:
            request = SearchRequest(
                query=question, collections=(COLLECTION,), mode=mode, top_k=DEPTH, filter=only
            )
            passages = self._retriever.retrieve(request).passages
            return [self._numbers.get(passage.chunk_id, -1) for passage in passages]

        return ask


class Raw:
    """The statement of pgvector's manual on Acervo's table and index: no tenant, no document, no text.

    One connection, prepared, the vector sent in binary.
    """

    def __init__(
        self,
        conninfo: str,
        embedder: KnownEmbedder,
        numbers: Mapping[str, int],
        *,
        collection: str,
        ef_search: int,
    ) -> None:
        options = f"-c search_path=acervo,public -c hnsw.ef_search={ef_search}"
        self._connection = psycopg.connect(conninfo, autocommit=True, options=options)
        register_vector(self._connection)
        self._statement = _NEAREST.format(
            collection=Literal(collection),
            model=Literal(MODEL.id),
            dimensions=Literal(MODEL.dimensions),
            depth=Literal(DEPTH),
        )
        self._embedder = embedder
        self._numbers = numbers

    def search(self, question: str) -> Sequence[int]:
        vector = HalfVector(list(self._embedder.embed_query(question)))
        found = self._connection.execute(self._statement, (vector,), prepare=True, binary=True).fetchall()
        return [self._numbers[chunk_id] for (chunk_id,) in found]

    def close(self) -> None:
        self._connection.close()


class Tantivy:
    """The engine alone: the same terms, one token each, looked up by their codes. No text is fetched."""

    def __init__(self, folder: Path, prepared: Prepared, languages: Sequence[str]) -> None:
        self._module: Any = import_module("tantivy")
        builder = self._module.SchemaBuilder()
        builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
        builder.add_integer_field("number", stored=True)
        self._schema = builder.build()
        if not folder.exists():
            unfinished = folder.with_suffix(".part")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            self._write(unfinished, prepared)
            unfinished.rename(folder)
        self._searcher = self._module.Index(self._schema, path=str(folder)).searcher()
        self._languages = sorted(languages)

    def _write(self, folder: Path, prepared: Prepared) -> None:
        writer = self._module.Index(self._schema, path=str(folder)).writer(_TANTIVY_MEMORY, 2)
        for number in range(len(prepared.bounds) - 1):
            counted = prepared.terms(number)
            tokens = [token for term in counted for token in repeat(_token(term), term & MAX_COUNT)]
            writer.add_document(self._module.Document(terms=" ".join(tokens), number=number))
        writer.commit()
        writer.wait_merging_threads()

    def search(self, question: str) -> Sequence[int]:
        terms = [_token(term_code(term)) for term in query_terms(question, self._languages)]
        should = self._module.Occur.Should
        query: Any = self._module.Query
        clauses = [(should, query.term_query(self._schema, "terms", term, "freq")) for term in terms]
        found = self._searcher.search(query.boolean_query(clauses), DEPTH).hits
        return [self._searcher.doc(address)["number"][0] for _, address in found]


def _token(code: int) -> str:
    return f"{(code & ~MAX_COUNT) & 0xFFFFFFFFFFFFFFFF:x}"
