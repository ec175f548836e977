"""Blocking calls given up from another thread."""

import threading
from collections.abc import Iterator

import pytest

from rag.adapters.local.openai_chat import OpenAIChatGenerator
from rag.domain.answers import Prompt
from rag.interruption import Interrupted, Interruption, interruptible, raise_if_interrupted
from rag.ports import Generator
from tests.doubles.bedrock_generator import generator_of
from tests.doubles.bedrock_server import bedrock_server
from tests.doubles.chat_server import API_KEY, chat_server


def _do_nothing() -> None:
    pass


def test_without_an_interruption_nothing_changes() -> None:
    with interruptible(_do_nothing):
        raise_if_interrupted()
    with pytest.raises(ZeroDivisionError), interruptible(_do_nothing):
        raise ZeroDivisionError


def test_what_blocks_is_stopped_and_what_it_raises_then_is_not_taken_for_a_fault() -> None:
    interruption, blocks, stopped = Interruption(), threading.Event(), threading.Event()

    def work() -> None:
        with interruptible(stopped.set):
            blocks.set()
            stopped.wait(10)
            raise ConnectionResetError

    def give_up() -> None:
        blocks.wait(10)
        interruption.interrupt()

    threading.Thread(target=give_up).start()
    with pytest.raises(Interrupted):
        interruption.run(work)
    assert stopped.is_set()


def test_nothing_blocks_any_more_once_it_has_happened() -> None:
    interruption, stopped = Interruption(), threading.Event()
    interruption.interrupt()

    def work() -> None:
        with interruptible(stopped.set):
            raise AssertionError("not reached")

    for given_up in (work, raise_if_interrupted):
        with pytest.raises(Interrupted):
            interruption.run(given_up)
    assert not stopped.is_set()


def test_what_is_over_is_not_stopped() -> None:
    interruption, stopped = Interruption(), threading.Event()

    def work() -> None:
        with interruptible(stopped.set):
            pass
        interruption.interrupt()

    interruption.run(work)
    assert interruption.happened
    assert not stopped.is_set()


@pytest.fixture(params=["openai-silent", "openai-stalls", "mock-silent", "mock-stalls"])
def silent(request: pytest.FixtureRequest) -> Iterator[Generator]:
    """Generators whose models say nothing, from the start or from somewhere in the middle."""
    model: str = request.param
    if model.startswith("mock"):
        with bedrock_server() as server, generator_of(server, model) as generator:
            yield generator
    else:
        with chat_server() as chat:
            yield OpenAIChatGenerator(chat.base_url, model.removeprefix("openai-"), API_KEY)


@pytest.mark.timeout(30)
def test_a_silent_model_is_left_at_once(silent: Generator) -> None:
    interruption = Interruption()
    threading.Timer(1, interruption.interrupt).start()
    prompt = Prompt(instructions="Do it.", input="How many words are these? " * 20)
    with pytest.raises(Interrupted):
        interruption.run(lambda: list(silent.generate(prompt)))
