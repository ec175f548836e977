"""Compares the source with the ledger, and brings the ledger in line, in both directions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from rag.domain.buckets import same_state
from rag.domain.documents import Collection, NewCollection, Place, SourceEvent, SourceKind, SourceState
from rag.domain.keys import validate_collection_name, validate_key
from rag.errors import CollectionNotFound, ConflictingSource, InvalidRequest
from rag.ports import Embedder, Source, Store, TenantStore
from rag.telemetry import logger


class DriftKind(StrEnum):
    NEW = "new"  # an object that the ledger does not know
    CHANGED = "changed"  # another state than the one the ledger knows
    GONE = "gone"  # a document without an object
    IMPOSSIBLE = "impossible"  # an object that can never be ingested


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One place where source and ledger differ. `detail` says why an object is impossible."""

    kind: DriftKind
    place: Place
    detail: str = ""


def reconcile(
    *, store: Store, source: Source, embedder: Embedder, report: Callable[[Drift], None] = lambda _: None
) -> int:
    """Repairs every difference; returns how many the ledger accepted. `report` is told of the impossible."""
    count = 0
    for drift in differences(store=store, source=source):
        if drift.kind is DriftKind.IMPOSSIBLE:
            report(drift)
        else:
            count += repair(drift, store=store, source=source, embedder=embedder)
    return count


def differences(
    *, store: Store, source: Source, progress: Callable[[int], None] = lambda _: None
) -> Iterator[Drift]:
    """Every place where the two differ; `progress` is told how many objects were looked at."""
    # The ledger first: what is accepted after this line is looked at again before anything is deleted.
    known = {tenant: store.tenant(tenant).ledger.known() for tenant in store.tenants()}
    missing = {
        (tenant, *place)
        for tenant, states in known.items()
        for place, state in states.items()
        if _watched(state)
    }
    for count, event in enumerate(source.scan(), 1):
        progress(count)
        missing.discard(event.place)
        if drift := _compare(event, known.get(event.tenant, {})):
            yield drift
    gone = (place for place in sorted(missing) if not source.passes_over(*place))
    yield from (Drift(kind=DriftKind.GONE, place=place) for place in gone)


def repair(drift: Drift, *, store: Store, source: Source, embedder: Embedder) -> bool:
    """Whether the ledger accepted what stands behind the place now."""
    if drift.kind is DriftKind.IMPOSSIBLE:
        return False
    tenant = store.tenant(drift.place[0])
    try:
        return _repair(drift.place, tenant, source, embedder)
    except CollectionNotFound:  # deleted with all its documents
        return False
    except ConflictingSource as error:
        logger.warning("%s", error)
        return False


def collection_for(event: SourceEvent, tenant: TenantStore, embedder: Embedder) -> Collection:
    """The event's collection; an object makes the one that it is dropped into.

    A stream's deletion does too, for its tombstone: an older record may still come from the dead-letter
    queue, and no object tells that it is out of date. Raises CollectionNotFound.
    """
    try:
        return tenant.collections.get(event.collection)
    except CollectionNotFound:
        if event.operation != "upsert" and event.kind is not SourceKind.KINESIS:
            raise
        return tenant.collections.ensure(NewCollection(name=event.collection, embedding=embedder.model))


def _repair(place: Place, tenant: TenantStore, source: Source, embedder: Embedder) -> bool:
    """Looks once more: a scan is long, and a collection removed meanwhile must not come back."""
    _, name, key = place
    try:
        before = tenant.ledger.order(tenant.collections.get(name), key)
    except CollectionNotFound:
        before = ""
    event = source.observe(*place)
    collection = collection_for(event, tenant, embedder)
    if event.order:
        tenant.ledger.accept(event, collection)
        return True
    return tenant.ledger.repair(event, collection, known=before)


def _compare(event: SourceEvent, known: Mapping[tuple[str, str], SourceState]) -> Drift | None:
    if problem := _problem(event):
        return Drift(kind=DriftKind.IMPOSSIBLE, place=event.place, detail=f"{event.uri}: {problem}")
    state = known.get((event.collection, event.key))
    if state is None:
        return Drift(kind=DriftKind.NEW, place=event.place)
    if not _watched(state):
        detail = f"{event.uri}: conflicting_source: the key came by the stream before"
        return Drift(kind=DriftKind.IMPOSSIBLE, place=event.place, detail=detail)
    return None if same_state(state.etag, event.etag) else Drift(kind=DriftKind.CHANGED, place=event.place)


def _problem(event: SourceEvent) -> str | None:
    try:
        validate_collection_name(event.collection)
        if event.kind is not SourceKind.FOLDER:  # whose files all have a key, if only to fail under it
            validate_key(event.key)
    except InvalidRequest as error:
        return error.detail
    return None


def _watched(state: SourceState) -> bool:
    """Records of a stream stand behind no object."""
    return not state.uri.startswith("kinesis:")
