"""Adapters are built once, when they are first asked for."""

import threading
import time
from pathlib import Path

import pytest

from rag.adapters.local.rerank import HttpReranker
from rag.backends.lazy import LazyBackend, built_once
from rag.backends.local import LocalBackend
from rag.errors import SettingInvalid
from rag.settings import EmbeddingSettings, GuardSettings, RerankingSettings


class Counting(LazyBackend):
    def __init__(self) -> None:
        super().__init__()
        self.built = 0

    @built_once
    def slow(self) -> object:
        self.built += 1
        time.sleep(0.05)
        return object()


def test_threads_that_ask_at_once_share_one() -> None:
    backend, seen = Counting(), list[object]()
    threads = [threading.Thread(target=lambda: seen.append(backend.slow)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len({id(one) for one in seen}) == backend.built == 1


def test_each_backend_has_its_own() -> None:
    assert Counting().slow is not Counting().slow


def test_models_are_those_of_the_settings(tmp_path: Path) -> None:
    backend = LocalBackend(
        tmp_path,
        embedding=EmbeddingSettings(embedding="no such"),
        reranking=RerankingSettings(reranking="tei:http://127.0.0.1:9"),
        guarding=GuardSettings(guard="off"),
    )
    assert isinstance(backend.reranker, HttpReranker)
    assert backend.reranker is backend.reranker
    assert backend.guard is None
    with pytest.raises(SettingInvalid):
        _ = backend.embedder


def test_further_embedding_models_are_built_when_they_are_asked_for(tmp_path: Path) -> None:
    backend = LocalBackend(
        tmp_path, embedding=EmbeddingSettings(embedding_others=" wordllama  no-such-model ")
    )
    wordllama, unknown = backend.other_embedders
    assert wordllama() is wordllama()
    with pytest.raises(SettingInvalid, match="no-such-model"):
        unknown()


def test_without_settings_nothing_is_reranked_and_patterns_guard(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path)
    assert backend.reranker is None
    assert backend.guard is not None
    assert backend.guard.suspicious(["Lunch is at noon."]) == (False,)
