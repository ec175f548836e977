"""The events of an answer or a summary as they are sent."""

from app.answer import AnswerCompleted, AnswerCreated, AnswerEvent, CitationAdded, RetrievalCompleted
from app.api.sse import ServerEvent
from app.ground import Withdrawn
from app.schemas.answers import Answer, Citation
from app.schemas.common import ResponseModel
from app.schemas.search import Passage
from app.summary import SummaryEvent, SummaryProgress
from rag.domain.answers import TextDelta


class CreatedData(ResponseModel):
    id: str


class PassagesData(ResponseModel):
    passages: list[Passage]


class WithdrawnData(ResponseModel):
    """The deltas so far are not the answer's text: what follows is."""


class TextData(ResponseModel):
    text: str


class ProgressData(ResponseModel):
    """`total` grows where what the parts left is again more than a model reads at once."""

    done: int
    total: int


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
        case Withdrawn():
            return ServerEvent(name="answer.withdrawn", data=WithdrawnData())
        case AnswerCompleted(answer=answer):
            return ServerEvent(name="answer.completed", data=Answer.of(answer))


def summary_event(event: SummaryEvent) -> ServerEvent:
    if isinstance(event, SummaryProgress):
        return ServerEvent(name="summary.progress", data=ProgressData.of(event))
    return answer_event(event)
