"""Plain generations and the models of a deployment over HTTP."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, StringConstraints

from app.generation import Completion, CompletionRequest
from app.schemas.answers import DEFAULT_MAX_TOKENS, Usage
from app.schemas.collections import EmbeddingModel
from app.schemas.common import JsonSchema, MaxTokens, RequestModel, ResponseModel, ShortText, Text
from rag.domain import answers as domain

LongInput = Annotated[Text, StringConstraints(min_length=1, max_length=100_000)]


class GenerationExample(RequestModel):
    input: LongInput
    output: LongInput


class GenerationBody(RequestModel):
    """With `examples` few-shot, without zero-shot."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "instructions": "Classify the message as complaint, question or praise.",
                    "examples": [{"input": "It never arrived!", "output": "complaint"}],
                    "input": "Do you ship to Recife?",
                }
            ]
        }
    )

    input: LongInput
    instructions: LongInput | None = None
    examples: Annotated[list[GenerationExample], Field(max_length=50)] = Field(default_factory=list)
    model: ShortText | None = None
    max_tokens: MaxTokens = DEFAULT_MAX_TOKENS
    json_schema: JsonSchema | None = None
    stream: bool = False

    def to_domain(self) -> CompletionRequest:
        return CompletionRequest(
            input=self.input,
            instructions=self.instructions,
            examples=tuple(domain.Example(input=e.input, output=e.output) for e in self.examples),
            model=self.model,
            max_tokens=self.max_tokens,
            json_schema=self.json_schema,
        )


class Generation(ResponseModel):
    """`output` is the parsed JSON where `json_schema` was given."""

    id: str
    text: str
    model: str
    fallback_from: str | None
    refused: bool
    truncated: bool
    output: Any
    usage: Usage

    @classmethod
    def from_domain(cls, generation_id: str, completion: Completion) -> Self:
        values = {**vars(completion), "id": generation_id, "usage": Usage.of(completion.usage)}
        return cls.model_validate(values)


class GenerativeModel(ResponseModel):
    """`generative` is false for the extractive generator, which only selects sentences."""

    id: str
    generative: bool


class RerankingModel(ResponseModel):
    id: str


class Models(ResponseModel):
    generation: list[GenerativeModel]
    embedding: list[EmbeddingModel]
    reranking: list[RerankingModel]
