"""The REST door: the bytes go to the bucket and the ledger is told at once, before S3's own notification."""

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO

from rag.domain.documents import Attributes, NewCollection, SourceEvent
from rag.errors import DocumentNotFound
from rag.ports import Backend, TenantStore
from tests.simulator.world import Key


class RestDoor:
    """What the routes of `app/api/documents.py` do; a request that `dies` ends before the ledger knows."""

    def __init__(self, backend: Backend, dies: Callable[[], bool]) -> None:
        self._backend = backend
        self._dies = dies

    def upload(self, key: Key, body: bytes, attributes: Attributes) -> None:
        self._accept(key, self._backend.source.put(*key.place, BytesIO(body), attributes))

    def delete(self, key: Key) -> None:
        with suppress(DocumentNotFound):
            self._tenant(key).documents.find(*key.place[1:])
            self._accept(key, self._backend.source.remove(*key.place))

    def describe(self, key: Key, attributes: Attributes) -> None:
        with suppress(DocumentNotFound):
            self._tenant(key).documents.find(*key.place[1:])
            self._accept(key, self._backend.source.describe(*key.place, attributes))

    def _accept(self, key: Key, event: SourceEvent) -> None:
        if not self._dies():
            tenant = self._tenant(key)
            new = NewCollection(name=key.place[1], embedding=self._backend.embedder.model)
            tenant.ledger.accept(event, tenant.collections.ensure(new))

    def _tenant(self, key: Key) -> TenantStore:
        return self._backend.store.tenant(key.place[0])
