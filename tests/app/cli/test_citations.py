"""Numbered citations of an answer."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.cli.ask import mark, number_citations


def citation(
    end: int, quote: str, *, page: int | None = None, title: str | None = "Manual"
) -> dict[str, Any]:
    source = {"document_id": "doc_1", "key": "manual.pdf", "title": title, "page": page}
    return {"start": 0, "end": end, "source": source, "quote": quote}


def cited(text: str, *citations: dict[str, Any]) -> tuple[str, list[str]]:
    numbers = number_citations(list(citations))
    return mark(text, list(citations), numbers), list(numbers)


def test_numbers_follow_the_answer_and_name_the_page_where_there_is_one() -> None:
    marked, sources = cited("One. Two.", citation(9, "b\n b", page=3), citation(4, "a", title=None))
    assert marked == "One. [1] Two. [2]"
    assert sources == ['manual.pdf, "a"', 'Manual, page 3, "b b"']


def test_a_quote_cited_twice_has_one_number() -> None:
    marked, sources = cited("One. Two.", citation(4, "a"), citation(9, "a"), citation(9, "b"))
    assert marked == "One. [1] Two. [1][2]"
    assert len(sources) == 2


def test_offsets_are_code_points() -> None:
    assert cited("Fé 🐆. Sim.", citation(5, "🐆"))[0] == "Fé 🐆. [1] Sim."


@given(data=st.data(), text=st.text(st.characters(exclude_characters="["), min_size=1))
def test_the_words_of_the_answer_stay(data: st.DataObject, text: str) -> None:
    ends = data.draw(st.lists(st.integers(0, len(text)), max_size=5))
    marked, sources = cited(text, *(citation(end, f"quote {end}") for end in ends))
    for number in range(1, len(sources) + 1):
        marked = marked.replace(f" [{number}]", "")
    assert marked == text
