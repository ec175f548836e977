"""A prompt as chat messages: instructions, examples, earlier turns, passages as data, the input."""

import secrets
from collections.abc import Iterator

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.prompts import (
    ChatPromptTemplate,
    FewShotChatMessagePromptTemplate,
    MessagesPlaceholder,
)

from rag.domain.answers import Prompt, Turn
from rag.domain.search import Passage

_EXAMPLE = ChatPromptTemplate.from_messages([("human", "{input}"), ("ai", "{output}")])


def chat_messages(prompt: Prompt) -> list[BaseMessage]:
    examples = [{"input": example.input, "output": example.output} for example in prompt.examples]
    template = ChatPromptTemplate.from_messages(
        [
            ("system", "{instructions}"),
            FewShotChatMessagePromptTemplate(example_prompt=_EXAMPLE, examples=examples),
            MessagesPlaceholder("history"),
            ("human", "{input}"),
        ]
    )
    return template.format_messages(
        instructions=f"{prompt.instructions}\n{prompt.citing}".rstrip(),
        history=[message for turn in prompt.history for message in _turn(turn)],
        input=_grounded_input(prompt) if prompt.passages else prompt.input,
    )


def origin(passage: Passage) -> str:
    """Where a passage comes from, in one line for the model."""
    where = [(passage.document.title or "").strip() or passage.document.key]
    where += [f"page {passage.locator.page}"] if passage.locator.page is not None else []
    where += [passage.locator.heading] if passage.locator.heading else []
    return " ".join(", ".join(where).split())


def _turn(turn: Turn) -> Iterator[BaseMessage]:
    yield HumanMessage(turn.question)
    yield AIMessage(turn.answer)


def _grounded_input(prompt: Prompt) -> str:
    # No passage can close the element it stands in: it cannot know the name.
    tag = f"passage-{secrets.token_hex(4)}"
    passages = "\n\n".join(_passage(tag, number, p) for number, p in enumerate(prompt.passages, 1))
    return f"{passages}\n\nQuestion: {prompt.input}"


def _passage(tag: str, number: int, passage: Passage) -> str:
    return f"<{tag} {number}>\nPassage {number}, from {origin(passage)}:\n{passage.text}\n</{tag}>"
