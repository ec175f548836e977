"""Questions for the fake models, and what boto3 reads of their answers."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

NOTICE: Final = "Either party may end the contract with sixty days of written notice."
GARDEN: Final = "Our office has a garden."
QUESTION: Final = "How many days of notice does ending the contract take?"


def search_result(*blocks: str, title: str = "Contract", citations: bool | None = True) -> dict[str, Any]:
    result: dict[str, Any] = {
        "source": f"acervo://{title}",
        "title": title,
        "content": [{"text": block} for block in blocks],
    }
    if citations is not None:
        result["citations"] = {"enabled": citations}
    return {"searchResult": result}


def user(*blocks: Any) -> dict[str, Any]:
    content = [{"text": block} if isinstance(block, str) else block for block in blocks]
    return {"role": "user", "content": content}


def asked(*blocks: Any, model: str = "mock-grounded", **members: Any) -> dict[str, Any]:
    """A request; without blocks the one about the contract."""
    default = (search_result("Lunch is at noon.", title="Menu"), search_result(GARDEN, NOTICE), QUESTION)
    return {
        "modelId": model,
        "messages": [user(*(blocks or default))],
        "inferenceConfig": {"maxTokens": 1000},
        **members,
    }


def events_of(response: Any) -> Iterator[tuple[str, Any]]:
    with closing(response["stream"]) as events:
        for event in events:
            yield from event.items()


def blocks_of(events: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """A stream's content blocks as Converse gives them whole."""
    texts: dict[int, str] = {}
    citations: dict[int, list[Any]] = {}
    for name, event in events:
        if name == "contentBlockDelta":
            index, delta = event["contentBlockIndex"], event["delta"]
            texts[index] = texts.get(index, "") + delta.get("text", "")
            citations.setdefault(index, []).extend([delta["citation"]] if "citation" in delta else [])
    return [_block(text, citations[index]) for index, text in sorted(texts.items())]


def _block(text: str, citations: list[Any]) -> dict[str, Any]:
    if not citations:
        return {"text": text}
    return {"citationsContent": {"content": [{"text": text}], "citations": citations}}


def text_of(blocks: list[dict[str, Any]]) -> str:
    return "".join(
        block["text"] if "text" in block else block["citationsContent"]["content"][0]["text"]
        for block in blocks
    )


def citations_of(blocks: list[dict[str, Any]]) -> list[Any]:
    return [one for block in blocks for one in block.get("citationsContent", {}).get("citations", [])]
