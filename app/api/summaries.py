"""Cited summaries of documents."""

from fastapi import APIRouter, Request, Response

from app.api import examples
from app.api.answer_events import answer_event
from app.api.answers import STREAMING
from app.api.deps import ServicesDependency
from app.api.docs import IDEMPOTENT, problems, success
from app.api.request_id import request_id_of
from app.api.routes import IdempotentRoute
from app.api.sse import EventStream
from app.schemas.answers import Answer, SummaryBody

router = APIRouter(prefix="/v1/summaries", tags=["answers"], route_class=IdempotentRoute)


@router.post(
    "",
    summary="Summarise documents",
    description=(
        "Documents by id, or those of a collection that pass a filter. The answer object is that of a "
        f"question. {STREAMING} {IDEMPOTENT} A stream is not kept."
    ),
    response_model=Answer,
    responses={
        **success(200, examples.ANSWER, stream=examples.ANSWER_EVENTS),
        **problems(404, 409, 502, body=True),
    },
)
def create_summary(body: SummaryBody, services: ServicesDependency, request: Request) -> Answer | Response:
    summarizer, wanted = services.summarizer(), body.to_domain()
    if body.stream:
        return EventStream(summarizer.stream(wanted), answer_event, request_id=request_id_of(request.scope))
    return Answer.of(summarizer.summarize(wanted))
