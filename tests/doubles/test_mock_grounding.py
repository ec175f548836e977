"""Misquotes are what they are called: not one stands in the passage that it is said to stand in."""

from hypothesis import given
from hypothesis import strategies as st

from tests.doubles.mock_grounding import Source, evidence_for, misquoted

# Every word once: then no half of a sentence can stand in another one by chance.
WORDS = st.lists(st.integers(0, 10**6), min_size=24, max_size=24, unique=True)


def sentences(numbers: list[int]) -> list[str]:
    words = [f"word{number}x" for number in numbers]
    return [f"{' '.join(words[start : start + 8])}." for start in (0, 8, 16)]


@given(numbers=WORDS, sources=st.integers(1, 3))
def test_no_misquote_stands_in_its_passage(numbers: list[int], sources: int) -> None:
    texts = sentences(numbers)
    given_sources = [
        Source(index=index, title="t", uri="u", blocks=tuple(texts[index::sources]))
        for index in range(sources)
    ]
    proofs = evidence_for(texts[0], given_sources)
    assert [proof.quote for proof in proofs] == [texts[0]]
    wrong = misquoted(proofs, given_sources, true_too=False)
    assert len(wrong) == 5
    for proof in wrong:
        said = [source for source in given_sources if source.index == proof.source.index]
        assert not any(proof.quote in " ".join(source.blocks) for source in said)
    assert misquoted(proofs, given_sources, true_too=True)[0] == proofs[0]
