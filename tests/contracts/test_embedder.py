"""What every embedder promises."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.adapters.local.onnx import OnnxEmbedder
from rag.adapters.local.openai_embeddings import OpenAIEmbedder
from rag.adapters.local.wordllama import WordLlamaEmbedder
from rag.adapters.sagemaker.embedder import SageMakerEmbedder
from rag.domain.content import Vector
from rag.ports import Embedder
from tests.doubles.bedrock_client import embedder_of
from tests.doubles.bedrock_server import bedrock_server
from tests.doubles.embeddings_server import API_KEY, embeddings_server
from tests.doubles.model_clients import endpoint_of
from tests.doubles.onnx_model import write_model
from tests.doubles.sagemaker_server import sagemaker_server

QUESTION = "when is the payment of an invoice due"
ANSWER = "the payment of each invoice is due in thirty days"
UNRELATED = "our cat sleeps on a warm roof"
TEXTS = [ANSWER, UNRELATED, "short", "o prazo de garantia", ANSWER * 3, "1", "warm invoice"]
ODD = ["", " ", "\n\t", "\0", "a\0b", "😀👩‍👩‍👧", "\ud800", "\u202e", "日本語", "x" * 20_000, "word " * 4_000]


@contextmanager
def _onnx() -> Iterator[Embedder]:
    with TemporaryDirectory() as directory:
        yield OnnxEmbedder(write_model(Path(directory), " ".join([QUESTION, *TEXTS]).split()))


@contextmanager
def _openai() -> Iterator[Embedder]:
    with (
        embeddings_server() as server,
        closing(OpenAIEmbedder(server.base_url, "bag-of-words", API_KEY)) as embedder,
    ):
        yield embedder


@contextmanager
def _wordllama() -> Iterator[Embedder]:
    yield WordLlamaEmbedder()


def _bedrock(model_id: str, dimensions: int) -> Callable[[], AbstractContextManager[Embedder]]:
    @contextmanager
    def built() -> Iterator[Embedder]:
        with bedrock_server() as server, embedder_of(server, model_id, dimensions=dimensions) as embedder:
            yield embedder

    return built


@contextmanager
def _sagemaker() -> Iterator[Embedder]:
    with (
        sagemaker_server() as server,
        closing(SageMakerEmbedder(endpoint_of(server, "embed"))) as embedder,
    ):
        yield embedder


ADAPTERS: dict[str, Callable[[], AbstractContextManager[Embedder]]] = {
    "onnx": _onnx,
    "openai": _openai,
    "wordllama": _wordllama,
    "titan-v2": _bedrock("amazon.titan-embed-text-v2:0", 512),
    "cohere-v3": _bedrock("cohere.embed-multilingual-v3", 1024),
    "cohere-v4": _bedrock("cohere.embed-v4:0", 1536),
    "sagemaker": _sagemaker,
}


@pytest.fixture(scope="module", params=ADAPTERS)
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    with ADAPTERS[request.param]() as built:
        yield built


def cosine(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def assert_unit(vector: Vector, dimensions: int) -> None:
    assert len(vector) == dimensions
    assert all(map(math.isfinite, vector))
    assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)


def test_names_its_model(embedder: Embedder) -> None:
    assert embedder.model.id
    assert embedder.model.dimensions > 1
    assert 0 <= embedder.semantic_weight <= 1


def test_tells_what_it_reads_of_a_text_if_it_knows(embedder: Embedder) -> None:
    assert embedder.max_tokens is None or embedder.max_tokens > 1


def test_vectors_are_unit_vectors_of_the_model_s_dimensions(embedder: Embedder) -> None:
    for vector in [*embedder.embed_documents(TEXTS), embedder.embed_query(QUESTION)]:
        assert_unit(vector, embedder.model.dimensions)


@pytest.mark.parametrize("text", ODD, ids=lambda text: repr(text[:8]))
def test_odd_texts_have_vectors_too(embedder: Embedder, text: str) -> None:
    assert_unit(embedder.embed_query(text), embedder.model.dimensions)
    document, _ = embedder.embed_documents([text, ANSWER])
    assert_unit(document, embedder.model.dimensions)


@settings(max_examples=30, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_has_a_vector(embedder: Embedder, text: str) -> None:
    assert_unit(embedder.embed_query(text), embedder.model.dimensions)


def test_nothing_to_embed(embedder: Embedder) -> None:
    assert embedder.embed_documents([]) == []
    assert embedder.count_tokens([]) == []


def test_a_stream_numbers_the_texts_it_drew(embedder: Embedder) -> None:
    texts = [f"{text} {number}" for number in range(20) for text in TEXTS]
    pairs = [pair for finished in embedder.embed_stream(iter(texts)) for pair in finished]
    assert sorted(number for number, _ in pairs) == [*range(len(texts))]
    vectors = dict(pairs)
    for number, vector in enumerate(embedder.embed_documents(texts)):
        assert vectors[number] == pytest.approx(vector, abs=1e-5)


def test_a_stream_of_nothing_ends(embedder: Embedder) -> None:
    assert [pair for finished in embedder.embed_stream([]) for pair in finished] == []


def test_a_stream_draws_as_it_goes(embedder: Embedder) -> None:
    drawn = 0

    def texts() -> Iterator[str]:
        nonlocal drawn
        while True:
            drawn += 1
            yield f"text {drawn}"

    for finished in embedder.embed_stream(texts()):
        if finished:
            break
    assert drawn < 10_000


def test_a_batch_gives_what_single_texts_give(embedder: Embedder) -> None:
    texts = [f"{text} {number}" for number in range(20) for text in TEXTS]
    for text, vector in zip(texts, embedder.embed_documents(texts), strict=True):
        assert embedder.embed_documents([text])[0] == pytest.approx(vector, abs=1e-5)


def test_the_same_text_has_the_same_vector(embedder: Embedder) -> None:
    assert embedder.embed_documents(TEXTS) == embedder.embed_documents(TEXTS)
    assert embedder.embed_query(QUESTION) == embedder.embed_query(QUESTION)


def test_queries_and_documents_are_comparable(embedder: Embedder) -> None:
    assert cosine(embedder.embed_query(ANSWER), embedder.embed_documents([ANSWER])[0]) > 0.9


def test_what_answers_a_question_is_nearer_than_what_does_not(embedder: Embedder) -> None:
    question = embedder.embed_query(QUESTION)
    answer, unrelated = embedder.embed_documents([ANSWER, UNRELATED])
    assert cosine(question, answer) > cosine(question, unrelated) + 0.1


def test_longer_texts_have_more_tokens(embedder: Embedder) -> None:
    counts = embedder.count_tokens(["", "one", "one two three four", "one two three four " * 500])
    assert counts[0] == 0
    assert 1 <= counts[1] <= counts[2] < counts[3]
    assert counts[3] >= 500 * (counts[2] - 1)
