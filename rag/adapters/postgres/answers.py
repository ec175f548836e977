"""Answers, their feedback and the conversations they belong to."""

from dataclasses import asdict
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from rag.adapters.postgres.connection import Connection, Session
from rag.adapters.postgres.paging import decode_cursor, page_of
from rag.adapters.postgres.queries import load
from rag.domain.answers import (
    Answer,
    AnswerStatus,
    Citation,
    CitationSource,
    Conversation,
    Span,
    Turn,
    Usage,
)
from rag.domain.ids import new_id
from rag.domain.pages import Page, PageRequest
from rag.domain.search import Locator, Passage, PassageDocument
from rag.errors import AnswerNotFound, ConversationNotFound

_sql = load("answers")
_collections = load("collections")
_TURNS_SHOWN = 100


class PostgresAnswers:
    def __init__(self, session: Session) -> None:
        self._session = session

    def save(self, answer: Answer, *, question: str) -> None:
        body = {key: value for key, value in asdict(answer).items() if key not in {"passages", "id"}}
        values: dict[str, Any] = {
            "tenant": self._session.tenant,
            "answer_id": answer.id,
            "conversation_id": answer.conversation_id,
            "question": question,
            "body": Jsonb(body),
            "passages": Jsonb([asdict(passage) for passage in answer.passages]),
            "cited_documents": sorted({citation.source.document_id for citation in answer.citations}),
        }
        with self._session.transaction() as connection:
            connection.execute(_collections["ensure_tenant"], values)
            if answer.conversation_id:
                _conversation_row(connection, answer.conversation_id)
                connection.execute(_sql["touch_conversation"], values)
            connection.execute(_sql["save"], values)

    def get(self, answer_id: str) -> Answer:
        with self._session.transaction() as connection:
            row = connection.execute(_sql["get"], {"answer_id": answer_id}).fetchone()
        if row is None:
            raise _unknown(answer_id)
        return _answer_from(row)

    def give_feedback(self, answer_id: str, *, rating: str, comment: str | None) -> None:
        values = {"answer_id": answer_id, "rating": rating, "comment": comment}
        with self._session.transaction() as connection:
            if not connection.execute(_sql["give_feedback"], values).fetchone():
                raise _unknown(answer_id)

    def start_conversation(self) -> Conversation:
        values = {"tenant": self._session.tenant, "conversation_id": new_id("cnv")}
        with self._session.transaction() as connection:
            connection.execute(_collections["ensure_tenant"], values)
            connection.execute(_sql["start_conversation"], values)
            return _conversation_from(_conversation_row(connection, values["conversation_id"]))

    def conversation(self, conversation_id: str) -> Conversation:
        with self._session.transaction() as connection:
            row = _conversation_row(connection, conversation_id)
            return _conversation_from(row, _turns(connection, conversation_id, _TURNS_SHOWN))

    def conversations(self, page: PageRequest) -> Page[Conversation]:
        values = {"before": decode_cursor(page.cursor), "limit": page.limit + 1}
        with self._session.transaction() as connection:
            rows = connection.execute(_sql["conversations"], values).fetchall()
        return page_of(rows, page, _conversation_from, position="conversation_id")

    def delete_conversation(self, conversation_id: str) -> None:
        with self._session.transaction() as connection:
            _conversation_row(connection, conversation_id)
            connection.execute(_sql["delete_conversation"], {"conversation_id": conversation_id})

    def recent_turns(self, conversation_id: str, limit: int) -> tuple[Turn, ...]:
        with self._session.transaction() as connection:
            _conversation_row(connection, conversation_id)
            return _turns(connection, conversation_id, limit)


def _conversation_row(connection: Connection, conversation_id: str) -> DictRow:
    row = connection.execute(_sql["conversation"], {"conversation_id": conversation_id}).fetchone()
    if row is None:
        raise ConversationNotFound(f"There is no conversation {conversation_id!r}.")
    return row


def _turns(connection: Connection, conversation_id: str, limit: int) -> tuple[Turn, ...]:
    rows = connection.execute(_sql["turns"], {"conversation_id": conversation_id, "limit": limit})
    return tuple(Turn(question=row["question"], answer=row["answer"]) for row in rows)


def _conversation_from(row: DictRow, turns: tuple[Turn, ...] = ()) -> Conversation:
    return Conversation(
        id=row["conversation_id"], created_at=row["created_at"], updated_at=row["updated_at"], turns=turns
    )


def _unknown(answer_id: str) -> AnswerNotFound:
    return AnswerNotFound(f"There is no answer {answer_id!r}.")


def _answer_from(row: DictRow) -> Answer:
    body = row["body"]
    return Answer(
        id=row["answer_id"],
        status=AnswerStatus(body["status"]),
        text=body["text"],
        language=body["language"],
        model=body["model"],
        citations=tuple(map(_citation_from, body["citations"])),
        unsupported=tuple(Span(**span) for span in body["unsupported"]),
        passages=tuple(map(_passage_from, row["passages"])),
        usage=Usage(**body["usage"]),
        timings_ms=body["timings_ms"],
        conversation_id=row["conversation_id"],
        # Answers that an earlier release stored have neither.
        query=body.get("query"),
        fallback_from=body.get("fallback_from"),
        rerank_failure=body.get("rerank_failure"),
    )


def _citation_from(value: dict[str, Any]) -> Citation:
    return Citation(**{**value, "source": CitationSource(**value["source"])})


def _passage_from(value: dict[str, Any]) -> Passage:
    locator = {**value["locator"], "page_breaks": tuple(value["locator"]["page_breaks"])}
    return Passage(
        **{**value, "document": PassageDocument(**value["document"]), "locator": Locator(**locator)}
    )
