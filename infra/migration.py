"""Migrations as a custom resource: run before new code, again on roll-back, and never undone."""

from pathlib import Path
from typing import Final

from aws_cdk import CustomResource, Duration, FileSystem, aws_logs, custom_resources
from constructs import Construct

from infra.acknowledge import acknowledge, wildcard
from infra.database import OWNER, SERVICE, Database
from infra.function import ServiceFunction
from infra.network import Network
from infra.settings import DeploymentSettings

_TIMEOUT_SECONDS: Final = 900


class Migration(Construct):
    """`done` is what every function that uses the schema must wait for.

    The handler gets CloudFormation's event. Create and Update migrate, an Update of a roll-back with the
    older bundle, which finds nothing to do; Delete does nothing: the data outlives the stack.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: DeploymentSettings,
        bundle: Path,
        network: Network,
        database: Database,
    ) -> None:
        super().__init__(scope, id_)
        self.service = ServiceFunction(
            self,
            "Migration",
            name=f"{settings.name}-migration",
            bundle=bundle,
            handler="rag.migration_handler.handler",
            network=network,
            memory_mib=512,
            timeout_seconds=_TIMEOUT_SECONDS,
            log_days=settings.operations.log_days,
            environment=_environment(database),
        )
        database.grant_login(self.service.role, OWNER)
        provider = self._provider()
        self.done = CustomResource(
            self,
            "Schema",
            service_token=provider.service_token,
            resource_type="Custom::AcervoSchema",
            service_timeout=Duration.seconds(_TIMEOUT_SECONDS),
            # Another bundle is a reason to look; the handler finds out whether there is anything to do.
            properties={"Bundle": FileSystem.fingerprint(str(bundle))},
        )
        self.done.node.add_dependency(database.resource)

    def _provider(self) -> custom_resources.Provider:
        log_group = aws_logs.LogGroup(self, "ProviderLog", retention=aws_logs.RetentionDays.ONE_MONTH)
        provider = custom_resources.Provider(
            self, "Provider", on_event_handler=self.service.function, log_group=log_group
        )
        acknowledge(provider, _provider_findings(self.service))
        return provider


def _environment(database: Database) -> dict[str, str]:
    return {
        "DATABASE_URL": database.url(OWNER),
        "ACERVO_DATABASE_LOGIN": "iam",
        "ACERVO_DATABASE_SERVICE_USER": SERVICE,
        # Resolved by CloudFormation, for the network has no way to Secrets Manager; void once the owner
        # has rds_iam, which the first migration grants.
        "ACERVO_DATABASE_FIRST_PASSWORD": database.secret.secret_value_from_json("password").unsafe_unwrap(),
    }


def _provider_findings(service: ServiceFunction) -> dict[str, str]:
    function = wildcard(service, service.function.function_arn, ":*")
    own = "CDK's own function between CloudFormation and ours"
    return {
        "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
        "AWSLambdaBasicExecutionRole]": f"{own}: it may write logs.",
        function: f"{own}: any version of our function.",
    }
