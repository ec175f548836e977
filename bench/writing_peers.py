"""Vector stores of other libraries, given texts with their vectors; each with its defaults."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict

from bench.writing_chunks import DIMENSIONS
from bench.writing_contenders import Contender
from rag.domain.content import EmbeddedChunk


class _Peer:
    def empty(self, *, hnsw: bool) -> None:
        """They keep what they wrote: a few thousand chunks."""

    def prepare(self, group: Sequence[EmbeddedChunk]) -> None:
        self._texts = [item.chunk.text for item in group]
        self._vectors = [list(map(float, item.embedding)) for item in group]
        self._metadata = [{"ordinal": item.chunk.ordinal} for item in group]

    def close(self) -> None:
        """The server's end ends their connections."""


class LangChain(_Peer):
    """langchain-postgres PGVector."""

    def __init__(self, conninfo: str) -> None:
        module: Any = import_module("langchain_postgres")
        fake: Any = import_module("langchain_core.embeddings")
        self._store = module.PGVector(
            fake.DeterministicFakeEmbedding(size=DIMENSIONS),
            connection=sqlalchemy_url(conninfo, "postgresql+psycopg"),
            embedding_length=DIMENSIONS,
        )

    def write(self, group: Sequence[EmbeddedChunk]) -> None:  # noqa: ARG002 - prepared before
        self._store.add_embeddings(self._texts, self._vectors, metadatas=self._metadata)


class LangChainTables(LangChain):
    """langchain-postgres PGVectorStore, the second version."""

    def __init__(self, conninfo: str) -> None:
        module: Any = import_module("langchain_postgres")
        fake: Any = import_module("langchain_core.embeddings")
        with psycopg.connect(conninfo) as connection:
            connection.execute("CREATE EXTENSION vector")
        engine = module.PGEngine.from_connection_string(sqlalchemy_url(conninfo, "postgresql+psycopg"))
        engine.init_vectorstore_table("peer", DIMENSIONS)
        embedding = fake.DeterministicFakeEmbedding(size=DIMENSIONS)
        self._store = module.PGVectorStore.create_sync(engine, embedding, "peer")


class LlamaIndex(_Peer):
    def __init__(self, conninfo: str) -> None:
        module: Any = import_module("llama_index.vector_stores.postgres")
        self._store = module.PGVectorStore.from_params(
            connection_string=sqlalchemy_url(conninfo, "postgresql+psycopg2"),
            async_connection_string=sqlalchemy_url(conninfo, "postgresql+asyncpg"),
            embed_dim=DIMENSIONS,
        )

    def write(self, group: Sequence[EmbeddedChunk]) -> None:  # noqa: ARG002 - prepared before
        schema: Any = import_module("llama_index.core.schema")
        self._store.add(
            [
                schema.TextNode(text=text, embedding=vector, metadata=metadata)
                for text, vector, metadata in zip(self._texts, self._vectors, self._metadata, strict=True)
            ]
        )


class Haystack(_Peer):
    def __init__(self, conninfo: str) -> None:
        module: Any = import_module("haystack_integrations.document_stores.pgvector")
        utils: Any = import_module("haystack.utils")
        self._store = module.PgvectorDocumentStore(
            connection_string=utils.Secret.from_token(conninfo), embedding_dimension=DIMENSIONS
        )

    def write(self, group: Sequence[EmbeddedChunk]) -> None:  # noqa: ARG002 - prepared before
        haystack: Any = import_module("haystack")
        self._store.write_documents(
            [
                haystack.Document(id=uuid4().hex, content=text, embedding=vector, meta=metadata)
                for text, vector, metadata in zip(self._texts, self._vectors, self._metadata, strict=True)
            ]
        )


PEERS: Final[Mapping[str, Callable[[str], Contender]]] = {
    "langchain PGVector": LangChain,
    "langchain PGVectorStore": LangChainTables,
    "llama-index": LlamaIndex,
    "haystack": Haystack,
}


def sqlalchemy_url(conninfo: str, scheme: str) -> str:
    """The server listens on a socket in a directory, which URLs name in the query."""
    fields = conninfo_to_dict(conninfo)
    address = f"{fields['user']}:{fields['password']}@/{fields['dbname']}"
    return f"{scheme}://{address}?host={fields['host']}&port={fields['port']}"
