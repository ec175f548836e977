"""An answer as Converse gives it whole and as ConverseStream gives it in events."""

from collections.abc import Iterator
from typing import Any, Final

from tests.doubles.aws_http import Piece
from tests.doubles.aws_service import Tokens
from tests.doubles.bedrock_usage import InputTokens
from tests.doubles.event_stream import exception, padded_event
from tests.doubles.mock_answers import Block, Written, tokens_of
from tests.doubles.mock_grounding import Proof
from tests.doubles.mock_names import MockModel

_BREAKS_OFF: Final = ("fails-midstream", "hangs-up", "stalls")


def whole(written: Written, tokens: InputTokens, latency: float) -> dict[str, Any]:
    return {
        "metrics": {"latencyMs": round(latency * 1000)},
        "output": {"message": {"role": "assistant", "content": [_content(b) for b in written.blocks]}},
        "stopReason": written.stop_reason,
        "usage": tokens.usage(written.tokens),
    }


def _content(block: Block) -> dict[str, Any]:
    if block.proof is None:
        return {"text": block.text}
    citations = [_citation(block.proof)]
    return {"citationsContent": {"content": [{"text": block.text}], "citations": citations}}


def _citation(proof: Proof) -> dict[str, Any]:
    place = {"searchResultIndex": proof.source.index, "start": proof.start, "end": proof.end}
    return {
        "title": proof.source.title,
        "source": proof.source.uri,
        "sourceContent": [{"text": text} for text in proof.cited],
        "location": {"searchResultLocation": place},
    }


def streamed(written: Written, model: MockModel, tokens: InputTokens, account: Tokens) -> Iterator[Piece]:
    """Counts into the account what is sent, also where the client goes away."""
    if model.behaviour == "silent":
        yield Piece(delay=float("inf"))
    yield _event("messageStart", {"role": "assistant"}, delay=model.first_token)
    sent, last = 0, _last_token(written, model)
    for index, block in enumerate(written.blocks):
        for delta, is_text in _deltas(block, model):
            if is_text and sent == last:
                yield _break(model)
                return
            delay = model.token_interval if is_text and sent else 0.0
            sent += is_text
            account.output += is_text and not (delta.isspace() or written.is_guarded)
            body = {"contentBlockIndex": index, "delta": {"text": delta} if is_text else _cites(block)}
            yield _event("contentBlockDelta", body, delay=delay)
        yield _event("contentBlockStop", {"contentBlockIndex": index})
    if model.behaviour in _BREAKS_OFF:
        yield _break(model)
        return
    yield _event("messageStop", {"stopReason": written.stop_reason})
    yield _event(
        "metadata",
        {"usage": tokens.usage(written.tokens), "metrics": {"latencyMs": _latency(written, model)}},
    )


def seconds(written: Written, model: MockModel) -> float:
    """How long the model writes."""
    return model.first_token + model.token_interval * max(0, written.tokens - 1)


def _latency(written: Written, model: MockModel) -> int:
    return round(seconds(written, model) * 1000)


def _last_token(written: Written, model: MockModel) -> int | None:
    """The number of the piece before which the stream breaks off, if it does."""
    pieces = sum(len(tokens_of(block.text)) for block in written.blocks)
    return pieces // 2 if model.behaviour in _BREAKS_OFF and pieces > 1 else None


def _deltas(block: Block, model: MockModel) -> Iterator[tuple[str, bool]]:
    """A token at a time, and whether it is text.

    Bedrock sends a block's citations before its text (recorded 2026-09-12, see `tests/events`).
    """
    citation = [("", False)] if block.proof else []
    whole_text = model.behaviour == "guarded"
    text = [(token, True) for token in ([block.text] if whole_text else tokens_of(block.text))]
    yield from (*text, *citation) if model.cites_last else (*citation, *text)


def _cites(block: Block) -> dict[str, Any]:
    assert block.proof is not None
    return {"citation": _citation(block.proof)}


def _break(model: MockModel) -> Piece:
    if model.behaviour == "stalls":
        return Piece(delay=float("inf"))
    if model.behaviour == "hangs-up":
        return Piece(hang_up=True)
    body: dict[str, Any] = {"message": "The model could not go on. Try your request again."}
    if model.exception == "modelStreamErrorException":
        body |= {"originalStatusCode": 500, "originalMessage": "the model broke off"}
    return Piece(data=exception(model.exception, body))


def _event(name: str, body: dict[str, Any], *, delay: float = 0.0) -> Piece:
    return Piece(data=padded_event(name, body), delay=delay)
