"""Cited summaries of documents."""

from fastapi import APIRouter, Request, Response

from app.api import examples
from app.api.answer_events import summary_event
from app.api.answers import STREAMING
from app.api.deps import ServicesDependency
from app.api.docs import IDEMPOTENT, problems, success
from app.api.measured import measured_answer, measured_events
from app.api.model_calls import ModelCallsDependency
from app.api.routes import IdempotentRoute
from app.api.sse import open_stream
from app.schemas.answers import Answer, SummaryBody

router = APIRouter(prefix="/v1/summaries", tags=["answers"], route_class=IdempotentRoute)


@router.post(
    "",
    summary="Summarise documents",
    description=(
        "Documents by id, or those of a collection that pass a filter. The answer object is that of a "
        f"question. {STREAMING} What is more than a model reads at once is read in parts first, and "
        f"`summary.progress`* tells how many of them are done. {IDEMPOTENT} A stream is not kept."
    ),
    response_model=Answer,
    responses={
        **success(200, examples.ANSWER, stream=examples.ANSWER_EVENTS),
        **problems(404, 409, 502, body=True),
    },
)
async def create_summary(
    body: SummaryBody, services: ServicesDependency, calls: ModelCallsDependency, request: Request
) -> Answer | Response:
    wanted = body.to_domain()
    if body.stream:
        return await open_stream(
            calls,
            request,
            lambda: measured_events(services.summarizer().stream(wanted)),
            summary_event,
            at_once=2,
        )
    return await calls.run(
        request, lambda: Answer.of(measured_answer(services.summarizer().summarize(wanted)))
    )
