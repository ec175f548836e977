"""A chat model behind an endpoint: OpenAI's chat completions as vLLM serves them, whole or streamed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final
from zlib import crc32

from tests.doubles.aws_http import Piece, Reply
from tests.doubles.aws_service import Tokens
from tests.doubles.bedrock_converse import passages_in, question_in
from tests.doubles.bedrock_events import seconds
from tests.doubles.bedrock_models import count_tokens
from tests.doubles.event_stream import CONTENT_TYPE, event, exception
from tests.doubles.mock_answers import Asked, Written, cut, tokens_of, write
from tests.doubles.mock_names import MockModel
from tests.doubles.sagemaker_errors import container_error

_FINISH: Final = {
    "end_turn": "stop",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
}
_BREAKS_OFF: Final = ("fails-midstream", "hangs-up", "stalls")
_ENDLESS: Final = float("inf")


@dataclass(frozen=True, kw_only=True)
class _Completion:
    model: MockModel
    written: Written
    prompt_tokens: int
    with_usage: bool

    @property
    def usage(self) -> dict[str, int]:
        tokens = self.written.tokens
        return {
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + tokens,
            "completion_tokens": tokens,
        }

    @property
    def finish_reason(self) -> str:
        return _FINISH.get(self.written.stop_reason, "length")


def chat(model: MockModel, body: bytes, account: Tokens, *, stream: bool) -> Reply:
    """Server-sent events where the payload asks for a stream, over either operation."""
    request = json.loads(body)
    asked_tokens = sum(count_tokens(text) for text in _texts(request))
    if (refused := _refused(request, model, asked_tokens)) is not None:
        return refused
    most = request.get("max_tokens") or request.get("max_completion_tokens") or model.window - asked_tokens
    completion = _Completion(
        model=model,
        written=cut(write(_asked(request), model), most, "max_tokens"),
        prompt_tokens=asked_tokens,
        with_usage=request.get("stream_options", {}).get("include_usage", False),
    )
    account.calls += 1
    account.input += asked_tokens
    pieces = _streamed(completion, account) if request.get("stream") else _whole(completion, account)
    return _over_stream(pieces, model) if stream else _at_once(pieces, model)


def _refused(request: Mapping[str, Any], model: MockModel, tokens: int) -> Reply | None:
    if not request.get("messages"):
        return _bad_request("messages must not be empty")
    most = request.get("max_tokens") or 1
    if most < 1:
        return _bad_request(f"max_tokens must be at least 1, got {most}.")
    if model.behaviour == "overflow" or tokens + most > model.window:
        return _bad_request(
            f"This model's maximum context length is {model.window} tokens. However, you requested "
            f"{tokens + most} tokens ({tokens} in the messages, {most} in the completion). "
            "Please reduce the length of the messages or completion."
        )
    return None


def _bad_request(message: str) -> Reply:
    error = {"message": message, "type": "BadRequestError", "param": None, "code": 400}
    return container_error(400, {"error": error})


def _texts(request: Mapping[str, Any]) -> list[str]:
    return [_text(message["content"]) for message in request.get("messages", [])]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def _asked(request: Mapping[str, Any]) -> Asked:
    messages = [(message["role"], _text(message["content"])) for message in request["messages"]]
    users = [text for role, text in messages if role == "user"]
    wanted = request.get("response_format", {})
    return Asked(
        instructions="\n".join(text for role, text in messages if role in ("system", "developer")),
        questions=tuple(map(question_in, users)),
        texts=tuple(reversed(users)),
        sources=tuple(passages_in(users[-1])),
        schema=wanted["json_schema"]["schema"] if wanted.get("type") == "json_schema" else None,
    )


def _whole(completion: _Completion, account: Tokens) -> Iterator[Piece]:
    account.output += completion.written.tokens
    message = {"role": "assistant", "content": completion.written.text, "tool_calls": []}
    choice = {"index": 0, "message": message, "finish_reason": completion.finish_reason}
    body = {**_envelope(completion, "chat.completion"), "choices": [choice], "usage": completion.usage}
    delay = seconds(completion.written, completion.model)
    breaks = completion.model.behaviour in (*_BREAKS_OFF, "silent")
    yield _break(completion.model) if breaks else Piece(data=json.dumps(body).encode(), delay=delay)


def _streamed(completion: _Completion, account: Tokens) -> Iterator[Piece]:
    model = completion.model
    if model.behaviour == "silent":
        yield Piece(delay=_ENDLESS)
    yield _chunk(completion, {"role": "assistant", "content": ""}, delay=model.first_token)
    tokens = tokens_of(completion.written.text)
    last = len(tokens) // 2 if model.behaviour in _BREAKS_OFF else len(tokens)
    for number, token in enumerate(tokens[:last]):
        account.output += 1
        yield _chunk(completion, {"content": token}, delay=model.token_interval if number else 0.0)
    if model.behaviour in _BREAKS_OFF:
        yield _break(model)
        return
    yield _chunk(completion, {}, finish_reason=completion.finish_reason)
    if completion.with_usage:
        usage = {**_envelope(completion, "chat.completion.chunk"), "choices": [], "usage": completion.usage}
        yield _line(json.dumps(usage))
    yield _line("[DONE]")


def _envelope(completion: _Completion, kind: str) -> dict[str, Any]:
    number = crc32(completion.written.text.encode("utf-8", "replace"))
    return {"id": f"chatcmpl-{number:08x}", "object": kind, "created": 0, "model": completion.model.id}


def _chunk(
    completion: _Completion,
    delta: Mapping[str, str],
    *,
    finish_reason: str | None = None,
    delay: float = 0.0,
) -> Piece:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    body = {**_envelope(completion, "chat.completion.chunk"), "choices": [choice]}
    return _line(json.dumps(body, ensure_ascii=False), delay=delay)


def _line(data: str, *, delay: float = 0.0) -> Piece:
    return Piece(data=f"data: {data}\n\n".encode("utf-8", "replace"), delay=delay)


def _break(model: MockModel) -> Piece:
    if model.behaviour in ("stalls", "silent"):
        return Piece(delay=_ENDLESS)
    # A piece without data that hangs up; `_over_stream` makes an exception of it where the name says so.
    return Piece(hang_up=True)


def _at_once(pieces: Iterator[Piece], model: MockModel) -> Reply:
    sent = list(pieces)
    delay = sum(piece.delay for piece in sent)
    if sent[-1].hang_up:
        failed = container_error(500, {"error": "the model broke off"})
        return failed if model.behaviour == "fails-midstream" else Reply(hang_up=True, delay=delay)
    headers = {"x-Amzn-Invoked-Production-Variant": "AllTraffic"}
    return Reply(body=b"".join(piece.data for piece in sent), headers=headers, delay=delay)


def _over_stream(pieces: Iterator[Piece], model: MockModel) -> Reply:
    headers = {
        "Content-Type": CONTENT_TYPE,
        "X-Amzn-SageMaker-Content-Type": "text/event-stream",
        "x-Amzn-Invoked-Production-Variant": "AllTraffic",
    }
    return Reply(headers=headers, pieces=_parts(pieces, model))


def _parts(pieces: Iterator[Piece], model: MockModel) -> Iterator[Piece]:
    """PayloadParts that begin and end anywhere, also inside a character; what is due is never held back."""
    held = b""
    for piece in pieces:
        if piece.delay or piece.hang_up:
            yield from map(_part, _cut(held))
            held = b""
        if piece.hang_up:
            yield _failure(model) if model.behaviour == "fails-midstream" else piece
        elif piece.delay:
            first, *rest = _cut(piece.data) or [b""]
            yield Piece(data=_frame(first) if first else b"", delay=piece.delay)
            yield from map(_part, rest)
        else:
            held += piece.data
    yield from map(_part, _cut(held))


def _cut(data: bytes) -> list[bytes]:
    """Lengths between 1 and 97 that depend on the data alone."""
    parts: list[bytes] = []
    for number in count():
        if not data:
            return parts
        length = 1 + crc32(data[:64] + bytes([number % 251])) % 97
        parts.append(data[:length])
        data = data[length:]
    raise AssertionError


def _frame(data: bytes) -> bytes:
    return event("PayloadPart", data, "application/octet-stream")


def _part(data: bytes) -> Piece:
    return Piece(data=_frame(data))


def _failure(model: MockModel) -> Piece:
    if model.exception == "internalServerException":
        return Piece(data=exception("InternalStreamFailure", {"Message": "The stream processing failed."}))
    body = {"Message": "The model's stream was broken.", "ErrorCode": "StreamBroken"}
    return Piece(data=exception("ModelStreamError", body))
