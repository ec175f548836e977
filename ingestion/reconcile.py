"""Brings the ledger in line with what the source holds, in both directions."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from rag.domain.documents import NewCollection, SourceEvent
from rag.domain.keys import validate_collection_name, validate_key
from rag.errors import CollectionNotFound, InvalidRequest
from rag.ports import Embedder, Source, Store
from rag.telemetry import logger

# Tenant, collection and key.
Place: TypeAlias = tuple[str, str, str]


def reconcile(*, store: Store, source: Source, embedder: Embedder) -> int:
    """Accepts an event for every object that is new, changed or gone; returns how many."""
    # The ledger first: what is accepted after this line is looked at again before anything is deleted.
    known = {tenant: store.tenant(tenant).ledger.known_etags() for tenant in source.tenants()}
    count = 0
    for place in _differences(source, known):
        # Looked at once more: a scan is long, and a collection removed meanwhile must not come back.
        count += _accept(store, embedder, source.observe(*place))
    return count


def _differences(source: Source, known: dict[str, Mapping[tuple[str, str], str]]) -> Iterator[Place]:
    missing = {(tenant, *place) for tenant, etags in known.items() for place in etags}
    for event in source.scan():
        place = (event.tenant, event.collection, event.key)
        missing.discard(place)
        if known.get(event.tenant, {}).get((event.collection, event.key)) != event.etag:
            yield place
    yield from sorted(missing)


def _accept(store: Store, embedder: Embedder, event: SourceEvent) -> bool:
    try:
        validate_collection_name(event.collection)
        validate_key(event.key)
    except InvalidRequest as error:
        logger.warning("The source holds an object that cannot be ingested (%s): %s", event.uri, error)
        return False
    tenant = store.tenant(event.tenant)
    try:
        collection = (
            tenant.collections.get(event.collection)
            if event.operation == "delete"
            else tenant.collections.ensure(NewCollection(name=event.collection, embedding=embedder.model))
        )
    except CollectionNotFound:  # deleted with all its documents
        return False
    tenant.ledger.accept(event, collection)
    return True
