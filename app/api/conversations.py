"""Conversations: the questions and answers that follow-up questions refer to."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.api import examples
from app.api.deps import ServicesDependency
from app.api.docs import problems, success
from app.api.routes import ApiRoute
from app.schemas.answers import Conversation, ConversationSummary
from app.schemas.common import Identifier, ListResponse, PageQuery

router = APIRouter(prefix="/v1/conversations", tags=["conversations"], route_class=ApiRoute)

ConversationId = Annotated[
    Identifier, Path(description="The conversation's id", examples=["cnv_01jv1q2m3n4p5q6r7s8t9vwxyz"])
]


@router.get(
    "",
    summary="List conversations",
    description='Newest first. An answer with conversation_id "new" begins one.',
    responses={**success(200, examples.page_of(examples.CONVERSATION_SUMMARY)), **problems(404)},
)
def list_conversations(
    query: Annotated[PageQuery, Query()], services: ServicesDependency
) -> ListResponse[ConversationSummary]:
    page = services.store.answers.conversations(query.page())
    return ListResponse[ConversationSummary].from_page(page, ConversationSummary.of)


@router.get(
    "/{conversation_id}",
    summary="Get a conversation",
    description="With its questions and answers, oldest first.",
    responses={**success(200, examples.CONVERSATION), **problems(404)},
)
def get_conversation(conversation_id: ConversationId, services: ServicesDependency) -> Conversation:
    return Conversation.of(services.store.answers.conversation(conversation_id))


@router.delete(
    "/{conversation_id}",
    status_code=204,
    summary="Delete a conversation",
    description="With its questions and answers.",
    responses=problems(404),
)
def delete_conversation(conversation_id: ConversationId, services: ServicesDependency) -> None:
    services.store.answers.delete_conversation(conversation_id)
