"""The bundled embedding model."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from rag.adapters.local.wordllama import WordLlamaEmbedder


def test_threads_share_one_embedder() -> None:
    embedder = WordLlamaEmbedder()
    with ThreadPoolExecutor(8) as threads:
        vectors = list(threads.map(embedder.embed_query, ["o prazo de garantia"] * 16))
    assert all(vector == vectors[0] for vector in vectors)


def test_tokens_are_neither_cut_nor_padded() -> None:
    words = "garantia estendida do produto " * 300
    short, long = WordLlamaEmbedder().count_tokens(["garantia", words])
    assert short < 5
    assert long > 1_200


def test_vectors_are_those_of_the_wordllama_package() -> None:
    program = """
import os, wordllama
from rag.adapters.local.wordllama import WordLlamaEmbedder
texts = ["Qual é o prazo de garantia?", "How do I cancel?", "a"]
package = os.path.dirname(wordllama.__file__)
theirs = wordllama.WordLlama.load(cache_dir=package, disable_download=True).embed(texts, norm=True)
print(abs(theirs - WordLlamaEmbedder().embed_documents(texts)).max())
"""
    # In a process of its own: importing the package sets up the root logger.
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(0, abs=1e-5)


def test_the_wordllama_package_is_not_imported() -> None:
    program = """
import logging, sys
from rag.adapters.local.wordllama import WordLlamaEmbedder
WordLlamaEmbedder().embed_query("text")
print("wordllama" in sys.modules, "requests" in sys.modules, logging.getLogger().handlers)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("False False []", "")
