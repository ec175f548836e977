"""The functions' variables, by the names of rag/settings.py."""

from typing import Final

from infra.connections import PER_FUNCTION
from infra.settings import DeploymentSettings

# How long a function waits for a silent database, seconds. The API must still answer 503 within API
# Gateway's 29; ingestion publishes a whole document in one transaction.
_ANSWERING: Final = 20
_WRITING: Final = 60
# A scan is read within one invocation or in vain, and its pages are paid for. Two are read at once: this
# leaves four seconds for each (a page takes one to three, by what is published; not measured).
_SECONDS_A_PAGE: Final = 2


def common_environment(settings: DeploymentSettings, *, bucket: str, database_url: str) -> dict[str, str]:
    """What both flows read; `settings.environment` overrides it."""
    models = settings.models
    rate = models.embedding_requests_per_minute
    return {
        "DATABASE_URL": database_url,
        "ACERVO_DATABASE_LOGIN": "iam",
        "ACERVO_DATABASE_CONNECTIONS": str(PER_FUNCTION),
        "ACERVO_DATABASE_ANSWER_SECONDS": str(_WRITING),
        "ACERVO_BUCKET": bucket,
        "ACERVO_EMBEDDING": models.embedding,
        **({"ACERVO_EMBEDDING_OTHERS": " ".join(models.embedding_others)} if models.embedding_others else {}),
        **({"ACERVO_EMBEDDING_REQUESTS_PER_MINUTE": str(rate)} if rate else {}),
        **settings.environment,
    }


def ingesting_environment(settings: DeploymentSettings) -> dict[str, str]:
    """What ingestion reads besides."""
    if settings.ingestion.ocr == "none":
        return {}
    pages = settings.ingestion.timeout_seconds // _SECONDS_A_PAGE
    return {"ACERVO_OCR": settings.ingestion.ocr, "ACERVO_OCR_MAX_PAGES": str(pages), **settings.environment}


def answering_environment(settings: DeploymentSettings, *, endpoint: str | None) -> dict[str, str]:
    """What the API reads besides. `endpoint`: our own on SageMaker, for which Bedrock then stands in."""
    models, tokens = settings.models, settings.tokens
    generation = {"ACERVO_GENERATION": models.generation}
    if endpoint:
        generation = {"ACERVO_GENERATION": endpoint, "ACERVO_GENERATION_FALLBACK": models.generation}
    chosen = {
        "ACERVO_RERANKING": models.reranking,
        "ACERVO_GENERATION_GUARDRAIL": models.guardrail,
        "ACERVO_CORS_ORIGINS": ",".join(settings.api.cors_origins),
        "ACERVO_JWT_ISSUER": tokens.issuer if tokens else "",
        "ACERVO_JWT_AUDIENCE": tokens.audience if tokens else "",
        "ACERVO_JWT_JWKS_URL": tokens.jwks_url if tokens else "",
        "ACERVO_JWT_JWKS": tokens.jwks if tokens else "",
    }
    given = {name: value for name, value in chosen.items() if value}
    return {
        "ACERVO_DATABASE_ANSWER_SECONDS": str(_ANSWERING),
        "ACERVO_GUARD": models.guard,
        **generation,
        **given,
        **settings.environment,
    }
