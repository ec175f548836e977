"""Passages without a model, and why a document is not among them."""

from fastapi import APIRouter

from app.api import examples
from app.api.deps import ServicesDependency
from app.api.docs import problems, success
from app.api.measured import measured_search
from app.api.routes import ApiRoute
from app.explain import explain
from app.schemas.search import ExplainBody, ExplainResponse, SearchBody, SearchResponse

router = APIRouter(prefix="/v1/search", tags=["search"], route_class=ApiRoute)


@router.post(
    "",
    summary="Search",
    description="Passages by meaning, by words, or both fused, best first.",
    responses={**success(200, examples.SEARCH), **problems(404, 409, body=True)},
)
def search(body: SearchBody, services: ServicesDependency) -> SearchResponse:
    return SearchResponse.from_domain(measured_search(services.retriever().retrieve(body.to_domain())))


@router.post(
    "/explain",
    summary="Explain a search",
    description="Why a document is, or is not, among the results of a search.",
    responses={**success(200, examples.EXPLANATION), **problems(404, 409, body=True)},
)
def explain_search(body: ExplainBody, services: ServicesDependency) -> ExplainResponse:
    backend = services.backend
    explanation = explain(
        services.store,
        backend.embedder,
        body.to_domain(),
        body.document,
        other_embedders=backend.other_embedders,
        reranker=backend.reranker,
    )
    return ExplainResponse.of(explanation)
