"""Which language a text is written in."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.text.language import LANGUAGES, detect_language

QUESTIONS = [
    ("Qual é o prazo de garantia do produto?", "pt"),
    ("Quanto custa o plano anual para empresas?", "pt"),
    ("quais sao as condicoes de cancelamento do contrato", "pt"),
    ("Como posso pedir o reembolso de uma compra?", "pt"),
    ("How do I cancel my subscription?", "en"),
    ("What is the refund policy for annual plans?", "en"),
    ("¿Cuál es el plazo de garantía del producto?", "es"),
    ("Quelle est la durée de la garantie du produit ?", "fr"),
    ("Wie lange gilt die Garantie für das Gerät?", "de"),
    ("Qual è la durata della garanzia del prodotto?", "it"),
    ("Hoe lang is de garantie op dit product geldig?", "nl"),
    ("Какой срок гарантии на этот товар?", "ru"),
    ("製品の保証期間はどのくらいですか", "ja"),
]


@pytest.mark.parametrize(("question", "language"), QUESTIONS)
def test_short_questions(question: str, language: str) -> None:
    assert detect_language(question, default="xx") == language


@pytest.mark.parametrize(
    "text", ["", "   ", "Olá", "OK?", "12345 67890 11/12/2024", "!!! ??? ...", "\0\0", "😀" * 40]
)
def test_too_few_letters_are_the_default(text: str) -> None:
    assert detect_language(text) == "en"
    assert detect_language(text, default="pt") == "pt"


def test_a_long_text_is_judged_by_more_than_its_beginning() -> None:
    licence = "Permission is hereby granted, free of charge, to any person obtaining a copy. " * 15
    body = "O fornecedor deve entregar os produtos no prazo de trinta dias após o pedido. " * 500
    assert detect_language(licence + body) == "pt"


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_any_text_has_a_known_language_or_the_default(text: str) -> None:
    assert detect_language(text, default="xx") in LANGUAGES | {"xx"}


def test_threads_agree() -> None:
    texts = [question for question, _ in QUESTIONS] * 4
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(detect_language, texts)) == [language for _, language in QUESTIONS] * 4


def test_importing_loads_no_model() -> None:
    program = "import sys, rag.text.language; print([m for m in ('numpy', 'py3langid') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("dataset", "language"), [("faquad_pt", "pt"), ("scifact", "en"), ("clapnq_dev", "en")]
)
def test_real_questions(data: Path, dataset: str, language: str) -> None:
    lines = (data / dataset / "queries.jsonl").read_text("utf-8").splitlines()
    for default in ("pt", "en", "xx"):
        detected = [detect_language(json.loads(line)["text"], default=default) for line in lines]
        assert detected.count(language) / len(detected) > 0.99
