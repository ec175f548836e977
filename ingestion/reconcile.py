"""Brings the ledger in line with what the source holds, in both directions."""

from collections.abc import Iterator, Mapping

from rag.domain.documents import NewCollection, SourceEvent
from rag.domain.keys import validate_collection_name, validate_key
from rag.errors import InvalidRequest
from rag.ports import Embedder, Source, Store
from rag.telemetry import logger


def reconcile(*, store: Store, source: Source, embedder: Embedder) -> int:
    """Accepts an event for every object that is new, changed or gone; returns how many."""
    # The ledger first: what is accepted after this line is looked at again before anything is deleted.
    known = {tenant: store.tenant(tenant).ledger.known_etags() for tenant in source.tenants()}
    count = 0
    for event in _differences(source, known):
        count += _accept(store, embedder, event)
    return count


def _differences(source: Source, known: dict[str, Mapping[tuple[str, str], str]]) -> Iterator[SourceEvent]:
    missing = {(tenant, *place) for tenant, etags in known.items() for place in etags}
    for event in source.scan():
        missing.discard((event.tenant, event.collection, event.key))
        if known.get(event.tenant, {}).get((event.collection, event.key)) != event.etag:
            yield event
    for tenant, collection, key in sorted(missing):
        yield source.observe(tenant, collection, key)


def _accept(store: Store, embedder: Embedder, event: SourceEvent) -> bool:
    try:
        validate_collection_name(event.collection)
        validate_key(event.key)
    except InvalidRequest as error:
        logger.warning("The source holds an object that cannot be ingested (%s): %s", event.uri, error)
        return False
    tenant = store.tenant(event.tenant)
    collection = tenant.collections.ensure(NewCollection(name=event.collection, embedding=embedder.model))
    tenant.ledger.accept(event, collection)
    return True
