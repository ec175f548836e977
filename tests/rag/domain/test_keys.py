import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.domain.keys import MAX_KEY_BYTES, MAX_SEGMENT_BYTES, validate_collection_name, validate_key
from rag.errors import InvalidKey, InvalidRequest


@given(st.text())
def test_a_key_that_passes_is_a_plain_relative_path(key: str) -> None:
    try:
        validate_key(key)
    except InvalidKey:
        return
    segments = key.split("/")
    assert all(segment and not segment.startswith(".") for segment in segments)
    assert all(len(segment.encode()) <= MAX_SEGMENT_BYTES for segment in segments)
    assert 0 < len(key.encode()) <= MAX_KEY_BYTES
    assert key.isprintable() or not any(ord(character) < 32 for character in key)


SEGMENT = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/"), min_size=1, max_size=20
)


@given(st.lists(SEGMENT.filter(lambda segment: not segment.startswith(".")), min_size=1, max_size=5))
def test_ordinary_paths_pass(segments: list[str]) -> None:
    key = "/".join(segments)
    if not key.endswith(".metadata.json"):
        assert validate_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        ".git/x",
        "a\0",
        "a\n",
        "a\x7f",
        "\ud800",
        "x.metadata.json",
        "a" * 242,
        "é" * 121,
        "a/" * 600 + "a",
    ],
)
def test_keys_that_cannot_be_stored(key: str) -> None:
    with pytest.raises(InvalidKey) as raised:
        validate_key(key)
    assert raised.value.pointer == "/key"


@pytest.mark.parametrize(
    "key", ["a", "a" * 241, "pasta/relatório final (v2).pdf", "100%.txt", "a b", "Ünï/…"]
)
def test_keys_that_can(key: str) -> None:
    assert validate_key(key) == key


@pytest.mark.parametrize("name", ["a", "0", "faquad_pt", "a-b", "a" * 63])
def test_collection_names(name: str) -> None:
    assert validate_collection_name(name) == name


@pytest.mark.parametrize("name", ["", "A", "_a", "-a", "a.b", "a" * 64, "a\n", "é", "٣"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequest):
        validate_collection_name(name)
