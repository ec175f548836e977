"""Builds the embedder that ACERVO_EMBEDDING names, and imports no other."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from rag.errors import SettingInvalid
from rag.ports import Embedder
from rag.settings import EmbeddingSettings


def build_embedder(settings: EmbeddingSettings) -> Embedder:
    """Raises SettingInvalid where the setting names no embedder or one that cannot be had."""
    name, _, argument = settings.embedding.strip().partition(":")
    if name not in _BUILDERS:
        raise SettingInvalid(
            f"ACERVO_EMBEDDING is {settings.embedding!r}; it must be"
            " wordllama, onnx:<directory>, openai:<base url>#<model>, bedrock:<model id>[@<dimensions>] or"
            " sagemaker:<endpoint>[/<inference component>][#<model>]"
        )
    return _BUILDERS[name](argument, settings)


# Each builder imports its own adapter: numpy, onnxruntime, httpx and boto3 are not to be paid for by
# commands that embed nothing.
def _wordllama(argument: str, _: EmbeddingSettings) -> Embedder:
    from rag.adapters.local.wordllama import WordLlamaEmbedder  # noqa: PLC0415 - see above

    if argument:
        raise SettingInvalid(f"ACERVO_EMBEDDING=wordllama takes nothing after it, not {argument!r}")
    return WordLlamaEmbedder()


def _onnx(argument: str, _: EmbeddingSettings) -> Embedder:
    from rag.adapters.local.onnx import OnnxEmbedder  # noqa: PLC0415 - see above

    if not argument:
        raise SettingInvalid("ACERVO_EMBEDDING=onnx:<directory> lacks the directory")
    return OnnxEmbedder(Path(argument).expanduser())


def _openai(argument: str, settings: EmbeddingSettings) -> Embedder:
    from rag.adapters.local.openai_embeddings import OpenAIEmbedder  # noqa: PLC0415 - see above

    base_url, _, model = argument.rpartition("#")
    if not base_url or not model:
        raise SettingInvalid("ACERVO_EMBEDDING=openai:<base url>#<model> lacks the base URL or the model")
    key = settings.embedding_api_key
    return OpenAIEmbedder(
        base_url,
        model,
        key.get_secret_value() if key else None,
        max_tokens=settings.embedding_max_tokens,
    )


def _bedrock(argument: str, settings: EmbeddingSettings) -> Embedder:
    try:
        from rag.adapters.bedrock.embedder import BedrockEmbedder  # noqa: PLC0415 - see above
        from rag.adapters.bedrock.limiter import Limiter  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise SettingInvalid(
            f"ACERVO_EMBEDDING=bedrock:… needs {error.name}: pip install 'acervo[aws]'"
        ) from error
    model_id, sign, dimensions = argument.partition("@")
    if sign and not dimensions.isdecimal():
        raise SettingInvalid(f"ACERVO_EMBEDDING=bedrock:{argument}: dimensions are a number after the @")
    limiter = Limiter(
        requests_per_minute=settings.embedding_requests_per_minute,
        tokens_per_minute=settings.embedding_tokens_per_minute,
        concurrency=settings.embedding_concurrency,
    )
    return BedrockEmbedder(model_id, dimensions=int(dimensions) if sign else None, limiter=limiter)


def _sagemaker(argument: str, settings: EmbeddingSettings) -> Embedder:
    try:
        from rag.adapters.sagemaker.embedder import SageMakerEmbedder  # noqa: PLC0415 - see above
        from rag.adapters.sagemaker.endpoint import Endpoint  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise SettingInvalid(
            f"ACERVO_EMBEDDING=sagemaker:… needs {error.name}: pip install 'acervo[aws]'"
        ) from error
    address, _sign, model = argument.partition("#")
    endpoint = Endpoint(address, setting="ACERVO_EMBEDDING")
    return SageMakerEmbedder(endpoint, model=model or None, max_tokens=settings.embedding_max_tokens)


_BUILDERS: Final[Mapping[str, Callable[[str, EmbeddingSettings], Embedder]]] = {
    "wordllama": _wordllama,
    "onnx": _onnx,
    "openai": _openai,
    "bedrock": _bedrock,
    "sagemaker": _sagemaker,
}
