"""Generation without documents: zero-shot and few-shot."""

from collections.abc import Iterator
from functools import partial

from fastapi import APIRouter, Request, Response

from app import generation
from app.api import examples
from app.api.answer_events import CreatedData, TextData
from app.api.deps import ServicesDependency
from app.api.docs import IDEMPOTENT, problems, success
from app.api.model_calls import ModelCallsDependency
from app.api.routes import IdempotentRoute
from app.api.sse import ServerEvent, open_stream
from app.ground import closing
from app.schemas.generations import Generation, GenerationBody
from rag.domain.answers import TextDelta
from rag.domain.ids import new_id

router = APIRouter(prefix="/v1/generations", tags=["generations"], route_class=IdempotentRoute)


@router.post(
    "",
    summary="Generate text",
    description=(
        "Needs a generative model; without one it is 409 and says which setting names one. With "
        "`stream: true`: `generation.created`, `generation.delta`*, `generation.completed` or `error`. "
        f"{IDEMPOTENT} A stream is not kept."
    ),
    response_model=Generation,
    responses={
        **success(200, examples.GENERATION, stream=examples.GENERATION_EVENTS),
        **problems(409, 502, body=True),
    },
)
async def create_generation(
    body: GenerationBody, services: ServicesDependency, calls: ModelCallsDependency, request: Request
) -> Generation | Response:
    wanted, generation_id = body.to_domain(), new_id("gen")
    if body.stream:
        return await open_stream(
            calls,
            request,
            lambda: _announced(generation.stream(services.generator, wanted)),
            partial(_event, generation_id),
        )
    completion = await calls.run(request, lambda: generation.run(services.generator, wanted))
    return Generation.from_domain(generation_id, completion)


GenerationEvent = TextDelta | generation.Completion


def _announced(events: Iterator[GenerationEvent]) -> Iterator[GenerationEvent | None]:
    """None first, which stands for the generation's creation."""
    with closing(events):
        first = next(events)
        yield None
        yield first
        yield from events


def _event(generation_id: str, event: GenerationEvent | None) -> ServerEvent:
    match event:
        case None:
            return ServerEvent(name="generation.created", data=CreatedData(id=generation_id))
        case TextDelta():
            return ServerEvent(name="generation.delta", data=TextData.of(event))
        case _:
            completed = Generation.from_domain(generation_id, event)
            return ServerEvent(name="generation.completed", data=completed)
