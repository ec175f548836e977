"""The events of an answer or a summary as they are sent."""

from app.answer import AnswerCreated, AnswerEvent, CitationAdded, RetrievalCompleted
from app.api.sse import ServerEvent
from app.schemas.answers import Answer, Citation
from app.schemas.common import ResponseModel
from app.schemas.search import Passage
from rag.domain.answers import TextDelta


class CreatedData(ResponseModel):
    id: str


class PassagesData(ResponseModel):
    passages: list[Passage]


class TextData(ResponseModel):
    text: str


def answer_event(event: AnswerEvent) -> ServerEvent:
    match event:
        case AnswerCreated():
            return ServerEvent(name="answer.created", data=CreatedData.of(event))
        case RetrievalCompleted():
            return ServerEvent(name="retrieval.completed", data=PassagesData.of(event))
        case TextDelta():
            return ServerEvent(name="answer.delta", data=TextData.of(event))
        case CitationAdded(citation=citation):
            return ServerEvent(name="citation.added", data=Citation.of(citation))
        case _:
            return ServerEvent(name="answer.completed", data=Answer.of(event.answer))
