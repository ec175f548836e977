"""Builds the reranker that ACERVO_RERANKING names, and imports no other."""

from collections.abc import Callable, Mapping
from typing import Final

from rag.errors import SettingInvalid
from rag.ports import Reranker
from rag.settings import RerankingSettings


def build_reranker(settings: RerankingSettings) -> Reranker | None:
    """None where the setting is empty. Raises SettingInvalid."""
    name, _, argument = settings.reranking.strip().partition(":")
    if not name:
        return None
    if name not in _BUILDERS:
        raise SettingInvalid(
            f"ACERVO_RERANKING is {settings.reranking!r}; it must be empty, bedrock:<model id>,"
            " openai:<base url>#<model>, tei:<base url> or"
            " sagemaker:<endpoint>[/<inference component>][#<model>]"
        )
    return _BUILDERS[name](argument, settings)


# Each builder imports its own adapter: boto3 and httpx are not to be paid for where nothing is reranked.
def _bedrock(argument: str, _: RerankingSettings) -> Reranker:
    try:
        from rag.adapters.bedrock.rerank import BedrockReranker  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise _lacking(error, "bedrock") from error
    if not argument:
        raise SettingInvalid(
            "ACERVO_RERANKING=bedrock:<model id> lacks the model, for example cohere.rerank-v3-5:0"
        )
    return BedrockReranker(argument)


def _openai(argument: str, settings: RerankingSettings) -> Reranker:
    from rag.adapters.local.rerank import HttpReranker, ModelDocuments  # noqa: PLC0415 - see above

    base_url, _, model = argument.rpartition("#")
    if not base_url or not model:
        raise SettingInvalid("ACERVO_RERANKING=openai:<base url>#<model> lacks the base URL or the model")
    return HttpReranker(base_url, model, ModelDocuments(model), _key(settings))


def _tei(argument: str, settings: RerankingSettings) -> Reranker:
    from rag.adapters.local.rerank import HttpReranker, QueryTexts  # noqa: PLC0415 - see above

    return HttpReranker(argument, argument, QueryTexts(), _key(settings))


def _sagemaker(argument: str, _: RerankingSettings) -> Reranker:
    try:
        from rag.adapters.sagemaker.endpoint import Endpoint  # noqa: PLC0415 - see above
        from rag.adapters.sagemaker.rerank import SageMakerReranker  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise _lacking(error, "sagemaker") from error
    address, _sign, model = argument.partition("#")
    return SageMakerReranker(Endpoint(address, setting="ACERVO_RERANKING"), model=model or None)


def _lacking(error: ModuleNotFoundError, name: str) -> SettingInvalid:
    return SettingInvalid(f"ACERVO_RERANKING={name}:… needs {error.name}: pip install 'acervo[aws]'")


def _key(settings: RerankingSettings) -> str | None:
    key = settings.reranking_api_key
    return key.get_secret_value() if key else None


_BUILDERS: Final[Mapping[str, Callable[[str, RerankingSettings], Reranker]]] = {
    "bedrock": _bedrock,
    "openai": _openai,
    "tei": _tei,
    "sagemaker": _sagemaker,
}
