from hypothesis import given
from hypothesis import strategies as st

from rag.text.term_codes import MAX_COUNT, counted_codes, term_code

counts = st.dictionaries(st.text(max_size=12), st.integers(1, 3 * MAX_COUNT), max_size=30)


@given(counts)
def test_each_term_is_found_with_its_count(counts: dict[str, int]) -> None:
    codes = counted_codes(counts)
    assert list(codes) == sorted(codes)
    by_code = {code & ~MAX_COUNT: code & MAX_COUNT for code in codes}
    assert by_code == {term_code(term): min(count, MAX_COUNT) for term, count in counts.items()}


def test_codes_never_change() -> None:
    """They stand in databases: the beginnings of the SHA-256, written down."""
    assert [term_code("invoice"), term_code("ação")] == [0x52D6E3DE4FA0D000, 0x0664077F33CC3000]
    assert term_code("the") < 0
