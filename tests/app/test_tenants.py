"""What a tenant finds, and why, is the same whatever other tenants do."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeAlias
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from app.explain import explain
from app.retrieve import Retriever
from ingestion.attempt import LEASE
from ingestion.pipeline import Pipeline
from rag.adapters.folder import FolderSource
from rag.adapters.postgres import keyword_index
from rag.adapters.postgres.store import PostgresStore
from rag.domain.documents import Attributes, NewCollection
from rag.domain.search import SearchMode, SearchRequest
from tests.doubles.counting_embedder import CountingEmbedder

KEYS = ("a.txt", "b.txt", "c.txt", "d.txt")
TEXTS = (
    "Refunds are paid within five days.",
    "Refunds go to the card, and cards are paid by the bank.",
    "The garden opens on Fridays.",
    "Fridays are days without refunds, without cards, and without a garden.",
)
QUERIES = ("When are refunds paid to the card?", "garden", "nothing of all this")

# Whose, what, which key, which text.
Step: TypeAlias = tuple[Literal["ours", "theirs"], Literal["put", "remove", "fold"], str, str]
STEPS = st.tuples(
    st.sampled_from(["ours", "theirs"]),
    st.sampled_from(["put", "put", "put", "remove", "fold"]),
    st.sampled_from(KEYS),
    st.sampled_from(TEXTS),
)
_numbers = count()


class World:
    """A database of its own, with a write path."""

    def __init__(self, store: PostgresStore, root: Path) -> None:
        self.store = store
        self.embedder = CountingEmbedder()
        self.source = FolderSource(root)
        self.pipeline = Pipeline(source=self.source, embedder=self.embedder, max_document_bytes=10_000)

    def take(self, tenant: str, step: Step) -> None:
        _, operation, key, text = step
        store = self.store.tenant(tenant)
        collection = store.collections.ensure(NewCollection(name="notes", embedding=self.embedder.model))
        if operation == "fold":
            with store._session.transaction() as connection:  # noqa: SLF001 - due only after 2,000 chunks
                keyword_index.fold(connection, tenant, collection.id)
            return
        if operation == "put":
            event = self.source.put(tenant, "notes", key, BytesIO(text.encode()), Attributes())
        else:
            event = self.source.remove(tenant, "notes", key)
        store.ledger.accept(event, collection)
        while work := store.ledger.claim(LEASE):
            self.pipeline.process(store.ledger, work)

    def seen(self, tenant: str) -> list[Any]:
        store = self.store.tenant(tenant)
        store.collections.ensure(NewCollection(name="notes", embedding=self.embedder.model))
        retriever = Retriever(store=store, embedder=self.embedder)
        told: list[Any] = []
        for query in QUERIES:
            for mode in SearchMode:
                request = SearchRequest(query=query, mode=mode, top_k=2)
                found = retriever.retrieve(request)
                told.append(found.terms)
                told += [(p.document.key, p.text, p.score, p.scores, p.ranks) for p in found.passages]
                told += [explain(store, self.embedder, request, f"notes/{key}") for key in KEYS]
        return told


@contextmanager
def world(server: str, template: str, root: Path) -> Iterator[World]:
    name = f"tenants_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    store = PostgresStore(make_conninfo(server, dbname=name))
    try:
        yield World(store, root)
    finally:
        store.close()


@pytest.fixture(scope="module")
def worlds(
    server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, World]]:
    """One that the tenant shares with another, and one that it has to itself."""
    with ExitStack() as opened:
        shared, alone = (
            opened.enter_context(world(server, template, tmp_path_factory.mktemp("world"))) for _ in range(2)
        )
        yield shared, alone


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(history=st.lists(STEPS, min_size=3, max_size=12))
def test_another_tenant_changes_nothing(worlds: tuple[World, World], history: list[Step]) -> None:
    shared, alone = worlds
    number = next(_numbers)
    for step in history:
        shared.take(f"{step[0]}-{number}", step)
        if step[0] == "ours":
            alone.take(f"ours-{number}", step)
    assert shared.seen(f"ours-{number}") == alone.seen(f"ours-{number}")


def test_the_same_documents_of_another_tenant_count_for_nothing(worlds: tuple[World, World]) -> None:
    shared, alone = worlds
    for number, text in enumerate(TEXTS):
        for _ in range(2):
            shared.take("others", ("theirs", "put", f"{number}.txt", text))
    for world_ in worlds:
        world_.take("us", ("ours", "put", "a.txt", TEXTS[0]))
    assert shared.seen("us") == alone.seen("us")
    foreign = explain(
        shared.store.tenant("us"), shared.embedder, SearchRequest(query=QUERIES[0]), "notes/1.txt"
    )
    assert [reason.code for reason in foreign.reasons] == ["not_ingested"]
