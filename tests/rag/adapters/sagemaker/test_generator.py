"""A chat model on an endpoint: what is sent, how its stream is read, what its failures become."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.prompt import grounded_prompt
from rag.adapters.aws_errors import ModelTimedOut
from rag.adapters.sagemaker.generator import SageMakerGenerator, server_sent_data
from rag.domain.answers import Completed, GenerationEvent, Prompt, TextDelta, Turn
from rag.domain.search import TermStatistics
from rag.errors import (
    AcervoError,
    ContextTooLong,
    ModelResponseInvalid,
    ModelStarting,
    ModelUnavailable,
    SettingInvalid,
    Throttled,
)
from rag.interruption import Interrupted, Interruption
from tests.doubles.aws_http import Piece, Reply
from tests.doubles.event_stream import CONTENT_TYPE, event
from tests.doubles.model_clients import endpoint_of
from tests.doubles.passages import passage
from tests.doubles.sagemaker_server import SageMakerServer, sagemaker_server

NOTICE = "Either party may end the contract with sixty days of written notice."
PASSAGES = (passage("Lunch is at noon."), passage(f"{NOTICE} It is open on Fridays.", document="doc_2"))
PLAIN = Prompt(instructions="Translate.", input="três é 😀")


@pytest.fixture
def server() -> Iterator[SageMakerServer]:
    with sagemaker_server() as running:
        yield running


def _generator(server: SageMakerServer, name: str, model: str | None = None) -> SageMakerGenerator:
    return SageMakerGenerator(endpoint_of(server, name), model=model)


def _grounded(history: tuple[Turn, ...] = ()) -> Prompt:
    question = "How may either party end the contract?"
    return grounded_prompt(question, passages=PASSAGES, terms=TermStatistics(), history=history)


def _events(server: SageMakerServer, name: str, prompt: Prompt | None = None) -> list[GenerationEvent]:
    with closing(_generator(server, name)) as generator:
        return list(generator.generate(prompt or _grounded()))


def _completed(events: list[GenerationEvent]) -> Completed:
    assert isinstance(events[-1], Completed)
    return events[-1]


def _streamed(*lines: str) -> Reply:
    frames = [event("PayloadPart", f"{line}\n\n".encode(), "application/octet-stream") for line in lines]
    return Reply(headers={"Content-Type": CONTENT_TYPE}, pieces=iter([Piece(data=frame) for frame in frames]))


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=6),
    data=st.data(),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_no_split_changes_what_is_read(texts: list[str], data: st.DataObject, line_end: str) -> None:
    lines = [f"data: {json.dumps(text, ensure_ascii=False)}" for text in texts]
    stream = (line_end * 2).join([": ping", *lines, "data: [DONE]", ""]).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    parts = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [json.loads(read) for read in server_sent_data(parts)] == texts


def test_the_request_is_openai_s_and_names_no_model(server: SageMakerServer) -> None:
    schema = {"type": "object"}
    prompt = Prompt(
        instructions="Count.",
        input="a b",
        history=(Turn(question="oi", answer="hi"),),
        max_tokens=77,
        json_schema=schema,
    )
    _events(server, "chat-grounded", prompt)
    assert json.loads(server.requests[0].body) == {
        "messages": [
            {"role": "system", "content": "Count."},
            {"role": "user", "content": "oi"},
            {"role": "assistant", "content": "hi"},
            {"role": "user", "content": "a b"},
        ],
        "max_tokens": 77,
        "stream": True,
        "stream_options": {"include_usage": True},
        "response_format": {"type": "json_schema", "json_schema": {"name": "output", "schema": schema}},
    }


@pytest.mark.parametrize(
    ("served", "asked", "sent"),
    [
        (None, None, None),
        (None, "chat-grounded", None),
        ("llama", None, "llama"),
        ("llama", "llama", "llama"),
        ("llama", "adapter", "adapter"),
    ],
)
def test_which_model_is_named(
    server: SageMakerServer, served: str | None, asked: str | None, sent: str | None
) -> None:
    with closing(_generator(server, "chat-grounded", served)) as generator:
        assert generator.model.id == (served or "chat-grounded")
        list(generator.generate(Prompt(instructions="", input="a", model=asked)))
    assert json.loads(server.requests[0].body).get("model") == sent


def test_an_inference_component_is_named_in_the_call(server: SageMakerServer) -> None:
    with closing(_generator(server, "chat-grounded/llama")) as generator:
        list(generator.generate(PLAIN))
        assert generator.model.id == "chat-grounded/llama"
    assert server.requests[0].headers["x-amzn-sagemaker-inference-component"] == "llama"


def test_tokens_are_counted_and_have_no_price(server: SageMakerServer) -> None:
    usage = _completed(_events(server, "chat-grounded")).usage
    counted = server.statistics.tokens_of("chat-grounded")
    assert (usage.input_tokens, usage.output_tokens) == (counted.input, counted.output)
    assert usage.output_tokens > 0
    assert usage.cost_usd is None


def test_text_comes_as_it_is_written(server: SageMakerServer) -> None:
    events = _events(server, "chat-grounded", PLAIN)
    assert sum(isinstance(event, TextDelta) for event in events) > 1


def test_a_refusal_and_a_limit_are_told(server: SageMakerServer) -> None:
    assert _completed(_events(server, "chat-refuses")).refused
    short = Prompt(instructions="", input="Say something long.", max_tokens=2)
    assert _completed(_events(server, "chat-len50", short)).truncated


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("chat-asleep", ModelStarting),
        ("chat-starting", ModelStarting),
        ("chat-throttles", Throttled),
        ("chat-overloaded", Throttled),
        ("chat-unavailable", ModelUnavailable),
        ("chat-broken", ModelUnavailable),
        ("chat-fails-midstream", ModelUnavailable),
        ("chat-fails-midstream-as-internal", ModelUnavailable),
        ("chat-hangs-up", ModelUnavailable),
        ("chat-overflow", ContextTooLong),
        ("unknown", SettingInvalid),
    ],
)
def test_failures_become_our_errors(server: SageMakerServer, name: str, error: type[AcervoError]) -> None:
    with pytest.raises(error):
        _events(server, name)


def test_an_endpoint_that_sleeps_is_not_asked_again_at_once(server: SageMakerServer) -> None:
    with pytest.raises(ModelStarting) as raised:
        _events(server, "chat-asleep")
    assert raised.value.retry_after_seconds >= 30
    assert len(server.requests) == 1


def test_what_passes_is_asked_again_before_anything_was_said(server: SageMakerServer) -> None:
    server.planned.extend([Reply(status=503), Reply(hang_up=True)])
    assert _completed(_events(server, "chat-grounded")).usage.output_tokens > 0
    assert len(server.requests) == 3


def test_what_was_said_is_not_said_again(server: SageMakerServer) -> None:
    with closing(_generator(server, "chat-hangs-up")) as generator:
        events = generator.generate(PLAIN)
        assert isinstance(next(events), TextDelta)
        with pytest.raises(ModelUnavailable):
            list(events)
    assert len(server.requests) == 1


def test_silence_has_an_end(server: SageMakerServer) -> None:
    endpoint = endpoint_of(server, "chat-stalls", read_seconds=0.2)
    with closing(SageMakerGenerator(endpoint)) as generator, pytest.raises(ModelTimedOut):
        list(generator.generate(PLAIN))


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (["data: {broken"], ModelResponseInvalid),
        (['data: {"choices": "none"}'], ModelResponseInvalid),
        (['data: {"choices": [{"delta": {"content": "Hi"}}]}'], ModelResponseInvalid),
        (["data: [DONE]"], ModelResponseInvalid),
        ([], ModelResponseInvalid),
        (['data: {"error": {"message": "CUDA out of memory", "code": 500}}'], ModelUnavailable),
    ],
)
def test_a_stream_that_is_not_of_its_contract(
    server: SageMakerServer, lines: list[str], error: type[AcervoError]
) -> None:
    server.planned.append(_streamed(*lines))
    with pytest.raises(error):
        _events(server, "chat-grounded", PLAIN)


def test_a_connection_serves_one_stream_after_the_other(server: SageMakerServer) -> None:
    with closing(_generator(server, "chat-grounded")) as generator:
        for _ in range(3):
            list(generator.generate(PLAIN))
    assert len({request.port for request in server.requests}) == 1


def test_leaving_ends_the_call(server: SageMakerServer) -> None:
    with closing(_generator(server, "chat-itl20-len400")) as generator:
        with closing(generator.generate(PLAIN)) as events:
            next(events)
        _wait_for_abandoned(server)


def test_a_silent_model_is_left_from_another_thread(server: SageMakerServer) -> None:
    interruption, outcomes = Interruption(), list[BaseException]()
    with closing(_generator(server, "chat-stalls")) as generator:
        events = generator.generate(PLAIN)

        def read() -> None:
            try:
                interruption.run(list, events)
            except Interrupted as interrupted:
                outcomes.append(interrupted)

        reader = threading.Thread(target=read)
        reader.start()
        while not server.statistics.pieces:
            threading.Event().wait(0.01)
        interruption.interrupt()
        reader.join(timeout=5)
        assert not reader.is_alive()
        _wait_for_abandoned(server)
    assert [type(outcome) for outcome in outcomes] == [Interrupted]


def _wait_for_abandoned(server: SageMakerServer) -> None:
    for _ in range(200):
        if server.statistics.abandoned:
            return
        threading.Event().wait(0.01)
    pytest.fail("the server was not left")
