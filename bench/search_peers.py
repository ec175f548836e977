"""Other libraries' stores on the same texts and vectors, each with an HNSW index and its hybrid search.

Their tables are made by themselves and filled on the server from ours (`bench.writing` tells how fast their
own insertion is); then they build their indexes. Settings are the best that their documentation names:
cosine, half precision where they know it, ef_search as the raw statement's, an index for full-text search.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, Protocol

from bench.search_database import Database
from bench.search_exact import Ranking
from bench.search_measure import DEPTH, Search, in_turn, overlap, percentiles
from bench.search_vectors import DIMENSIONS, KnownEmbedder
from bench.writing_peers import sqlalchemy_url

_NUMBERED: Final = """
    FROM public.peer_numbers
    JOIN acervo.chunks c USING (chunk_id) JOIN acervo.chunk_embeddings e USING (chunk_id)
    ORDER BY number
"""
_HNSW: Final = {"m": 16, "ef_construction": 64}


class Peer(Protocol):
    def semantic(self, question: str) -> Sequence[int]: ...

    def hybrid(self, question: str) -> Sequence[int]: ...


class LangChain:
    """langchain-postgres PGVectorStore (v2): knows no half precision."""

    def __init__(self, database: Database, embedder: KnownEmbedder, ef_search: int) -> None:
        self._hybrid: Any = import_module("langchain_postgres.v2.hybrid_search_config")
        indexes: Any = import_module("langchain_postgres.v2.indexes")
        module: Any = import_module("langchain_postgres")
        engine = module.PGEngine.from_connection_string(
            sqlalchemy_url(database.conninfo, "postgresql+psycopg")
        )
        options = indexes.HNSWQueryOptions(ef_search=ef_search)
        new = not _exists(database, "peer_langchain")
        if new:
            engine.init_vectorstore_table("peer_langchain", DIMENSIONS, hybrid_search_config=self._config())
            database.owner.execute(
                "INSERT INTO public.peer_langchain"
                " (langchain_id, content, embedding, content_tsv, langchain_metadata)"
                " SELECT gen_random_uuid(), c.text, e.embedding::vector, to_tsvector('english', c.text),"
                f" json_build_object('number', number) {_NUMBERED}"
            )
        self._store = module.PGVectorStore.create_sync(
            engine,
            _QueryEmbedding(embedder),
            "peer_langchain",
            index_query_options=options,
            hybrid_search_config=self._config(),
        )
        if new:
            self._store.apply_vector_index(indexes.HNSWIndex(**_HNSW))
            self._store.apply_hybrid_search_index()
        self._embedder = embedder

    def _config(self, question: str = "") -> Any:
        """One a question: a store's own keeps the words of the first question that it is asked."""
        return self._hybrid.HybridSearchConfig(
            tsv_column="content_tsv",
            fts_query=question,
            fusion_function=self._hybrid.reciprocal_rank_fusion,
            primary_top_k=DEPTH,
            secondary_top_k=DEPTH,
        )

    def semantic(self, question: str) -> Sequence[int]:
        vector = self._embedder.embed_query(question)
        return _numbers(self._store.similarity_search_by_vector(vector, k=DEPTH, hybrid_search_config=None))

    def hybrid(self, question: str) -> Sequence[int]:
        config = self._config(question)
        return _numbers(self._store.similarity_search(question, k=DEPTH, hybrid_search_config=config))


class _QueryEmbedding:
    """What LangChain's store calls."""

    def __init__(self, embedder: KnownEmbedder) -> None:
        self._embedder = embedder

    async def aembed_query(self, text: str) -> list[float]:
        return list(self._embedder.embed_query(text))


def _numbers(documents: Sequence[Any]) -> list[int]:
    return [int(document.metadata["number"]) for document in documents]


class LlamaIndex:
    def __init__(self, database: Database, embedder: KnownEmbedder, ef_search: int) -> None:
        self._types: Any = import_module("llama_index.core.vector_stores.types")
        if not _exists(database, "data_peer_llamaindex"):
            self._open(database)._initialize()  # noqa: SLF001 - makes the table; else only the first insertion does
            database.owner.execute(
                "INSERT INTO public.data_peer_llamaindex (text, metadata_, node_id, embedding)"
                f" SELECT c.text, '{{}}', number::text, e.embedding {_NUMBERED}"
            )
        self._store = self._open(
            database,
            hnsw_kwargs={
                "hnsw_m": _HNSW["m"],
                "hnsw_ef_construction": _HNSW["ef_construction"],
                "hnsw_ef_search": ef_search,
                "hnsw_dist_method": "halfvec_cosine_ops",
            },
        )
        self._embedder = embedder

    def _open(self, database: Database, **hnsw: Any) -> Any:
        module: Any = import_module("llama_index.vector_stores.postgres")
        return module.PGVectorStore.from_params(
            connection_string=sqlalchemy_url(database.conninfo, "postgresql+psycopg2"),
            async_connection_string=sqlalchemy_url(database.conninfo, "postgresql+asyncpg"),
            table_name="peer_llamaindex",
            embed_dim=DIMENSIONS,
            hybrid_search=True,
            use_halfvec=True,
            **hnsw,
        )

    def semantic(self, question: str) -> Sequence[int]:
        return self._ask(question, self._types.VectorStoreQueryMode.DEFAULT)

    def hybrid(self, question: str) -> Sequence[int]:
        return self._ask(question, self._types.VectorStoreQueryMode.HYBRID)

    def _ask(self, question: str, mode: Any) -> Sequence[int]:
        query = self._types.VectorStoreQuery(
            query_embedding=self._embedder.embed_query(question),
            query_str=question,
            similarity_top_k=DEPTH,
            sparse_top_k=DEPTH,
            mode=mode,
        )
        return [int(number) for number in self._store.query(query).ids]


class Haystack:
    def __init__(self, database: Database, embedder: KnownEmbedder, ef_search: int) -> None:
        if not _exists(database, "peer_haystack"):
            self._open(database).count_documents()  # makes the table
            database.owner.execute(
                "INSERT INTO public.peer_haystack (id, embedding, content, meta)"
                f" SELECT number::text, e.embedding, c.text, '{{}}' {_NUMBERED}"
            )
        store = self._open(
            database,
            search_strategy="hnsw",
            hnsw_index_creation_kwargs=_HNSW,
            hnsw_ef_search=ef_search,
        )
        retrievers: Any = import_module("haystack_integrations.components.retrievers.pgvector")
        joiners: Any = import_module("haystack.components.joiners")
        self._nearest = retrievers.PgvectorEmbeddingRetriever(document_store=store, top_k=DEPTH)
        self._keyword = retrievers.PgvectorKeywordRetriever(document_store=store, top_k=DEPTH)
        self._joiner = joiners.DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=DEPTH)
        self._embedder = embedder

    def _open(self, database: Database, **hnsw: Any) -> Any:
        module: Any = import_module("haystack_integrations.document_stores.pgvector")
        utils: Any = import_module("haystack.utils")
        return module.PgvectorDocumentStore(
            connection_string=utils.Secret.from_token(database.conninfo),
            table_name="peer_haystack",
            embedding_dimension=DIMENSIONS,
            vector_type="halfvec",
            **hnsw,
        )

    def semantic(self, question: str) -> Sequence[int]:
        return [int(document.id) for document in self._by_vector(question)]

    def hybrid(self, question: str) -> Sequence[int]:
        by_words = self._keyword.run(query=question)["documents"]
        joined = self._joiner.run([self._by_vector(question), by_words])["documents"]
        return [int(document.id) for document in joined]

    def _by_vector(self, question: str) -> Sequence[Any]:
        found: Sequence[Any] = self._nearest.run(query_embedding=self._embedder.embed_query(question))[
            "documents"
        ]
        return found


PEERS: Final[Mapping[str, Callable[[Database, KnownEmbedder, int], Peer]]] = {
    "langchain PGVectorStore": LangChain,
    "llama-index": LlamaIndex,
    "haystack": Haystack,
}


def measure_peers(
    database: Database,
    embedder: KnownEmbedder,
    numbers: Mapping[str, int],
    right: Mapping[str, Ranking],
    own: Mapping[str, Search],
    *,
    ef_search: int,
) -> dict[str, Any]:
    """Each question asked of all in turn, of Acervo (`own`) too; `build_s` is filling and indexing."""
    _note_numbers(database, numbers)
    report: dict[str, Any] = {}
    searches: dict[str, Search] = dict(own)
    for name, kind in PEERS.items():
        started = time.perf_counter()
        try:
            peer = kind(database, embedder, ef_search)
        except ModuleNotFoundError as error:
            report[name] = {"missing": error.name}
            continue
        searches |= {f"{name} semantic": peer.semantic, f"{name} hybrid": peer.hybrid}
        report[name] = {"build_s": round(time.perf_counter() - started, 1)}
    for search, outcomes in in_turn(searches, list(right)).items():
        name, _, leg = search.rpartition(" ")
        report.setdefault(name, {})[leg] = percentiles(outcomes)
        if leg == "semantic":
            report[name][leg]["recall@10"] = overlap(outcomes, right)
    return report


def _note_numbers(database: Database, numbers: Mapping[str, int]) -> None:
    if _exists(database, "peer_numbers"):
        return
    database.owner.execute(
        'CREATE TABLE public.peer_numbers (chunk_id text COLLATE "C" PRIMARY KEY, number integer)'
    )
    with (
        database.owner.cursor() as cursor,
        cursor.copy("COPY public.peer_numbers FROM STDIN") as copy,
    ):
        for item in numbers.items():
            copy.write_row(item)


def _exists(database: Database, table: str) -> bool:
    row = database.owner.execute("SELECT to_regclass(%s) IS NOT NULL", (f"public.{table}",)).fetchone()
    return bool(row and row[0])
