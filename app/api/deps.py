"""What a route needs of the backend, for the tenant of its request."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from app.answer import Answerer
from app.api.credentials import principal_of
from app.auth import LOCAL_TENANT
from app.metering import MeteredGenerator
from app.retrieve import Retriever
from app.summary import Summarizer
from rag.errors import Unavailable
from rag.ports import Backend, Generator, TenantStore
from rag.telemetry import logger


@dataclass(frozen=True, kw_only=True)
class Services:
    """The backend is touched only where a route runs, in a worker thread: it may start a server."""

    backend: Backend
    tenant: str
    max_document_bytes: int

    @property
    def store(self) -> TenantStore:
        return self.backend.store.tenant(self.tenant)

    @property
    def generator(self) -> Generator:
        """Counts the tokens that the tenant has models read and write."""
        count = partial(self.backend.store.credentials.count_tokens, self.tenant)
        return MeteredGenerator(inner=self.backend.generator, count=count)

    def request_work(self) -> None:
        """For what the ledger holds already: if this fails, the schedule finds it at its next turn."""
        try:
            self.backend.source.request_work(self.tenant)
        except Unavailable as error:
            logger.warning("Work of the tenant %s waits for the schedule: %s", self.tenant, error)

    def retriever(self) -> Retriever:
        backend = self.backend
        return Retriever(
            store=self.store,
            embedder=backend.embedder,
            other_embedders=backend.other_embedders,
            reranker=backend.reranker,
        )

    def answerer(self) -> Answerer:
        retriever = self.retriever()
        backend = self.backend
        return Answerer(
            store=retriever.store, retriever=retriever, generator=self.generator, guard=backend.guard
        )

    def summarizer(self) -> Summarizer:
        return Summarizer(store=self.store, generator=self.generator, guard=self.backend.guard)


def tenant_of(request: Request) -> str:
    """Of whoever was admitted; in public operations, which show nothing of any tenant, that of local mode."""
    principal = principal_of(request)
    return principal.tenant if principal else LOCAL_TENANT


def services_of(request: Request) -> Services:
    state = request.app.state
    return Services(
        backend=state.backend, tenant=tenant_of(request), max_document_bytes=state.max_document_bytes
    )


async def _services(request: Request) -> Services:
    # async though it awaits nothing: a plain function would cost a change of threads a request.
    return services_of(request)


ServicesDependency = Annotated[Services, Depends(_services)]
