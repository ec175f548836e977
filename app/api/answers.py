"""Cited answers, at once or as a stream, and what their readers think of them."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.api import examples
from app.api.answer_events import answer_event
from app.api.deps import Services, ServicesDependency
from app.api.docs import IDEMPOTENT, problems, success
from app.api.measured import measured_answer, measured_events
from app.api.model_calls import ModelCallsDependency
from app.api.routes import IdempotentRoute
from app.api.sse import open_stream
from app.schemas.answers import NEW_CONVERSATION, Answer, AnswerBody, FeedbackBody
from app.schemas.common import Identifier
from rag.domain.answers import AnswerRequest

router = APIRouter(prefix="/v1/answers", tags=["answers"], route_class=IdempotentRoute)

AnswerId = Annotated[
    Identifier, Path(description="The answer's id", examples=["ans_01jv1q2m3n4p5q6r7s8t9vwxyz"])
]

STREAMING = (
    "With `stream: true` the response is a stream of server-sent events: `answer.created`, "
    "`retrieval.completed`, `answer.delta`*, `citation.added`*, `answer.completed` or `error`."
)


@router.post(
    "",
    summary="Ask a question",
    description=(
        "Every citation is verified against its source, character for character; where no passage supports "
        f"an answer, status is insufficient_evidence. {STREAMING} {IDEMPOTENT} A stream is not kept."
    ),
    response_model=Answer,
    responses={
        **success(200, examples.ANSWER, stream=examples.ANSWER_EVENTS),
        **problems(404, 409, 502, body=True),
    },
)
async def create_answer(
    body: AnswerBody, services: ServicesDependency, calls: ModelCallsDependency, request: Request
) -> Answer | Response:
    def wanted() -> AnswerRequest:
        return body.to_domain(_conversation_id(body, services))

    if body.stream:
        return await open_stream(
            calls,
            request,
            lambda: measured_events(services.answerer().stream(wanted())),
            answer_event,
            at_once=2,
        )
    return await calls.run(request, lambda: Answer.of(measured_answer(services.answerer().answer(wanted()))))


def _conversation_id(body: AnswerBody, services: Services) -> str | None:
    if body.conversation_id == NEW_CONVERSATION:
        return services.store.answers.start_conversation().id
    return body.conversation_id


@router.get(
    "/{answer_id}",
    summary="Get an answer",
    description="As it was given.",
    responses={**success(200, examples.ANSWER), **problems(404)},
)
def get_answer(answer_id: AnswerId, services: ServicesDependency) -> Answer:
    return Answer.of(services.store.answers.get(answer_id))


@router.post(
    "/{answer_id}/feedback",
    status_code=204,
    summary="Rate an answer",
    description=f"A later rating replaces the former. {IDEMPOTENT}",
    responses=problems(404, body=True),
)
def give_feedback(answer_id: AnswerId, body: FeedbackBody, services: ServicesDependency) -> None:
    services.store.answers.give_feedback(answer_id, rating=body.rating, comment=body.comment)
