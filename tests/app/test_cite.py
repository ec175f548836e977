"""Citations are what the source says, or they are not."""

import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.cite import cite, locate, unsupported
from app.ground import ground
from app.streams import outcome_of
from rag.domain.answers import Citation, Claim, Completed, Prompt, Span, TextDelta
from rag.domain.search import Locator, Passage
from tests.doubles.generators import ScriptedGenerator
from tests.doubles.passages import passage

TEXT = (
    "The fee is 12.5 % of the price, at least R$ 1,000.00. “Notice” is given 60 days before — in writing.\n"
    "Refunds   take five\u00a0working days; the of\u00adfice con\ufb01rms them. It's not 10² km."
)
SOURCE = passage(TEXT, start=100)
# Texts with everything that folding touches.
ODD = st.text('ab cé1,.-"’“”\u2019\u00a0\u00ad\u2013\ufb01…\n\t\u0301²', max_size=60)


def verify(
    claims: Sequence[Claim], passages: Sequence[Passage], text: str
) -> tuple[list[Citation], tuple[Span, ...]]:
    found = (cite(claim, passages, text) for claim in claims)
    citations = [citation for citation in found if citation is not None]
    return citations, unsupported(text, citations)


def _quoted(quote: str) -> str | None:
    span = locate(quote, SOURCE)
    return None if span is None else TEXT[slice(*span)]


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("The fee is 12.5 % of the price", "The fee is 12.5 % of the price"),
        ('"Notice" is given', "“Notice” is given"),
        ("60 days before - in writing", "60 days before — in writing"),
        ("in writing. Refunds take", "in writing.\nRefunds   take"),
        ("five working days", "five\u00a0working days"),
        ("the office confirms them", "the of\u00adfice con\ufb01rms them"),
        ("It’s not", "It's not"),
        ("  Refunds take five working days...", "Refunds   take five\u00a0working days"),
        ("…of the price, at least…", "of the price, at least"),
        ("“of the price, at least”", "of the price, at least"),
        ("Refunds take five working days.", "Refunds   take five\u00a0working days"),
    ],
)
def test_typography_may_differ(quote: str, found: str) -> None:
    assert _quoted(quote) == found


@pytest.mark.parametrize(
    "quote",
    [
        "The charge is 12.5 % of the price",  # paraphrase
        "The fee is 12.6 % of the price",  # changed number
        "fee is 12",  # cut number
        "5 % of the price",
        "at least R$ 1",
        "000.00. “Notice” is given",
        "not 102 km",  # a superscript is not a digit
        "It's not 10",
        "the fee is 12.5 %",  # changed case
        "The fee is 60 days before",  # merged sentences
        "The fee ... five working days",  # ellipsis in the middle
        "The fee […] in writing",
        "ice confirms them. It's",  # half a word
        "Refunds take five work",
        "Refunds do not take five working days",
        "",
        "…",
        '""',
        ". .",
    ],
)
def test_another_text_is_not_found(quote: str) -> None:
    assert _quoted(quote) is None


def test_composed_and_decomposed_accents_are_one() -> None:
    composed = "a conciliação é diária"
    source = passage(unicodedata.normalize("NFD", composed))
    assert locate(composed, source) == (0, len(source.text))
    assert locate("a conciliaca", source) is None


@given(ODD, ODD, ODD)
def test_what_stands_in_the_source_alone_is_found_there(before: str, quote: str, after: str) -> None:
    bare = quote.replace("\u00ad", "").strip()
    assume(any(character.isalnum() for character in bare))
    # A mark belongs to the letter before it: alone it is no beginning.
    assume(not unicodedata.combining(bare[0]))
    found = locate(quote, passage(f"{before} {quote.strip()} {after}"))
    assert found is not None


@given(ODD, ODD)
@example("a\u00adb c d", "ab c d")
def test_what_is_found_says_the_same(text: str, quote: str) -> None:
    """Letters and digits are never added, dropped or changed: only what stands between them."""
    span = locate(quote, passage(text))
    if span is not None:
        assert _letters(text[slice(*span)]) == _letters(quote)


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFD", text.replace("\ufb01", "fi"))
    return "".join(c for c in plain if c.isalnum() or unicodedata.combining(c) > 0)


VOCABULARY = ["alpha", "beta", "gamma", "not", "10", "12", "12.5", "pays", "the", "fee"]
WORDS = st.lists(st.sampled_from(VOCABULARY), min_size=3, max_size=9)


@given(WORDS, WORDS)
def test_only_runs_of_the_sources_own_words_are_found(source: list[str], quoted: list[str]) -> None:
    found = locate(" ".join(quoted), passage(" ".join(source)))
    runs = [source[start : start + len(quoted)] for start in range(len(source))]
    assert (found is not None) == (quoted in runs)


@given(
    ODD, st.integers(0, 999), st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70), ODD), max_size=4)
)
def test_every_citation_is_its_sources_text(
    text: str, start: int, claimed: list[tuple[int, int, str]]
) -> None:
    document = "x" * start + text
    claims = [Claim(start=a, end=b, passage=0, quote=quote or text) for a, b, quote in claimed]
    answer = "An answer. It has two sentences."
    citations, unproved = verify(claims, [passage(text, start=start)], answer)
    for citation in citations:
        assert document[citation.source.start : citation.source.end] == citation.quote
        assert 0 <= citation.start < citation.end <= len(answer)
        assert answer[citation.start : citation.end].strip() == answer[citation.start : citation.end]
    for span in unproved:
        assert not any(c.start < span.end and span.start < c.end for c in citations)


NAMES = st.sampled_from(["the", "notice", "fee", "takes", "sixty", "days", "refund", "não", "prazo", "ação"])
SENTENCE = st.lists(NAMES, min_size=4, max_size=9).map(" ".join)
NUMBER = st.integers(10, 99_999)


@st.composite
def misquotes(draw: st.DrawFn) -> tuple[str, str, str]:
    """A passage, another one, and a quote that stands in the first only if one does not look closely."""
    one, two, three, other = (draw(SENTENCE) for _ in range(4))
    number = draw(NUMBER)
    text = f"{one} {number}. {two}! {three}."
    quote = draw(
        st.sampled_from(
            [
                f"{one} {number + 1}",  # changed number
                f"{one} {str(number)[:-1]}",  # cut number
                f"{one} {number}. {three}",  # merged over a sentence
                f"{one} … {three}",  # ellipsis
                f"{one} [...] {three}",
                f"{one} almost {number}",  # paraphrase
                f"{two} {other}",  # a piece of another passage
            ]
        )
    )
    return text, other, quote


@given(misquotes())
def test_a_misquote_is_never_found_and_never_stretched(case: tuple[str, str, str]) -> None:
    text, _, quote = case
    span = locate(quote, passage(text))
    assert span is None or _words(text[slice(*span)]) == _words(quote)


def _words(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text).split())


def test_a_sentence_without_a_verified_citation_is_listed() -> None:
    answer = "The fee is high. Refunds are quick."
    claims = [
        Claim(start=0, end=16, passage=0, quote="The fee is 99 % of the price"),
        Claim(start=17, end=35, passage=0, quote="Refunds take five working days"),
    ]
    citations, unproved = verify(claims, [SOURCE], answer)
    assert [answer[c.start : c.end] for c in citations] == ["Refunds are quick."]
    assert [answer[s.start : s.end] for s in unproved] == ["The fee is high."]
    assert citations[0].source.start == 100 + TEXT.index("Refunds")


@pytest.mark.parametrize("number", [-1, 1, 99])
def test_a_passage_that_was_not_given_proves_nothing(number: int) -> None:
    claim = Claim(start=0, end=9, passage=number, quote="Refunds take five working days")
    assert verify([claim], [SOURCE], "An answer.")[0] == []


def test_another_passages_words_prove_nothing() -> None:
    claim = Claim(start=0, end=9, passage=1, quote="Refunds take five working days")
    assert verify([claim], [SOURCE, passage("Nothing of the kind is here.")], "An answer.")[0] == []


@pytest.mark.parametrize(
    ("text", "quote", "counts"),
    [
        ("The fee is due at once. Yes.", "The fee", False),
        ("The fee is due at once. Yes.", "Yes.", True),
        ("The fee is due at once. Yes.", "fee is due", True),
        ("Grátis", "Grátis", True),
        ("料金は毎月五日に支払う。", "毎月五日", True),
    ],
)
def test_a_word_or_two_count_only_as_a_whole_sentence(text: str, quote: str, counts: bool) -> None:  # noqa: FBT001 - a parameter of the table
    claim = Claim(start=0, end=9, passage=0, quote=quote)
    assert bool(verify([claim], [passage(text)], "An answer.")[0]) == counts


def test_the_page_is_that_of_the_quote() -> None:
    text = "On the first page. On the second page."
    locator = Locator(start=50, end=50 + len(text), page=3, page_breaks=(69,))
    claims = [
        Claim(start=0, end=9, passage=0, quote=quote) for quote in ("On the first page", "On the second page")
    ]
    citations, _ = verify(claims, [passage(text, locator=locator)], "An answer.")
    assert [citation.source.page for citation in citations] == [3, 4]


def test_the_same_claim_twice_is_one_citation() -> None:
    claim = Claim(start=0, end=9, passage=0, quote="Refunds take five working days")
    generator = ScriptedGenerator(TextDelta(text="An answer."), claim, claim, Completed())
    prompt = Prompt(instructions="Answer.", input="What is the fee?", passages=(SOURCE,))
    assert len(outcome_of(ground(generator, prompt, "en")).citations) == 1
