"""Collections."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.api import examples
from app.api.deps import ServicesDependency
from app.api.docs import IDEMPOTENT, problems, success
from app.api.routes import IdempotentRoute
from app.schemas.collections import Collection, CollectionCreate, CollectionUpdate
from app.schemas.common import Identifier, ListResponse, PageQuery

router = APIRouter(prefix="/v1/collections", tags=["collections"], route_class=IdempotentRoute)

Name = Annotated[Identifier, Path(description="The collection's name", examples=["handbook"])]


@router.post(
    "",
    status_code=201,
    summary="Create a collection",
    description=f"Its documents are embedded with the model of this deployment. {IDEMPOTENT}",
    responses={**success(201, examples.COLLECTION, location=True), **problems(409, body=True)},
)
def create_collection(body: CollectionCreate, services: ServicesDependency, response: Response) -> Collection:
    created = services.store.collections.create(body.to_domain(services.backend.embedder.model))
    response.headers["Location"] = f"/v1/collections/{created.name}"
    return Collection.of(created)


@router.get(
    "",
    summary="List collections",
    description="Oldest first.",
    responses={**success(200, examples.page_of(examples.COLLECTION)), **problems(404)},
)
def list_collections(
    query: Annotated[PageQuery, Query()], services: ServicesDependency
) -> ListResponse[Collection]:
    return ListResponse[Collection].from_page(services.store.collections.list(query.page()), Collection.of)


@router.get(
    "/{name}",
    summary="Get a collection",
    description="With the number of its documents.",
    responses={**success(200, examples.COLLECTION), **problems(404)},
)
def get_collection(name: Name, services: ServicesDependency) -> Collection:
    return Collection.of(services.store.collections.get(name))


@router.patch(
    "/{name}",
    summary="Change a collection",
    description="What is absent or null stays as it is. New chunking is applied to all documents in the"
    " background: each is searched in its old chunks until its new ones are complete. `outdated_count` tells"
    " how many are left; those that fail keep their old chunks and say why.",
    responses={**success(200, examples.COLLECTION), **problems(404, body=True)},
)
def update_collection(name: Name, body: CollectionUpdate, services: ServicesDependency) -> Collection:
    updated = services.store.collections.update(
        name,
        description=body.description,
        language=body.language,
        chunking=body.chunking.to_domain() if body.chunking else None,
        metadata=body.metadata,
    )
    if updated.outdated_count:
        services.request_work()
    return Collection.of(updated)


@router.delete(
    "/{name}",
    status_code=202,
    summary="Delete a collection",
    description="It is hidden at once, with its documents; the write path then erases every trace.",
    responses={**success(202, examples.COLLECTION), **problems(404)},
)
def delete_collection(name: Name, services: ServicesDependency) -> Collection:
    deleted = services.store.collections.get(name)
    # The source first: what it still held would bring the collection back.
    services.backend.source.remove_collection(services.tenant, name)
    services.store.collections.delete(name)
    services.request_work()
    return Collection.of(deleted)
