"""Sentence spans of Portuguese and English text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "O Art. 5º, § 2º da Lei nº 8.666/93 continua em vigor.",
        "O Dr. Silva, a Sra. Souza e o Sr. Lima assinaram.",
        "O processo nº 1.234 custou R$ 1.234,56 no total.",
        "Use um prazo curto, p. ex. dois dias.",
        "Some parts, e.g. the first, i.e. this one, are short.",
        "The U.S. Government sued Smith et al. in 2020.",
        "See Fig. 2 and version v2.1 of the guide.",
        "J. K. Rowling wrote 3.5 books a year.",
        "Visit https://www.example.com/a.b?c=d. or write to a.b@example.com now.",
        "Espere... não vá.",
        "Roe vs. Wade was decided.",
        "Conforme o art. 12, inc. IV, cap. II, pág. 7.",
        "[...] O texto continua aqui.",
        "“Quem é?” perguntou ele.",
    ],
)
def test_one_sentence_stays_whole(sentence: str) -> None:
    assert sentences(f"{sentence} Depois veio o fim.") == [sentence, "Depois veio o fim."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He said “Yes.” Then he left.", ["He said “Yes.”", "Then he left."]),
        ("(It is done.) Next.", ["(It is done.)", "Next."]),
        ("Cresceu.[1][2] Depois caiu.", ["Cresceu.[1][2]", "Depois caiu."]),
        ("He lives in the U.S. The law applies.", ["He lives in the U.S.", "The law applies."]),
        ("Pode? Pode! Claro.", ["Pode?", "Pode!", "Claro."]),
        ("これは文です。次の文です！", ["これは文です。", "次の文です！"]),
        ("Wrapped\ntext here. Next", ["Wrapped\ntext here.", "Next"]),
        ("A heading\n\nBody", ["A heading", "Body"]),
        ("Items:\n- one\n- two\n1. first", ["Items:", "- one", "- two", "1. first"]),
        ("Name | Price\nA | 1. B\nprose", ["Name | Price", "A | 1. B", "prose"]),
        ("We sell pens, ink etc. Depois paramos.", ["We sell pens, ink etc.", "Depois paramos."]),
        ("1. Introdução. O texto", ["1. Introdução.", "O texto"]),
    ],
)
def test_boundaries(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet=st.one_of(st.sampled_from(" \n.!?…。aAbÉ19[]()\"'-|*:"), st.characters())))
def test_spans_are_ordered_trimmed_and_cover_all_text(text: str) -> None:
    position = 0
    for start, end in sentence_spans(text):
        assert not text[position:start].strip()
        assert text[start:end]
        assert text[start:end].strip() == text[start:end]
        position = end
    assert not text[position:].strip()


@pytest.mark.parametrize(
    "unit", ["a. ", "\n", " \n", ".", "x", "(\"'", "- ", "a | b\n", "\n- a", "Dr. ", '."', ".[a]", "“"]
)
def test_time_grows_linearly(unit: str) -> None:
    started = time.perf_counter()
    sentence_spans(unit * (500_000 // len(unit)))
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("ending", ["x", "x y", '"x', "]x", ".\u0301", "1"])
@pytest.mark.parametrize("sign", [".", "!", "?", "…", "؟", "।", ".!?"])
def test_a_run_of_full_stops_before_a_letter_takes_no_longer_than_a_text(sign: str, ending: str) -> None:
    text = "Hello. " + sign * (100_000 // len(sign)) + ending
    started = time.process_time()
    sentence_spans(text)
    assert time.process_time() - started < 5
