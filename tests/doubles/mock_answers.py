"""What a fake generative model writes, computed from what it was asked."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rag.text.markers import INSUFFICIENT_EVIDENCE
from tests.doubles.bedrock_models import count_tokens
from tests.doubles.mock_grounding import Proof, Source, evidence_for, misquoted
from tests.doubles.mock_names import MockModel
from tests.doubles.mock_obedience import command_in

BLOCKED: Final = "Sorry, the model cannot answer this question."

_STANDALONE: Final = re.compile(r"stand.?alone|rewrite|reformul|reescrev", re.IGNORECASE)
_TOKEN_END: Final = re.compile(r"\w{1,5}|[^\w\s]")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`questions`: the user's texts in order, passages written into them left out; the last is asked now.

    `native`: the sources came as searchResult blocks, with citations or without.
    """

    instructions: str
    questions: tuple[str, ...]
    texts: tuple[str, ...]
    sources: tuple[Source, ...] = ()
    native: bool = False
    citations: bool = True
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Block:
    """A content block of the answer, proved or not."""

    text: str
    proof: Proof | None = None


@dataclass(frozen=True, kw_only=True)
class Written:
    blocks: tuple[Block, ...]
    stop_reason: str = "end_turn"

    @property
    def text(self) -> str:
        return "".join(block.text for block in self.blocks)

    @property
    def tokens(self) -> int:
        """What is paid for: nothing where a guardrail answered in place of the model."""
        return 0 if self.is_guarded else sum(count_tokens(block.text) for block in self.blocks)

    @property
    def is_guarded(self) -> bool:
        return self.stop_reason == "guardrail_intervened"


def write(asked: Asked, model: MockModel) -> Written:
    """The whole answer, not yet cut by maxTokens or the window."""
    written = _WRITERS.get(model.behaviour, _grounded)(asked, model)
    return written if model.length is None else _of_length(written, model.length)


def cut(written: Written, tokens: int, stop_reason: str) -> Written:
    """At most that many tokens of it; a block that is cut keeps its citation."""
    blocks: list[Block] = []
    for block in written.blocks:
        pieces = tokens_of(block.text)
        blocks.append(replace(block, text="".join(pieces[:tokens])))
        tokens -= count_tokens(block.text)
        if tokens < 0:
            kept = tuple(block for block in blocks if block.text)
            return Written(blocks=kept, stop_reason=stop_reason)
    return written


def tokens_of(text: str) -> list[str]:
    """The text in pieces of a token each; white space goes with the token after it, at the end before."""
    ends = [match.end() for match in _TOKEN_END.finditer(text)]
    if not ends:
        return [text] if text else []
    ends[-1] = len(text)
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _grounded(asked: Asked, model: MockModel) -> Written:
    if asked.schema is not None:
        return _says(json.dumps(_value(asked.schema, asked.questions[-1]), ensure_ascii=False))
    if not asked.sources:
        return _says(_plain(asked))
    found = evidence_for(asked.questions[-1], asked.sources)
    if not found:
        return _says(_abstention(asked))
    if model.behaviour == "misquotes":
        found = misquoted(found, asked.sources, true_too=model.true_too)
    return _native(asked, found, model) if asked.native else _marked(found)


def _native(asked: Asked, proofs: Sequence[Proof], model: MockModel) -> Written:
    """Every sentence a block of its own, with a space in a block between."""
    blocks: list[Block] = []
    for proof in proofs:
        blocks += [Block(text=" ")] if blocks else []
        text = proof.sentence.rstrip(".!?") if model.dotless else proof.sentence
        blocks.append(Block(text=text, proof=proof if asked.citations else None))
        blocks += [Block(text=proof.sentence[len(text) :])] if len(text) < len(proof.sentence) else []
    return Written(blocks=tuple(blocks))


def _marked(proofs: Sequence[Proof]) -> Written:
    marked = [f'{proof.sentence} [{proof.source.index + 1}: "{proof.quote}"]' for proof in proofs]
    return _says(" ".join(marked))


def _uncited(asked: Asked, model: MockModel) -> Written:
    written = _grounded(replace(asked, native=True, citations=False), model)
    return _says(written.text)


def _abstention(asked: Asked) -> str:
    told = INSUFFICIENT_EVIDENCE in asked.instructions
    return INSUFFICIENT_EVIDENCE if told else "The sources do not say."


def _obedient(asked: Asked, model: MockModel) -> Written:
    command = command_in(asked.texts)
    return _grounded(asked, model) if command is None else _says(command)


def _empty(_: Asked, __: MockModel) -> Written:
    return Written(blocks=())


def _refuses(asked: Asked, model: MockModel) -> Written:
    """With a length in its name it begins to answer."""
    blocks = () if model.length is None else _grounded(asked, model).blocks
    return Written(blocks=blocks, stop_reason="content_filtered")


def _guarded(_: Asked, __: MockModel) -> Written:
    return Written(blocks=(Block(text=BLOCKED),), stop_reason="guardrail_intervened")


def _exceeds_window(asked: Asked, model: MockModel) -> Written:
    written = _grounded(asked, model)
    half = cut(written, max(1, written.tokens // 2), "model_context_window_exceeded")
    return replace(half, stop_reason="model_context_window_exceeded")


def _malformed_json(asked: Asked, model: MockModel) -> Written:
    written = _grounded(asked, model)
    return written if asked.schema is None else _says(written.text[: len(written.text) // 2])


def _malformed_output(asked: Asked, model: MockModel) -> Written:
    return replace(_malformed_json(asked, model), stop_reason="malformed_model_output")


_WRITERS: Final[Mapping[str, Callable[[Asked, MockModel], Written]]] = {
    "uncited": _uncited,
    "obedient": _obedient,
    "empty": _empty,
    "refuses": _refuses,
    "guarded": _guarded,
    "exceeds-window": _exceeds_window,
    "malformed-json": _malformed_json,
    "malformed-output": _malformed_output,
}


def _says(text: str) -> Written:
    return Written(blocks=(Block(text=text),))


def _plain(asked: Asked) -> str:
    """A question rewritten with the one before it, where that is asked; otherwise a count and an echo."""
    question = asked.questions[-1]
    if len(asked.questions) > 1 and _STANDALONE.search(asked.instructions):
        return f"{asked.questions[-2]} {question}"
    words = question.split()
    return f"You wrote {len(words)} words: {' '.join(words[:12])}"


def _value(schema: Mapping[str, Any], text: str) -> Any:
    """What a simple JSON schema allows, made of the text."""
    if "const" in schema or "enum" in schema:
        return schema.get("const", [*schema.get("enum", ()), None][0])
    if variants := schema.get("anyOf") or schema.get("oneOf"):
        return _value(variants[0], text)
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    return _of_type(kinds if isinstance(kinds, str) else kinds[0], schema, text)


def _of_type(kind: str, schema: Mapping[str, Any], text: str) -> Any:
    if kind == "object":
        return {name: _value(value, text) for name, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [_value(schema.get("items", {}), text)] * max(1, schema.get("minItems", 1))
    values = {"integer": len(text.split()), "number": float(len(text.split())), "boolean": True, "null": None}
    return values.get(kind, text)


def _of_length(written: Written, tokens: int) -> Written:
    """Its blocks again and again while they fit, then filler: exactly that many tokens."""
    blocks, missing = list(written.blocks), tokens - written.tokens
    if not blocks or missing <= 0 or written.text == INSUFFICIENT_EVIDENCE:
        return cut(written, tokens, written.stop_reason)
    cycle = (*([Block(text=" ")] if written.tokens else []), *written.blocks)
    cost = sum(count_tokens(block.text) for block in cycle)
    for _ in range(missing // cost if cost else 0):
        blocks += cycle
        missing -= cost
    blocks += [Block(text=" more" * missing)] if missing else []
    return Written(blocks=tuple(blocks), stop_reason=written.stop_reason)
