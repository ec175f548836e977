"""uvicorn's connection with limits of time and number, which uvicorn itself does not have."""

import asyncio
import sys
from http import HTTPStatus
from typing import Any, Self

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from app.api.problems import MEDIA_TYPE, framework_problem
from app.api.request_id import HEADER
from app.serving.limits import ConnectionLimits
from rag.domain.ids import new_id

_TOO_SLOW = "The request came too slowly. Send it again, all of it within the time that is allowed."
_TOO_MANY = "The server has as many connections as it can. Try again soon."
_MALFORMED = "This is no HTTP request."
_HEAD_TOO_LARGE = "The request line and the headers are larger than the {} bytes that are accepted."


class LimitedProtocol(H11Protocol):
    """Looks once a second at what its client does, so that a request itself costs nothing more."""

    connections: set[Self]  # type: ignore[assignment]
    # None before the first request, though its type does not say so.
    cycle: RequestResponseCycle | None  # type: ignore[assignment]

    def __init__(self, *arguments: Any, limits: ConnectionLimits, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits
        self.waiting_since = self._now()
        self._received = 0
        self._body_since: float | None = None
        self._window = (0.0, 0)
        self._unsent = 0
        self._unsent_since = self._now()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.waiting_since = self._now()
        self._look_again()
        if len(self.connections) > self._limits.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)

    def on_response_complete(self) -> None:
        self.waiting_since = self._now()
        super().on_response_complete()

    def resume_writing(self) -> None:
        self._unsent_since = self._now()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Uvicorn calls it while it handles the error of h11, which knows the status."""
        del msg
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        too_large = status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        # A server that does not know a transfer coding would say 501; what came is no fault of this one.
        status = status if status < HTTPStatus.INTERNAL_SERVER_ERROR else HTTPStatus.BAD_REQUEST
        self._end(status, _HEAD_TOO_LARGE.format(self._limits.head_bytes) if too_large else _MALFORMED)

    @property
    def waits_for_request(self) -> bool:
        between = self.cycle is None or self.cycle.response_complete
        return between and self.conn.their_state is not h11.SEND_BODY

    def _now(self) -> float:
        return self.loop.time()

    def _make_room(self) -> None:
        """In place of whoever has sent no request for longest; else the new one is refused."""
        idle = [each for each in self.connections if each is not self and each.waits_for_request]
        if not idle:
            self._end(503, _TOO_MANY, [(b"retry-after", b"1")])
            return
        oldest = min(idle, key=lambda each: each.waiting_since)
        self.connections.discard(oldest)
        oldest.transport.abort()

    def _look_again(self) -> None:
        self._timer = self.loop.call_later(self._limits.tick_seconds, self._look)

    def _look(self) -> None:
        now = self._now()
        self._look_again()
        if self._reads_nothing(now):
            self.logger.info("A client that reads nothing of its answer was disconnected.")
            self.transport.abort()
        elif not self.transport.is_closing() and (self._head_is_late(now) or self._body_is_late(now)):
            self._give_up()

    def _head_is_late(self, now: float) -> bool:
        return self.waits_for_request and now - self.waiting_since > self._limits.head_seconds

    def _body_is_late(self, now: float) -> bool:
        if self.conn.their_state is not h11.SEND_BODY:
            self._body_since = None
            return False
        if self._body_since is None:
            self._body_since, self._window = now, (now, self._received)
        if self.flow.read_paused or (self.cycle is not None and self.cycle.waiting_for_100_continue):
            # It is this server that does not read.
            self._window = (now, self._received)
        return now - self._body_since > self._limits.body_seconds or self._came_too_slowly(now)

    def _came_too_slowly(self, now: float) -> bool:
        begun, received = self._window
        if now - begun < self._limits.window_seconds:
            return False
        self._window = (now, self._received)
        return self._received - received < self._limits.body_rate * self._limits.window_seconds

    def _reads_nothing(self, now: float) -> bool:
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent < self._unsent:
            self._unsent_since = now
        self._unsent = unsent
        return now - self._unsent_since > self._limits.unread_seconds

    def _give_up(self) -> None:
        asked = self.cycle is not None and not self.cycle.response_complete
        if asked or self.conn.trailing_data[0]:
            self.logger.info("A client that sends its request too slowly was disconnected.")
            self._end(408, _TOO_SLOW)
        else:
            self.transport.close()

    def _end(self, status: int, detail: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        """With an answer where none has begun; the application then finds its client gone."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.write(self._answer(status, detail, headers or []))
        self.transport.close()

    def _answer(self, status: int, detail: str, headers: list[tuple[bytes, bytes]]) -> bytes:
        problem = framework_problem(status, detail, new_id("req"))
        body = problem.model_dump_json(exclude_none=True).encode()
        head = h11.Response(
            status_code=status,
            reason=HTTPStatus(status).phrase.encode(),
            headers=[
                (b"content-type", MEDIA_TYPE.encode()),
                (b"content-length", str(len(body)).encode()),
                (HEADER.encode(), problem.request_id.encode()),
                (b"connection", b"close"),
                *headers,
            ],
        )
        sent = (self.conn.send(event) for event in (head, h11.Data(data=body), h11.EndOfMessage()))
        return b"".join(data for data in sent if data)
