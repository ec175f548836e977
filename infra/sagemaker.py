"""A generating endpoint on SageMaker: Inferentia2 or GPU, an inference component that scales to zero."""

from dataclasses import dataclass
from typing import Final

from aws_cdk import (
    Aws,
    Duration,
    Stack,
    aws_applicationautoscaling,
    aws_cloudwatch,
    aws_iam,
    aws_sagemaker,
)
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.settings import SageMakerSettings

_VARIANT: Final = "AllTraffic"
_CONTAINERS_ACCOUNT: Final = "763104351884"
_START_SECONDS: Final = 1_800


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """`devices`: accelerators of the default instance; an inf2.xlarge has one chip of two cores."""

    repository: str
    image: str
    instance: str
    devices: int
    memory_mib: int
    # Of the machine below the container; only the GPU image asks for one.
    machine_image: str | None = None


HARDWARE: Final = {
    "inferentia2": Hardware(
        repository="huggingface-vllm-inference-neuronx",
        image="0.11.0-optimum0.4.5-neuronx-py310-sdk2.26.1-ubuntu22.04",
        instance="ml.inf2.xlarge",
        devices=1,
        memory_mib=8_192,
    ),
    # https://aws.github.io/deep-learning-containers/vllm/deployment/sagemaker/
    "gpu": Hardware(
        repository="vllm",
        image="server-sagemaker-cuda-v1",
        instance="ml.g6.xlarge",
        devices=1,
        memory_mib=8_192,
        machine_image="al2-ami-sagemaker-inference-gpu-3-1",
    ),
}


class GeneratingEndpoint(Construct):
    """`address` is what ACERVO_GENERATION names: `sagemaker:<endpoint>/<component>#<model>`."""

    def __init__(self, scope: Construct, id_: str, *, name: str, settings: SageMakerSettings) -> None:
        super().__init__(scope, id_)
        self.endpoint_name = f"{name}-generation"
        self.component_name = f"{name}-generation-model"
        self.address = f"sagemaker:{self.endpoint_name}/{self.component_name}#{settings.model}"
        self._settings = settings
        self._hardware = HARDWARE[settings.kind]
        role = self._role()
        endpoint = self._endpoint(role)
        self._component = self._inference_component(endpoint, self._model(role))
        self._scale()

    def _role(self) -> aws_iam.Role:
        region = Stack.of(self).region
        role = aws_iam.Role(
            self,
            "Role",
            assumed_by=aws_iam.ServicePrincipal("sagemaker.amazonaws.com"),
            description="Fetches the container's image, writes its logs and metrics",
        )
        images = (
            f"arn:{Aws.PARTITION}:ecr:{region}:{_CONTAINERS_ACCOUNT}:repository/{self._hardware.repository}"
        )
        logs = f"arn:{Aws.PARTITION}:logs:{region}:{Aws.ACCOUNT_ID}:log-group:/aws/sagemaker/*"
        for actions, resource in (
            (("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"), images),
            (("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"), logs),
            (("ecr:GetAuthorizationToken",), "*"),
        ):
            role.add_to_policy(aws_iam.PolicyStatement(actions=list(actions), resources=[resource]))
        role.add_to_policy(
            aws_iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/InferenceComponents"}},
            )
        )
        acknowledge(role, _role_findings(region))
        return role

    def _model(self, role: aws_iam.Role) -> aws_sagemaker.CfnModel:
        tag = self._hardware.image
        registry = f"{_CONTAINERS_ACCOUNT}.dkr.ecr.{Stack.of(self).region}.{Aws.URL_SUFFIX}"
        image = self._settings.image or f"{registry}/{self._hardware.repository}:{tag}"
        model = aws_sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            # Not isolated: the container fetches the model from Hugging Face when it starts.
            primary_container=aws_sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image, environment=self._container_environment()
            ),
        )
        model.node.add_dependency(role)
        return model

    def _container_environment(self) -> dict[str, str]:
        prefix = "SM_ON" if self._settings.kind == "inferentia2" else "SM_VLLM"
        batch = "BATCH_SIZE" if self._settings.kind == "inferentia2" else "MAX_NUM_SEQS"
        return {
            f"{prefix}_MODEL": self._settings.model,
            f"{prefix}_{batch}": str(self._settings.batch_size),
        }

    def _endpoint(self, role: aws_iam.Role) -> aws_sagemaker.CfnEndpoint:
        settings = self._settings
        config = aws_sagemaker.CfnEndpointConfig(
            self,
            "Config",
            execution_role_arn=role.role_arn,
            production_variants=[
                aws_sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=_VARIANT,
                    instance_type=settings.instance or self._hardware.instance,
                    inference_ami_version=self._hardware.machine_image,
                    initial_instance_count=max(settings.min_instances, 1),
                    container_startup_health_check_timeout_in_seconds=_START_SECONDS,
                    model_data_download_timeout_in_seconds=_START_SECONDS,
                    managed_instance_scaling=_instances(settings),
                    routing_config=aws_sagemaker.CfnEndpointConfig.RoutingConfigProperty(
                        routing_strategy="LEAST_OUTSTANDING_REQUESTS"
                    ),
                )
            ],
        )
        config.node.add_dependency(role)
        return aws_sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self.endpoint_name,
            endpoint_config_name=config.attr_endpoint_config_name,
        )

    def _inference_component(
        self, endpoint: aws_sagemaker.CfnEndpoint, model: aws_sagemaker.CfnModel
    ) -> aws_sagemaker.CfnInferenceComponent:
        types = aws_sagemaker.CfnInferenceComponent
        component = types(
            self,
            "Component",
            inference_component_name=self.component_name,
            endpoint_name=self.endpoint_name,
            variant_name=_VARIANT,
            specification=types.InferenceComponentSpecificationProperty(
                model_name=model.attr_model_name,
                compute_resource_requirements=types.InferenceComponentComputeResourceRequirementsProperty(
                    number_of_accelerator_devices_required=self._hardware.devices,
                    min_memory_required_in_mb=self._hardware.memory_mib,
                ),
                startup_parameters=types.InferenceComponentStartupParametersProperty(
                    container_startup_health_check_timeout_in_seconds=_START_SECONDS,
                    model_data_download_timeout_in_seconds=_START_SECONDS,
                ),
            ),
            runtime_config=types.InferenceComponentRuntimeConfigProperty(
                copy_count=max(self._settings.min_instances, 1)
            ),
        )
        component.add_resource_dependency(endpoint)
        return component

    def _scale(self) -> None:
        """Up from none when a request found nobody, from one by load, down to none when idle."""
        settings = self._settings
        target = aws_applicationautoscaling.ScalableTarget(
            self,
            "Copies",
            service_namespace=aws_applicationautoscaling.ServiceNamespace.SAGEMAKER,
            resource_id=f"inference-component/{self.component_name}",
            scalable_dimension="sagemaker:inference-component:DesiredCopyCount",
            min_capacity=settings.min_instances,
            max_capacity=settings.max_instances,
        )
        target.node.add_dependency(self._component)
        target.scale_to_track_metric(
            "Load",
            predefined_metric=aws_applicationautoscaling.PredefinedMetric.SAGEMAKER_INFERENCE_COMPONENT_INVOCATIONS_PER_COPY,
            target_value=settings.batch_size * _INVOCATIONS_PER_SLOT,
            scale_in_cooldown=Duration.minutes(10),
            scale_out_cooldown=Duration.minutes(5),
        )
        if settings.min_instances == 0:
            self._wake(target)

    def _wake(self, target: aws_applicationautoscaling.ScalableTarget) -> None:
        nobody = aws_cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name="NoCapacityInvocationFailures",
            dimensions_map={"InferenceComponentName": self.component_name},
            statistic="Sum",
            period=Duration.minutes(1),
        )
        steps = aws_applicationautoscaling.ScalingInterval
        target.scale_on_metric(
            "FromZero",
            metric=nobody,
            adjustment_type=aws_applicationautoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
            scaling_steps=[steps(upper=0, change=0), steps(lower=1, change=1)],
            evaluation_periods=1,
            cooldown=Duration.minutes(5),
        )


# A slot of a batch answers about so many questions a minute (estimate: 10 seconds a question).
_INVOCATIONS_PER_SLOT: Final = 6


def _instances(
    settings: SageMakerSettings,
) -> aws_sagemaker.CfnEndpointConfig.ManagedInstanceScalingProperty:
    return aws_sagemaker.CfnEndpointConfig.ManagedInstanceScalingProperty(
        status="ENABLED",
        min_instance_count=settings.min_instances,
        max_instance_count=settings.max_instances,
    )


def _role_findings(region: str) -> dict[str, str]:
    logs = f"arn:<AWS::Partition>:logs:{region}:<AWS::AccountId>:log-group:/aws/sagemaker/*"
    return {
        "AwsSolutions-IAM5[Resource::*]": "An authorization token of ECR and metrics have no ARN; metrics are"
        " bounded to the namespace of inference components.",
        f"AwsSolutions-IAM5[Resource::{logs}]": "SageMaker names the log groups by its own scheme.",
    }
