"""The API: an HTTP API that buffers, or a REST API that streams; the same application behind both."""

import json
from pathlib import Path
from typing import Final

from aws_cdk import (
    Aws,
    Duration,
    RemovalPolicy,
    Stack,
    aws_apigateway,
    aws_apigatewayv2,
    aws_apigatewayv2_integrations,
    aws_lambda,
    aws_logs,
    aws_s3,
)
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.connections import ConnectionPlan
from infra.database import SERVICE, Database
from infra.environment import answering_environment, common_environment
from infra.function import ServiceFunction
from infra.ingestion import allow_reading
from infra.network import Network
from infra.permissions import allow_answering, allow_embedding
from infra.settings import ApiSettings, DeploymentSettings

# An HTTP API gives up after 30 seconds; a REST API that streams after 15 minutes.
_BUFFERED_SECONDS: Final = 29
_STREAMED_SECONDS: Final = 900
_PORT: Final = 8080
_ADAPTER: Final = "753240598075:layer:LambdaAdapterLayerArm64:27"
_OWN_CREDENTIALS: Final = (
    "The application itself checks API keys and tokens on every route, and knows which need none:"
    " /healthz, /readyz, the documentation."
)


class Api(Construct):
    """`url` without a slash at its end; `service` is the function, `gateway` the API's name in metrics."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: DeploymentSettings,
        bundle: Path,
        network: Network,
        database: Database,
        bucket: aws_s3.Bucket,
        plan: ConnectionPlan,
        endpoint: str | None,
    ) -> None:
        super().__init__(scope, id_)
        streaming = settings.api.streaming
        self.service = ServiceFunction(
            self,
            "Api",
            name=f"{settings.name}-api",
            bundle=bundle,
            handler="run.sh" if streaming else "app.lambda_handler.handler",
            network=network,
            memory_mib=settings.api.memory_mib,
            timeout_seconds=_STREAMED_SECONDS if streaming else _BUFFERED_SECONDS,
            log_days=settings.operations.log_days,
            reserved_concurrency=plan.api if settings.api.reserve_concurrency else None,
            layers=[self._adapter()] if streaming else [],
            environment={
                **common_environment(settings, bucket=bucket.bucket_name, database_url=database.url(SERVICE)),
                **answering_environment(settings, endpoint=endpoint),
                **(_adapter_environment() if streaming else {}),
            },
        )
        database.grant_login(self.service.role, SERVICE)
        allow_reading(self.service, bucket.bucket_arn, settings.source_buckets)
        self.service.allow(["s3:PutObject", "s3:DeleteObject"], [f"{bucket.bucket_arn}/*"])
        allow_embedding(self.service, settings.models)
        allow_answering(self.service, settings.models)
        log = aws_logs.LogGroup(
            self,
            "AccessLog",
            retention=aws_logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        if streaming:
            self.url = self._streaming(settings.api, log)
        else:
            self.url = self._buffered(settings.api, log)

    def _adapter(self) -> aws_lambda.ILayerVersion:
        region = Stack.of(self).region
        arn = f"arn:{Aws.PARTITION}:lambda:{region}:{_ADAPTER}"
        return aws_lambda.LayerVersion.from_layer_version_arn(self, "WebAdapter", arn)

    def _buffered(self, settings: ApiSettings, log: aws_logs.LogGroup) -> str:
        api = aws_apigatewayv2.HttpApi(
            self,
            "Http",
            create_default_stage=False,
            default_integration=aws_apigatewayv2_integrations.HttpLambdaIntegration(
                "Application", self.service.function
            ),
        )
        stage = aws_apigatewayv2.HttpStage(
            self,
            "Stage",
            http_api=api,
            auto_deploy=True,
            throttle=aws_apigatewayv2.ThrottleSettings(
                rate_limit=settings.requests_per_second, burst_limit=settings.burst
            ),
        )
        resource = stage.node.default_child
        if not isinstance(resource, aws_apigatewayv2.CfnStage):
            raise TypeError("CDK keeps a stage's resource under another name now.")
        resource.access_log_settings = aws_apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=log.log_group_arn, format=_ACCESS_LOG
        )
        acknowledge(api, {"AwsSolutions-APIG4": _OWN_CREDENTIALS})
        self.metrics = {"ApiId": api.api_id}
        return api.api_endpoint

    def _streaming(self, settings: ApiSettings, log: aws_logs.LogGroup) -> str:
        api = aws_apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=f"{Stack.of(self).stack_name} (streaming)",
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN,
            endpoint_types=[aws_apigateway.EndpointType.REGIONAL],
            # Uploads and originals are bytes.
            binary_media_types=["*/*"],
            deploy_options=aws_apigateway.StageOptions(
                stage_name=STAGE,
                throttling_rate_limit=settings.requests_per_second,
                throttling_burst_limit=settings.burst,
                tracing_enabled=True,
                metrics_enabled=True,
                logging_level=aws_apigateway.MethodLoggingLevel.ERROR,
                access_log_destination=aws_apigateway.LogGroupLogDestination(log),
                access_log_format=aws_apigateway.AccessLogFormat.custom(_ACCESS_LOG),
            ),
        )
        integration = aws_apigateway.LambdaIntegration(
            self.service.function,
            proxy=True,
            response_transfer_mode=aws_apigateway.ResponseTransferMode.STREAM,
            timeout=Duration.seconds(_STREAMED_SECONDS),
        )
        api.root.add_method("ANY", integration)
        api.root.add_proxy(default_integration=integration)
        acknowledge(api, _REST_FINDINGS)
        self.metrics = {"ApiName": api.rest_api_name, "Stage": STAGE}
        return f"https://{api.rest_api_id}.execute-api.{Stack.of(self).region}.{Aws.URL_SUFFIX}/{STAGE}"


STAGE: Final = "api"
_ACCESS_LOG: Final = json.dumps(
    {
        "request_id": "$context.requestId",
        "time": "$context.requestTimeEpoch",
        "method": "$context.httpMethod",
        "path": "$context.path",
        "status": "$context.status",
        "milliseconds": "$context.responseLatency",
        "bytes": "$context.responseLength",
    }
)
_REST_FINDINGS: Final = {
    "AwsSolutions-APIG2": "The application validates every request against its schema.",
    "AwsSolutions-APIG3": "A web application firewall costs by rule and request; keys and limits per tenant"
    " are the application's. Associate one with the stage where the API is open to the world.",
    "AwsSolutions-APIG4": _OWN_CREDENTIALS,
    "AwsSolutions-COG4": _OWN_CREDENTIALS,
    "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
    "AmazonAPIGatewayPushToCloudWatchLogs]": "The one policy that API Gateway accepts for writing its logs.",
}


def _adapter_environment() -> dict[str, str]:
    return {
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap",
        "AWS_LWA_INVOKE_MODE": "response_stream",
        "AWS_LWA_PORT": str(_PORT),
        "AWS_LWA_READINESS_CHECK_PATH": "/healthz",
    }
