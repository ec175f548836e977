"""Markdown becomes readable text with blocks."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.parse.markdown import parse_markdown
from rag.domain.content import BlockKind, ExtractedText

_DOCUMENT = """---
title: "Guia do plantão"
tags: [a, b]
---
# On-call *guide*

See [the **manual**](https://example.com "t") and `get_user_by_id`.
Wrapped line.

2. two
3. three
   - nested

   more

| Name | Price |
|------|-------|
| A &amp; B | R$ 1 |
|      | R$ 2 |

```python
x = 1

y = 2
```

> quoted <b>text</b>

<div><p>raw <i>html</i></p></div>
"""


def texts(extracted: ExtractedText) -> list[tuple[BlockKind, str]]:
    return [(block.kind, extracted.text[block.start : block.end]) for block in extracted.blocks]


def test_blocks() -> None:
    extracted = parse_markdown(_DOCUMENT.encode())
    assert texts(extracted) == [
        (BlockKind.HEADING, "On-call guide"),
        (BlockKind.PARAGRAPH, "See the manual and get_user_by_id. Wrapped line."),
        (BlockKind.LIST_ITEM, "2. two"),
        (BlockKind.LIST_ITEM, "3. three"),
        (BlockKind.LIST_ITEM, "- nested"),
        (BlockKind.PARAGRAPH, "more"),
        (BlockKind.TABLE_ROW, "Name | Price"),
        (BlockKind.TABLE_ROW, "A & B | R$ 1"),
        (BlockKind.TABLE_ROW, "| R$ 2"),
        (BlockKind.CODE, "x = 1\n\ny = 2"),
        (BlockKind.PARAGRAPH, "quoted text"),
        (BlockKind.PARAGRAPH, "raw html"),
    ]
    assert [block.header for block in extracted.blocks if block.kind is BlockKind.TABLE_ROW] == [
        True,
        False,
        False,
    ]


def test_title_comes_from_front_matter_then_from_the_first_heading() -> None:
    assert parse_markdown(_DOCUMENT.encode()).title == "Guia do plantão"
    assert parse_markdown(b"intro\n\n# Heading\n\nx").title == "Heading"
    assert parse_markdown(b"only text").title is None


def test_a_rule_at_the_top_is_not_front_matter() -> None:
    assert parse_markdown(b"---\n\nHello: there\n\nworld").text == "Hello: there\n\nworld"


_WORDS = st.lists(st.text("abcdefgáéõç", min_size=1, max_size=6), min_size=1, max_size=6)
_INLINE = st.sampled_from(["{}", "*{}*", "**{}**", "`{}`", "[{}](http://x)", "~~{}~~", "<b>{}</b>"])
_BLOCK = st.sampled_from(
    ["{}", "# {}", "#### {}", "- {}", "1. {}", "> {}", "```\n{}\n```", "| h |\n|-|\n| {} |"]
)


@given(st.lists(st.tuples(_BLOCK, _INLINE, _WORDS), min_size=1, max_size=8))
def test_words_come_out_once_and_in_order(parts: list[tuple[str, str, list[str]]]) -> None:
    markdown, expected = [], []
    for index, (block, inline, words) in enumerate(parts):
        marked = [f"{word}{index}x{position}" for position, word in enumerate(words)]
        expected += marked
        styled = marked if "```" in block else [inline.format(word) for word in marked]
        markdown.append(block.format(" ".join(styled)))
    text = parse_markdown("\n\n".join(markdown).encode()).text
    assert [word for word in text.split() if word in expected] == expected


@pytest.mark.parametrize("unit", ["[", "![[", "[a][", "![](", "[a]("])
def test_a_megabyte_of_brackets_is_read_as_it_stands(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    assert parse_markdown(text.encode()).text == text
    assert time.process_time() - started < 5


def test_a_long_paragraph_of_links_loses_its_marks() -> None:
    text = "[a](https://example.org/a) " * 1_000
    assert parse_markdown(text.encode()).text == ("a " * 1_000).strip()
