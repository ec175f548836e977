"""An embedding model that throttles, stalls and fails, and tells what it was asked for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from rag.domain.content import Vector, VectorStream
from rag.domain.documents import EmbeddingModel
from rag.errors import ModelResponseInvalid, ModelUnavailable, Throttled
from tests.simulator.faults import Kind, Target, Worker

# So many tokens a word that a paragraph is a chunk in a collection with the default sizes.
TOKENS_A_WORD = 20
GROUP = 3


@dataclass(kw_only=True)
class Till:
    """`asked` is called with the texts of a call before it is made, `answered` with the vectors too."""

    asked: Callable[[Sequence[str]], None] = lambda _: None
    answered: Callable[[Sequence[str], Sequence[Vector]], None] = lambda _texts, _vectors: None


class SimulatedEmbedder:
    """In memory, of eight dimensions. Faults befall each call of `GROUP` texts."""

    model = EmbeddingModel(id="simulated", dimensions=8)
    semantic_weight = 0.5
    max_tokens = None

    def __init__(self, worker: Callable[[], Worker | None], till: Till) -> None:
        self._worker = worker
        self._till = till

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        vectors = dict(pair for group in self.embed_stream(texts) for pair in group)
        return [vectors[number] for number in range(len(texts))]

    def embed_stream(self, texts: Iterable[str]) -> VectorStream:
        remaining = iter(texts)
        first = 0
        while group := list(islice(remaining, GROUP)):
            vectors = self._call(group)
            if not first:
                yield []  # the call took long: the caller keeps its lease
            # In any order: the last text's vector comes first.
            yield [(first + number, vectors[number]) for number in reversed(range(len(group)))]
            first += len(group)

    def embed_query(self, text: str) -> Vector:
        return self._answer([text], None)[0]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [TOKENS_A_WORD * len(text.split()) for text in texts]

    def close(self) -> None:
        pass

    def _call(self, texts: Sequence[str]) -> list[Vector]:
        worker = self._worker()
        fault = worker.before(Target.MODEL, interruptible=True) if worker else None
        self._till.asked(texts)
        vectors = self._answer(texts, fault)
        self._till.answered(texts, vectors)
        if worker:
            worker.after(Target.MODEL)
        return vectors

    def _answer(self, texts: Sequence[str], fault: Kind | None) -> list[Vector]:
        if fault is Kind.THROTTLED:
            raise Throttled("The model's quota is used up.")
        if fault in {Kind.TIMEOUT, Kind.SERVER_ERROR}:
            raise ModelUnavailable("The model does not answer.")
        if fault is Kind.MALFORMED:
            raise ModelResponseInvalid("The model answered with something else.")
        return [_vector(text) for text in texts]


def _vector(text: str) -> Vector:
    raw = [byte + 1.0 for byte in sha256(text.encode()).digest()[:8]]
    norm = sum(value * value for value in raw) ** 0.5
    return [value / norm for value in raw]
