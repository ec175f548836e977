"""What this deployment can generate, embed and rerank with."""

from fastapi import APIRouter

from app.api import examples
from app.api.deps import ServicesDependency
from app.api.docs import problems, success
from app.api.routes import ApiRoute
from app.schemas.collections import EmbeddingModel
from app.schemas.generations import GenerativeModel, Models, RerankingModel

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=ApiRoute)


@router.get(
    "",
    summary="List models",
    description="What this deployment can generate, embed and rerank with.",
    responses={**success(200, examples.MODELS), **problems()},
)
def list_models(services: ServicesDependency) -> Models:
    backend = services.backend
    others = [build() for build in backend.other_embedders]
    reranker = backend.reranker
    return Models(
        generation=[GenerativeModel.of(backend.generator.model)],
        embedding=[EmbeddingModel.of(each.model) for each in (backend.embedder, *others)],
        reranking=[RerankingModel(id=reranker.model_id)] if reranker else [],
    )
