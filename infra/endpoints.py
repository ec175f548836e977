"""Which services of AWS the functions call from the network, by what a deployment has chosen."""

from infra.settings import DeploymentSettings


def called_services(settings: DeploymentSettings) -> tuple[str, ...]:
    """Names of PrivateLink services. S3 goes by its free gateway; queues, logs and streams are not called."""
    references = settings.models.references()
    providers = {purpose: model.provider for purpose, model in references.items()}
    invoking = {provider for purpose, provider in providers.items() if purpose != "reranking"}
    called = {
        "bedrock-runtime": "bedrock" in invoking or settings.models.guard == "bedrock",
        "bedrock-agent-runtime": providers.get("reranking") == "bedrock",
        "textract": settings.ingestion.ocr == "textract",
        "sagemaker.runtime": "sagemaker" in providers.values() or settings.sagemaker is not None,
    }
    return tuple(service for service, is_called in called.items() if is_called)
