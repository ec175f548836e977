"""The ASGI application over a backend."""

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware

from app.api import (
    answers,
    collections,
    content,
    conversations,
    credentials,
    docs,
    documentation,
    documents,
    generations,
    health,
    models,
    problems,
    search,
    summaries,
    uploads,
)
from app.api.limits import BodyLimit, body_limits
from app.api.model_calls import ModelCalls
from app.api.request_id import RequestIds
from app.api.shares import TenantShares
from app.api.unexpected import UnexpectedErrors
from app.auth import Anonymous, Gatekeeper
from app.schemas.documents import DocumentCreate, DocumentForm
from rag.errors import AcervoError
from rag.ports import Backend, TokenVerifier
from rag.settings import ServerSettings

API_VERSION = "1.0.0"
ROUTERS = (
    collections.router,
    documents.router,
    content.router,
    uploads.router,
    search.router,
    answers.router,
    summaries.router,
    generations.router,
    conversations.router,
    models.router,
    health.router,
)


def create_app(
    backend: Backend,
    settings: ServerSettings,
    *,
    max_document_bytes: int,
    tokens: TokenVerifier | None = None,
    anonymous: Anonymous = Anonymous.REFUSED,
) -> FastAPI:
    """Touches nothing of the backend before the first request.

    Without `tokens` only API keys are credentials.
    """
    app = FastAPI(
        title="Acervo",
        version=API_VERSION,
        description=docs.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.state.backend = backend
    app.state.max_document_bytes = max_document_bytes
    app.state.model_calls = ModelCalls()
    for router in (*ROUTERS, documentation.router):
        app.include_router(router)
    problems.install(app)
    docs.install(
        app,
        {
            "DocumentCreate": DocumentCreate.model_json_schema(ref_template=docs.REFERENCE),
            "DocumentForm": DocumentForm.model_json_schema(ref_template=docs.REFERENCE),
        },
        complete=credentials.describe,
    )
    gatekeeper = Gatekeeper(lambda: backend.store.credentials, tokens=tokens, anonymous=anonymous)
    operations = credentials.Operations(ROUTERS)
    app.add_middleware(
        TenantShares, spending=operations.spends_tokens, waits=lambda: _waits_for_a_model(backend)
    )
    app.add_middleware(credentials.Credentials, gatekeeper=gatekeeper, operations=operations)
    _add_middleware(app, settings, max_document_bytes)
    return app


def _waits_for_a_model(backend: Backend) -> bool:
    """The extractive generator computes instead."""
    try:
        return backend.generator.model.generative
    except AcervoError:  # which the route tells when it asks for the generator itself
        return False


def _operation_id(route: APIRoute) -> str:
    return route.name


def _add_middleware(app: FastAPI, settings: ServerSettings, max_document_bytes: int) -> None:
    """The last one added sees a request first."""
    app.add_middleware(UnexpectedErrors)
    app.add_middleware(BodyLimit, limit_of=body_limits(max_document_bytes))
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"],
        expose_headers=[
            "X-Request-Id",
            "Location",
            "Retry-After",
            "Idempotency-Replayed",
            "WWW-Authenticate",
        ],
    )
    app.add_middleware(RequestIds)
