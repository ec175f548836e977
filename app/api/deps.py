"""What a route needs of the backend, for the tenant of its request."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from app.answer import Answerer
from app.retrieve import Retriever
from app.summary import Summarizer
from rag.ports import Backend, TenantStore

LOCAL_TENANT = "local"


@dataclass(frozen=True, kw_only=True)
class Services:
    """The backend is touched only where a route runs, in a worker thread: it may start a server."""

    backend: Backend
    tenant: str
    max_document_bytes: int

    @property
    def store(self) -> TenantStore:
        return self.backend.store.tenant(self.tenant)

    def retriever(self) -> Retriever:
        return Retriever(store=self.store, embedder=self.backend.embedder, reranker=self.backend.reranker)

    def answerer(self) -> Answerer:
        retriever = self.retriever()
        return Answerer(store=retriever.store, retriever=retriever, generator=self.backend.generator)

    def summarizer(self) -> Summarizer:
        return Summarizer(store=self.store, generator=self.backend.generator)


def tenant_of(_request: Request) -> str:
    """The one place that says whose request this is; the tenant comes from the credential alone."""
    return LOCAL_TENANT


def services_of(request: Request) -> Services:
    state = request.app.state
    return Services(
        backend=state.backend, tenant=tenant_of(request), max_document_bytes=state.max_document_bytes
    )


async def _services(request: Request) -> Services:
    # async though it awaits nothing: a plain function would cost a change of threads a request.
    return services_of(request)


ServicesDependency = Annotated[Services, Depends(_services)]
