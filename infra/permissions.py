"""What a function may call of the models that it is configured with, and no other."""

from collections.abc import Iterable

from aws_cdk import Aws, Stack

from infra.acknowledge import acknowledge
from infra.function import ServiceFunction
from infra.models import ModelReference
from infra.settings import ModelSettings

_INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")


def allow_embedding(service: ServiceFunction, models: ModelSettings) -> None:
    for purpose, model in models.references().items():
        if purpose.startswith("embedding"):
            _allow_model(service, model, streaming=False)


def allow_answering(service: ServiceFunction, models: ModelSettings) -> None:
    """Generation, reranking and the guard, as far as they are AWS's."""
    references = models.references()
    _allow_model(service, references["generation"], streaming=True)
    if reranking := references.get("reranking"):
        _allow_model(service, reranking, streaming=False)
        if reranking.provider == "bedrock":
            service.allow_without_resource("bedrock:Rerank")
    if models.guard == "bedrock":
        service.allow_without_resource("bedrock:InvokeGuardrailChecks")
    if models.guardrail:
        guardrail = models.guardrail.partition(":")[0]
        service.allow(["bedrock:ApplyGuardrail"], [_own(service, f"bedrock:guardrail/{guardrail}")])


def allow_endpoint(service: ServiceFunction, endpoint: str, components: Iterable[str] = ()) -> None:
    service.allow(
        ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"],
        [
            _own(service, f"sagemaker:endpoint/{endpoint}"),
            *(_own(service, f"sagemaker:inference-component/{component}") for component in components),
        ],
    )


def _allow_model(service: ServiceFunction, model: ModelReference, *, streaming: bool) -> None:
    if model.provider == "bedrock":
        _allow_bedrock(service, model, actions=_INVOKE if streaming else _INVOKE[:1])
    elif model.provider == "sagemaker":
        endpoint, _, component = model.name.partition("/")
        allow_endpoint(service, endpoint, [component] if component else [])


def _allow_bedrock(service: ServiceFunction, model: ModelReference, *, actions: tuple[str, ...]) -> None:
    foundation = f"foundation-model/{model.foundation_model}"
    if model.geography is None:
        region = Stack.of(service).region
        service.allow(actions, [f"arn:{Aws.PARTITION}:bedrock:{region}::{foundation}"])
        return
    profile = _own(service, f"bedrock:inference-profile/{model.name}")
    service.allow(actions, [profile])
    anywhere = f"arn:{Aws.PARTITION}:bedrock:*::{foundation}"
    # The profile chooses the region; without the condition the model could be called past it.
    service.allow(actions, [anywhere], StringEquals={"bedrock:InferenceProfileArn": profile})
    finding = f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:bedrock:*::{foundation}]"
    reason = "Which regions an inference profile goes to is AWS's to change; only through this one profile."
    acknowledge(service, {finding: reason})


def _own(service: ServiceFunction, resource: str) -> str:
    """`<service>:<type>/<name>` as an ARN of this account and region."""
    owner, _, name = resource.partition(":")
    return f"arn:{Aws.PARTITION}:{owner}:{Stack.of(service).region}:{Aws.ACCOUNT_ID}:{name}"
