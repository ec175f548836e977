"""The stack: composes the constructs and hands each what it needs of the others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from aws_cdk import Aws, Environment, Stack, Tags
from constructs import Construct

from infra.alarms import Alarms
from infra.api import Api
from infra.bucket import DocumentBucket
from infra.connections import plan_connections
from infra.dashboard import Dashboard
from infra.database import Database
from infra.errors import DeploymentSettingsInvalid
from infra.ingestion import Ingestion
from infra.migration import Migration
from infra.network import Network
from infra.outputs import add_outputs
from infra.permissions import allow_endpoint
from infra.queues import Queues, notify
from infra.sagemaker import GeneratingEndpoint
from infra.settings import DeploymentSettings
from infra.stream import DocumentStream

PLACEHOLDER = Path(__file__).parent / "placeholder"


@dataclass(frozen=True, kw_only=True)
class Bundles:
    """Directories with what each function runs."""

    ingestion: Path
    api: Path
    migration: Path

    @classmethod
    def in_directory(cls, directory: Path) -> Self:
        """Raises DeploymentSettingsInvalid where one was not built."""
        found = {name: directory / name for name in ("ingestion", "api", "migration")}
        if missing := [str(path) for path in found.values() if not path.is_dir()]:
            raise DeploymentSettingsInvalid(
                f"{', '.join(missing)} not built: run make bundles,"
                " or synthesize with -c bundles=placeholder."
            )
        return cls(**found)

    @classmethod
    def placeholder(cls) -> Self:
        """For the template alone: a stack deployed with them does not work."""
        return cls(ingestion=PLACEHOLDER, api=PLACEHOLDER, migration=PLACEHOLDER)


class AcervoStack(Stack):
    def __init__(self, scope: Construct, *, settings: DeploymentSettings, bundles: Bundles) -> None:
        super().__init__(
            scope,
            settings.name,
            # The account is the one of the credentials: nothing is looked up while synthesizing.
            env=Environment(region=settings.region),
            description="Acervo: documents in, cited answers out",
            termination_protection=settings.database.deletion_protection,
        )
        Tags.of(self).add("service", settings.name)
        plan = plan_connections(settings)
        network = Network(self, "Network", settings=settings)
        database = Database(
            self, "Database", settings=settings, network=network, max_connections=plan.max_connections
        )
        bucket = DocumentBucket(self, "Bucket", cors_origins=settings.api.cors_origins)
        others = [f"arn:{Aws.PARTITION}:s3:::{name}" for name in settings.source_buckets]
        network.allow_buckets([bucket.bucket.bucket_arn, *others])
        queues = Queues(self, "Queues", ingestion=settings.ingestion)
        notify(bucket.bucket, queues.documents, queues.accept_notifications())
        stream = DocumentStream(self, "Stream", settings=settings.stream) if settings.stream.enabled else None
        migration = Migration(
            self,
            "Migration",
            settings=settings,
            bundle=bundles.migration,
            network=network,
            database=database,
        )
        ingestion = Ingestion(
            self,
            "Ingestion",
            settings=settings,
            bundle=bundles.ingestion,
            network=network,
            database=database,
            bucket=bucket.bucket,
            queues=queues,
            stream=stream,
            plan=plan,
        )
        endpoint = self._endpoint(settings)
        api = Api(
            self,
            "Api",
            settings=settings,
            bundle=bundles.api,
            network=network,
            database=database,
            bucket=bucket.bucket,
            plan=plan,
            endpoint=endpoint.address if endpoint else None,
        )
        if endpoint is not None:
            allow_endpoint(api.service, endpoint.endpoint_name, [endpoint.component_name])
        for service in (ingestion.service, api.service):
            service.function.node.add_dependency(migration.done)
        alarms = Alarms(
            self,
            "Alarms",
            settings=settings,
            queues=queues,
            stream=stream,
            ingestion=ingestion,
            api=api,
            database=database,
            plan=plan,
        )
        Dashboard(
            self,
            "Dashboard",
            name=settings.name,
            alarms=alarms,
            queues=queues,
            ingestion=ingestion,
            api=api,
            database=database,
        )
        add_outputs(self, api=api, bucket=bucket, queues=queues, stream=stream)

    def _endpoint(self, settings: DeploymentSettings) -> GeneratingEndpoint | None:
        if settings.sagemaker is None:
            return None
        return GeneratingEndpoint(self, "Generation", name=settings.name, settings=settings.sagemaker)
