"""Terms of texts and queries."""

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from unicodedata import category, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.stop_words import STOP_WORDS
from rag.text.terms import MAX_QUERY_TERMS, MAX_TERM_LENGTH, analyse, query_terms

LANGUAGES = ["pt", "en", "es", "fr", "de", "it", "nl", "ru", "ja", "xx", ""]
LATIN = ["pt", "es", "fr", "it", "de"]


def strip_accents(text: str) -> str:
    kept = (letter for letter in normalize("NFD", text) if category(letter) != "Mn")
    return normalize("NFC", "".join(kept))


def words(alphabet: str) -> st.SearchStrategy[str]:
    endings = [
        "ção",
        "ções",
        "ável",
        "íveis",
        "ência",
        "ário",
        "árias",
        "logía",
        "ités",
        "ões",
        "ãos",
        "éis",
        "ês",
    ]
    word = st.tuples(st.text(alphabet, min_size=1, max_size=12), st.sampled_from(["", *endings]))
    return st.lists(word.map("".join), max_size=5).map(" ".join)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("NF-e", "Emita a NF-e antes."),
        ("nf-e 4.0", "O leiaute da NF\u2011e 4.0 mudou."),
        ("Lei 8.666/93", "(Lei nº 8.666/93)"),
        ("8666", "a Lei 8.666/93"),
        ("get_user_by_id", "call `get_user_by_id(7)`"),
        ("relatorio.pdf", "veja Relatório.pdf."),
        ("ERR-4012", "Error: ERR-4012!"),
        ("4012", "Error: ERR-4012!"),
        ("joao@exemplo.com.br", "escreva a <João@exemplo.com.br>"),
        ("1.234,56", "R$ 1.234,56"),
        ("1234", "US$ 1,234.56"),
        ("C++", "in C++, not C"),
        ("c#", "C# or F#"),
        ("email", "Envie E-mails."),
        ("std::vector", "a std::vector<int>"),
        ("14:30", "às 14:30h"),
    ],
)
def test_what_is_typed_is_found_as_written(typed: str, written: str) -> None:
    for language in ("pt", "en"):
        assert set(analyse(typed, language)) & set(analyse(written, language))


@pytest.mark.parametrize(
    "compound",
    ["nf-e", "4.0", "8.666/93", "get_user_by_id", "err-4012", "joao@exemplo.com.br", "1.234,56", "c++", "c#"],
)
def test_compounds_are_terms_besides_their_parts(compound: str) -> None:
    terms = analyse(f"({compound.upper()}).", "pt")
    assert terms[0] == compound
    assert len(terms) > 1


def test_terms_are_in_order_and_as_often_as_they_occur() -> None:
    assert analyse("Dogs bark. A dog barks, the DOG!", "en") == [
        *("dog", "bark", "a", "dog", "bark", "the", "dog"),
    ]


def test_codes_are_not_stemmed() -> None:
    assert analyse("v2s 64bits", "en") == ["v2s", "64bits"]


def test_an_unknown_language_is_not_stemmed() -> None:
    assert analyse("Transações são", "xx") == ["transacoes", "sao"]


def test_a_possessive_is_no_word() -> None:
    assert analyse("the company's dog", "en") == analyse("the company dog", "en")


def test_scripts_without_spaces_give_bigrams() -> None:
    assert analyse("東京都", "ja") == ["東京", "京都"]
    assert analyse("新", "zh") == ["新"]
    assert analyse("iPhone手机", "zh") == ["iphone", "手机"]


def test_other_scripts_keep_their_marks() -> None:
    assert analyse("हिन्दी", "xx") == ["हिन्दी"]
    assert analyse("йод", "xx") == ["йод"]


def test_soft_hyphens_and_ligatures_do_not_split_words() -> None:
    assert analyse("trans\u00adação", "pt") == analyse("transação", "pt")
    assert analyse("ﬁnance", "en") == analyse("finance", "en")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("running", "runs"),
        ("policies", "policy"),
        ("cancelled", "cancel"),
        ("embeddings", "embedding"),
        ("naïve", "naive"),
        ("connection", "connections"),
    ],
)
def test_inflected_english_words_meet(one: str, other: str) -> None:
    assert analyse(one, "en") == analyse(other, "en")


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("es", "transacciones", "transaccion"),
        ("es", "tecnologías", "tecnologia"),
        ("fr", "qualités", "qualite"),
        ("fr", "mangées", "manger"),
        ("de", "Häuser", "Hauser"),
        ("de", "Straße", "strasse"),
        ("it", "possibilità", "possibilita"),
    ],
)
def test_inflected_words_of_other_languages_meet(language: str, one: str, other: str) -> None:
    assert analyse(one, language) == analyse(other, language)


@given(text=words("abcdefghijlmnopqrstuvxzçãõáéíóúâêô"), language=st.sampled_from(LATIN))
def test_accents_make_no_difference(text: str, language: str) -> None:
    assert analyse(text, language) == analyse(strip_accents(text), language)


@given(text=st.text(), language=st.sampled_from(LANGUAGES))
def test_terms_can_be_stored(text: str, language: str) -> None:
    for term in analyse(text, language):
        assert 0 < len(term) <= MAX_TERM_LENGTH
        assert not any(letter.isspace() or letter == "\0" for letter in term)
        term.encode()


@given(text=st.text(max_size=60), language=st.sampled_from(LANGUAGES))
def test_case_makes_no_difference(text: str, language: str) -> None:
    assert analyse(text, language) == analyse(text.casefold(), language)


@given(
    text=st.text("aá.-_/@:+#1, 'sção東", max_size=60),
    languages=st.lists(st.sampled_from(LANGUAGES), max_size=3),
)
def test_query_terms_are_distinct_terms_of_the_analysed_query(text: str, languages: list[str]) -> None:
    terms = query_terms(text, languages)
    assert len(set(terms)) == len(terms) <= MAX_QUERY_TERMS
    assert set(terms) <= {term for language in languages for term in analyse(text, language)}


@pytest.mark.parametrize(
    ("query", "language", "expected"),
    [
        ("Qual é o prazo da garantia?", "pt", {"prazo", "garantia"}),
        ("quais sao os documentos necessarios", "pt", {"documentos", "necessários"}),
        ("What is the refund policy?", "en", {"refund", "policy"}),
        ("¿Cuál es el plazo?", "es", {"plazo"}),
        ("Quelle est la durée de l'abonnement ?", "fr", {"durée", "abonnement"}),
        ("Wie lange gilt die Garantie?", "de", {"lange", "gilt", "Garantie"}),
        ("Qual è il prezzo dell'abbonamento?", "it", {"prezzo", "abbonamento"}),
    ],
)
def test_queries_drop_stop_words(query: str, language: str, expected: set[str]) -> None:
    content = {term for word in expected for term in analyse(word, language)}
    assert set(query_terms(query, [language])) == content


def test_documents_keep_stop_words() -> None:
    assert analyse("o prazo", "pt")[0] == "o"


def test_a_query_of_stop_words_alone_keeps_them() -> None:
    assert query_terms("o que é", ["pt"]) == ("o", "que", "e")


def test_a_query_is_analysed_in_every_language() -> None:
    assert {*analyse("garantias", "pt"), *analyse("garantias", "en")} <= {
        *query_terms("garantias", ["pt", "en"])
    }


def test_stop_words_are_those_of_the_query_s_own_language() -> None:
    assert "era" in query_terms("What was the Victorian era?", ["pt", "en"])
    assert "era" not in query_terms("Qual era o prazo de garantia?", ["pt", "en"])


def test_stop_words_within_a_compound_do_not_hide_it() -> None:
    assert query_terms("NF-e", ["pt"]) == ("nf-e", "nf")


def test_no_language_no_terms() -> None:
    assert query_terms("garantia", []) == ()


def test_every_language_of_a_long_query_is_represented() -> None:
    query = " ".join(f"{letter}transações" for letter in map(chr, range(0x4E00, 0x4E00 + 600)))
    terms = query_terms(query, ["xx", "pt"])
    assert len(terms) == MAX_QUERY_TERMS
    assert {"transacoes", *analyse("transações", "pt")} <= set(terms)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 20_000,
        "a-" * 10_000,
        "1," * 10_000,
        "東" * 20_000,
        "\u0301" * 20_000,
        "#+" * 10_000,
        "a_" * 10_000,
    ],
)
def test_hostile_texts_take_little_time(text: str) -> None:
    started = perf_counter()
    assert len(query_terms(text, ["pt", "en"])) <= MAX_QUERY_TERMS
    assert perf_counter() - started < 2


def test_threads_agree() -> None:
    texts = [f"transações organizações possíveis {number}" for number in range(200)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda text: analyse(text, "pt"), texts))
    assert found == [analyse(text, "pt") for text in texts]


@pytest.mark.parametrize("language", sorted(STOP_WORDS))
def test_stop_words_are_folded_words(language: str) -> None:
    for word in STOP_WORDS[language]:
        assert analyse(word, "") == [word]
