"""Which model a request may name."""

from rag.errors import GenerativeModelRequired
from rag.ports import Generator


def check_model(generator: Generator, requested: str | None) -> None:
    """Raises GenerativeModelRequired where the deployment has no model of that name to call."""
    if requested is None or generator.model.generative or requested == generator.model.id:
        return
    raise GenerativeModelRequired(
        f"{requested!r} cannot be called: this deployment selects sentences ({generator.model.id}). "
        "Leave out `model`, or set ACERVO_GENERATION, "
        "for example openai:http://localhost:11434/v1#llama3.2 or bedrock:global.anthropic.claude-haiku-5-5.",
        pointer="/model",
    )
