"""Blocks in columns are the blocks they were made of."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.domain.content import Block, BlockKind, Blocks

_OFFSETS = st.integers(0, 1_000_000)
_BLOCKS = st.lists(
    st.builds(
        Block,
        kind=st.sampled_from(BlockKind),
        start=_OFFSETS,
        end=_OFFSETS,
        level=st.integers(0, 6),
        header=st.booleans(),
    )
)


@given(_BLOCKS)
def test_what_goes_in_comes_out(blocks: list[Block]) -> None:
    found = Blocks.of(blocks)
    assert list(found) == blocks
    assert found == tuple(blocks)
    assert [found[index] for index in range(len(found))] == blocks
    assert found[1:-1] == tuple(blocks[1:-1])
    assert hash(found) == hash(Blocks.of(tuple(blocks)))


def test_an_index_outside_is_refused() -> None:
    with pytest.raises(IndexError):
        Blocks.of([])[0]


def test_columns_that_do_not_fit_are_refused() -> None:
    none = array("I")
    with pytest.raises(ValueError, match="different lengths"):
        Blocks(kinds=b"\0", starts=none, ends=none, levels=b"", headers=b"")
    with pytest.raises(ValueError, match="unknown kind"):
        Blocks(kinds=b"\x09", starts=array("I", [0]), ends=array("I", [0]), levels=b"\0", headers=b"\0")
