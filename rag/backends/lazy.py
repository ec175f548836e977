"""What every backend has: its models by its settings, each built once, when it is first asked for."""

from collections.abc import Sequence
from functools import cached_property
from threading import RLock
from typing import Any, Self, TypeVar, overload

from rag.adapters.local.embedding import build_embedder
from rag.adapters.local.generation import build_generator
from rag.adapters.local.guard import build_guard
from rag.adapters.local.ocr import build_ocr
from rag.adapters.local.reranking import build_reranker
from rag.errors import SettingInvalid
from rag.ports import BuildEmbedder, Embedder, Generator, Ocr, PassageGuard, Reranker, TokenVerifier
from rag.settings import (
    EmbeddingSettings,
    GenerationSettings,
    GuardSettings,
    JwtSettings,
    OcrSettings,
    RerankingSettings,
)

T = TypeVar("T")


class built_once(cached_property[T]):  # noqa: N801 - a decorator
    """A cached_property under a lock: a second server or model must never be built.

    Each has a lock of its own: who searches does not wait for the generator's imports.
    """

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...
    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        with instance.locks.setdefault(self.attrname, RLock()):
            return super().__get__(instance, owner)


class _BuiltOnce:
    def __init__(self, settings: EmbeddingSettings) -> None:
        self.locks: dict[str | None, Any] = {}
        self._settings = settings

    def __call__(self) -> Embedder:
        return self._embedder

    @built_once
    def _embedder(self) -> Embedder:
        return build_embedder(self._settings)


class LazyBackend:
    def __init__(
        self,
        *,
        embedding: EmbeddingSettings | None = None,
        generation: GenerationSettings | None = None,
        reranking: RerankingSettings | None = None,
        guarding: GuardSettings | None = None,
    ) -> None:
        self.locks: dict[str | None, Any] = {}
        self._embedding = embedding or EmbeddingSettings()
        self._generation = generation or GenerationSettings()
        self._reranking = reranking or RerankingSettings()
        self._guarding = guarding or GuardSettings()

    @built_once
    def embedder(self) -> Embedder:
        return build_embedder(self._embedding)

    @built_once
    def other_embedders(self) -> Sequence[BuildEmbedder]:
        names = self._embedding.embedding_others.split()
        others = [self._embedding.model_copy(update={"embedding": name}) for name in names]
        return tuple(_BuiltOnce(settings) for settings in others)

    @built_once
    def generator(self) -> Generator:
        return build_generator(self._generation, lambda: self.embedder)

    @built_once
    def reranker(self) -> Reranker | None:
        return build_reranker(self._reranking)

    @built_once
    def guard(self) -> PassageGuard | None:
        return build_guard(self._guarding)

    @built_once
    def ocr(self) -> Ocr | None:
        return build_ocr(OcrSettings())

    @built_once
    def tokens(self) -> TokenVerifier | None:
        """None: no issuer of tokens is configured."""
        settings = JwtSettings()
        if not settings.jwt_issuer:
            return None
        # Who configured no issuer does not import cryptography.
        try:
            from rag.adapters.jwt import JwtVerifier  # noqa: PLC0415 - see above
        except ModuleNotFoundError as error:
            raise SettingInvalid(
                f"ACERVO_JWT_ISSUER needs {error.name}: pip install 'acervo[jwt]'"
            ) from error

        return JwtVerifier.of(settings)
