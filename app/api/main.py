"""The ASGI application over a backend."""

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware

from app.api import (
    answers,
    collections,
    content,
    conversations,
    docs,
    documents,
    generations,
    health,
    models,
    problems,
    search,
    summaries,
)
from app.api.limits import BodyLimit, body_limits
from app.api.request_id import RequestIds
from app.api.unexpected import UnexpectedErrors
from app.schemas.documents import DocumentCreate, DocumentForm
from rag.ports import Backend
from rag.settings import ServerSettings

API_VERSION = "1.0.0"
ROUTERS = (
    collections.router,
    documents.router,
    content.router,
    search.router,
    answers.router,
    summaries.router,
    generations.router,
    conversations.router,
    models.router,
    health.router,
)


def create_app(backend: Backend, settings: ServerSettings, *, max_document_bytes: int) -> FastAPI:
    """Touches nothing of the backend before the first request."""
    app = FastAPI(
        title="Acervo",
        version=API_VERSION,
        description=docs.DESCRIPTION,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.state.backend = backend
    app.state.max_document_bytes = max_document_bytes
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app)
    docs.install(
        app,
        {
            "DocumentCreate": DocumentCreate.model_json_schema(ref_template=docs.REFERENCE),
            "DocumentForm": DocumentForm.model_json_schema(ref_template=docs.REFERENCE),
        },
    )
    _add_middleware(app, settings, max_document_bytes)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _add_middleware(app: FastAPI, settings: ServerSettings, max_document_bytes: int) -> None:
    """The last one added sees a request first."""
    app.add_middleware(UnexpectedErrors)
    app.add_middleware(BodyLimit, limit_of=body_limits(max_document_bytes))
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"],
        expose_headers=["X-Request-Id", "Location", "Retry-After", "Idempotency-Replayed"],
    )
    app.add_middleware(RequestIds)
