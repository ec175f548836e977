"""Converse, ConverseStream and CountTokens."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from tests.doubles.aws_http import Piece, Reply
from tests.doubles.aws_service import Statistics, failure, throttling
from tests.doubles.bedrock_events import seconds, streamed, whole
from tests.doubles.bedrock_guardrails import is_attack
from tests.doubles.bedrock_models import Invalid, count_tokens
from tests.doubles.bedrock_usage import InputTokens, PromptCache, texts_of
from tests.doubles.bedrock_validation import check_converse, content_blocks, schema_of
from tests.doubles.chat_server import PASSAGE
from tests.doubles.event_stream import CONTENT_TYPE, exception
from tests.doubles.mock_answers import Asked, Written, cut, write
from tests.doubles.mock_grounding import Source
from tests.doubles.mock_names import MockModel, model_named, needs_profile

TOO_LONG: Final = "Input is too long for requested model."
_DEFAULT_MAX_TOKENS: Final = 4096
_UNKNOWN: Final = "The provided model identifier is invalid."
_ENDLESS: Final = float("inf")


class Conversations:
    """`tokens_refused` answers in place of a model where the quota of tokens is used up."""

    def __init__(self, statistics: Statistics, tokens_refused: Callable[[int], Reply | None]) -> None:
        self._statistics = statistics
        self._tokens_refused = tokens_refused
        self._cache = PromptCache()
        self._asked: Counter[str] = Counter()

    def count_tokens(self, model_id: str, body: bytes) -> Reply:
        _model(model_id)
        asked = _parsed(body)["input"]
        converse = asked.get("converse")
        counted = PromptCache().count(model_id, converse).total if converse else _raw_tokens(asked)
        return Reply(body=json.dumps({"inputTokens": counted}).encode())

    def converse(self, model_id: str, body: bytes, *, stream: bool) -> Reply:
        """Raises Invalid where Bedrock answers with a ValidationException."""
        model, request = _model(model_id), _parsed(body)
        check_converse(request, model)
        needed = PromptCache().count(model_id, request).total
        refused = self._refused(model, needed, _most(request))
        if refused is not None:
            return in_band(refused) if stream and model.in_band else refused
        written = _cut(_answered(request, model), _most(request), model.window - needed)
        return self._sent(model, written, self._tokens(model, request, written), stream=stream)

    def _refused(self, model: MockModel, needed: int, most: int) -> Reply | None:
        if model.behaviour == "overflow" or needed >= model.window:
            return failure(400, "ValidationException", TOO_LONG)
        if refused := self._not_ready(model) or _by_behaviour(model):
            return refused
        return self._tokens_refused(needed + most)

    def _not_ready(self, model: MockModel) -> Reply | None:
        if model.behaviour not in ("starting", "asleep"):
            return None
        self._asked[model.id] += 1
        if model.wakes is not None and self._asked[model.id] > model.wakes:
            return None
        message = "Model is not ready for inference. Wait and try your request again."
        return failure(429, "ModelNotReadyException", message, retry_after=model.retry_after)

    def _tokens(self, model: MockModel, request: Mapping[str, Any], written: Written) -> InputTokens:
        """Nothing where a guardrail answered: the model was not asked."""
        return InputTokens(fresh=0) if written.is_guarded else self._cache.count(model.id, request)

    def _sent(self, model: MockModel, written: Written, tokens: InputTokens, *, stream: bool) -> Reply:
        account = self._statistics.tokens_of(model.id)
        account.calls += 1
        account.input += tokens.fresh
        account.cache_read += tokens.cache_read
        account.cache_write += tokens.cache_write
        if stream:
            pieces = streamed(written, model, tokens, account)
            return Reply(headers={"Content-Type": CONTENT_TYPE}, pieces=pieces)
        account.output += written.tokens
        return _at_once(written, model, tokens)


def in_band(refused: Reply) -> Reply:
    """The same error after the headers of a stream, as a model's own errors come."""
    code = refused.headers["x-amzn-ErrorType"].partition(":")[0]
    frame = exception(code[0].lower() + code[1:], json.loads(refused.body))
    return Reply(headers={"Content-Type": CONTENT_TYPE}, pieces=iter([Piece(data=frame)]))


def _at_once(written: Written, model: MockModel, tokens: InputTokens) -> Reply:
    if model.behaviour == "fails-midstream":
        return failure(424, "ModelErrorException", "The model could not go on. Try your request again.")
    latency = _ENDLESS if model.behaviour in ("stalls", "silent") else seconds(written, model)
    body = b"" if latency == _ENDLESS else json.dumps(whole(written, tokens, latency)).encode()
    return Reply(body=body, delay=latency, hang_up=model.behaviour == "hangs-up")


def _model(model_id: str) -> MockModel:
    if needs_profile(model_id):
        raise Invalid(
            f"Invocation of model ID {model_id} with on-demand throughput isn’t supported. Retry your "
            "request with the ID or ARN of an inference profile that contains this model."
        )
    if (model := model_named(model_id)) is None:
        raise Invalid(_UNKNOWN)
    return model


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        request: dict[str, Any] = json.loads(body)
    except ValueError as error:
        raise Invalid("Malformed input request, please reformat your input and try again.") from error
    return request


def _raw_tokens(asked: Mapping[str, Any]) -> int:
    # The body is Base64 of the model's own request: its length is near enough.
    return count_tokens(asked["invokeModel"]["body"])


def _by_behaviour(model: MockModel) -> Reply | None:
    match model.behaviour:
        case "throttles" | "overloaded":
            return throttling(retry_after=model.retry_after)
        case "unavailable":
            message = "Bedrock is unable to process your request."
            return failure(503, "ServiceUnavailableException", message, retry_after=model.retry_after)
        case "broken":
            return failure(424, "ModelErrorException", "The model returned an error.")
    return None


def _most(request: Mapping[str, Any]) -> int:
    most: int = request.get("inferenceConfig", {}).get("maxTokens", _DEFAULT_MAX_TOKENS)
    return most


def _answered(request: Mapping[str, Any], model: MockModel) -> Written:
    asked = _asked(request)
    if "guardrailConfig" in request and is_attack(asked.questions[-1]):
        model = replace(model, behaviour="guarded")
    return write(asked, model)


def _cut(written: Written, most: int, room: int) -> Written:
    reason = "max_tokens" if most <= room else "model_context_window_exceeded"
    return cut(written, min(most, room), reason)


def _asked(request: Mapping[str, Any]) -> Asked:
    results = [block["searchResult"] for block in content_blocks(request) if "searchResult" in block]
    users = [message["content"] for message in request["messages"] if message["role"] == "user"]
    texts = ["\n".join(texts_of([b for b in content if "searchResult" not in b])) for content in users]
    native = tuple(_source(index, result) for index, result in enumerate(results))
    schema = schema_of(request)
    return Asked(
        instructions="\n".join(texts_of(request.get("system", []))),
        questions=tuple(map(question_in, texts)),
        texts=(*("\n".join(source.blocks) for source in native), *reversed(texts)),
        sources=native or tuple(passages_in(texts[-1])),
        native=bool(native),
        citations=any(result.get("citations", {}).get("enabled", False) for result in results),
        schema=None if schema is None else json.loads(schema),
    )


def _source(index: int, result: Mapping[str, Any]) -> Source:
    blocks = tuple(part["text"] for part in result["content"])
    return Source(index=index, title=result["title"], uri=result["source"], blocks=blocks)


def passages_in(text: str) -> Iterator[Source]:
    """What a prompt without searchResult blocks gives as passages."""
    for _, number, passage in PASSAGE.findall(text):
        yield Source(index=int(number) - 1, title="", uri="", blocks=(passage,))


def question_in(text: str) -> str:
    return re.split(r"(?:\A|\n)Question: ", PASSAGE.sub("", text))[-1].strip()
