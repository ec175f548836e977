"""Whether the process is up, and whether it can serve."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.deps import Services, ServicesDependency
from app.api.docs import problems, success
from app.api.problems import problem_of, problem_response, retry_after
from app.api.request_id import request_id_of
from app.api.routes import ApiRoute
from app.schemas.common import ResponseModel
from rag.embedders import described, embedder_of
from rag.errors import AcervoError, EmbeddingModelMismatch
from rag.telemetry import logger

router = APIRouter(tags=["health"], route_class=ApiRoute)


class Health(ResponseModel):
    status: str


@router.get(
    "/healthz",
    summary="Is the process up?",
    description="Touches nothing else.",
    responses={**success(200, {"status": "up"}), **problems()},
)
async def healthz() -> Health:
    # async: a thread would have to be free.
    return Health(status="up")


@router.get(
    "/readyz",
    summary="Can it serve?",
    description="The database answers, its schema is current, and the embedding model is the collections'.",
    response_model=Health,
    responses={**success(200, {"status": "ready"}), **problems()},
)
def readyz(services: ServicesDependency, request: Request) -> Health | Response:
    try:
        services.backend.store.check()
        _check_embedding(services)
    except AcervoError as error:
        return _not_ready(error, request_id_of(request.scope))
    return Health(status="ready")


def _check_embedding(services: Services) -> None:
    backend = services.backend
    for collection in services.store.index.collections(None):
        try:
            embedder_of(collection.embedding, backend.embedder, backend.other_embedders)
        except EmbeddingModelMismatch as error:
            raise EmbeddingModelMismatch(
                # Whose collection it is, anybody could read: nobody needs a credential for this.
                f"A collection was embedded with {described(collection.embedding)}, which is not configured."
            ) from error


def _not_ready(error: AcervoError, request_id: str) -> Response:
    """Whatever the error is elsewhere, here it means: send no requests yet."""
    logger.warning("request %s: not ready: %s: %s", request_id, error.code, error)
    told = {"status": 503} if error.retryable else {"status": 503, "detail": error.detail}
    problem = problem_of(error, request_id).model_copy(update=told)
    return problem_response(problem, {"Retry-After": "5", **retry_after(error)})
