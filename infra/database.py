"""The database: RDS for PostgreSQL, or Aurora Serverless v2 that pauses; IAM login, TLS, encryption."""

from pathlib import Path
from typing import Final

from aws_cdk import Aws, Duration, RemovalPolicy, Stack, aws_ec2, aws_iam, aws_rds
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.errors import DeploymentSettingsInvalid
from infra.network import Network
from infra.settings import AuroraSettings, DeploymentSettings, RdsSettings

OWNER: Final = "acervo_owner"
SERVICE: Final = "acervo_service"
DATABASE: Final = "acervo"
PORT: Final = 5432
# Part of every bundle, which Lambda unpacks into /var/task.
CERTIFICATES: Final = Path(__file__).parent / "bundles/certificates/rds.pem"
_UNPACKED: Final = "/var/task/certificates/rds.pem"
_FINDINGS: Final = {
    "AwsSolutions-RDS11": "Only the functions reach the port; another number hides nothing.",
}


class Database(Construct):
    """`secret` holds the owner's first password; the first migration makes the owner log in by IAM."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: DeploymentSettings,
        network: Network,
        max_connections: int,
    ) -> None:
        super().__init__(scope, id_)
        _check_certificates(settings.region)
        self.group = aws_ec2.SecurityGroup(
            self, "Group", vpc=network.vpc, description="The database", allow_all_outbound=False
        )
        self.group.add_ingress_rule(network.functions, aws_ec2.Port.tcp(PORT), "The functions")
        network.functions.add_egress_rule(self.group, aws_ec2.Port.tcp(PORT), "The database")
        self.secret = aws_rds.DatabaseSecret(self, "Owner", username=OWNER)
        acknowledge(
            self.secret,
            {
                "AwsSolutions-SMG4": "Used once: the first migration grants the owner rds_iam, after which"
                " PostgreSQL refuses the password."
            },
        )
        self._parameters = {"rds.force_ssl": "1", "max_connections": str(max_connections)}
        self._network = network
        chosen = settings.database
        self.resource: aws_rds.DatabaseInstance | aws_rds.DatabaseCluster = (
            self._aurora(chosen) if isinstance(chosen, AuroraSettings) else self._rds(chosen)
        )

    @property
    def host(self) -> str:
        if isinstance(self.resource, aws_rds.DatabaseCluster):
            return self.resource.cluster_endpoint.hostname
        return self.resource.db_instance_endpoint_address

    def url(self, user: str) -> str:
        """Without a password: each new connection's is a token signed by the function's own role."""
        return (
            f"postgresql://{user}@{self.host}:{PORT}/{DATABASE}?sslmode=verify-full&sslrootcert={_UNPACKED}"
        )

    def grant_login(self, grantee: aws_iam.IGrantable, user: str) -> None:
        resource = self.resource
        identifier = (
            resource.cluster_resource_identifier
            if isinstance(resource, aws_rds.DatabaseCluster)
            else resource.instance_resource_id
        )
        arn = (
            f"arn:{Aws.PARTITION}:rds-db:{Stack.of(self).region}:{Aws.ACCOUNT_ID}:dbuser:{identifier}/{user}"
        )
        aws_iam.Grant.add_to_principal(grantee=grantee, actions=["rds-db:connect"], resource_arns=[arn])

    def _rds(self, chosen: RdsSettings) -> aws_rds.DatabaseInstance:
        engine = aws_rds.DatabaseInstanceEngine.postgres(
            version=aws_rds.PostgresEngineVersion.of(chosen.version, chosen.version.split(".")[0])
        )
        found = aws_rds.DatabaseInstance(
            self,
            "Instance",
            engine=engine,
            parameter_group=self._parameter_group(engine),
            instance_type=aws_ec2.InstanceType(chosen.instance),
            allocated_storage=chosen.storage_gib,
            max_allocated_storage=chosen.max_storage_gib,
            storage_type=aws_rds.StorageType.GP3,
            multi_az=chosen.multi_az,
            database_name=DATABASE,
            credentials=aws_rds.Credentials.from_secret(self.secret),
            vpc=self._network.vpc,
            vpc_subnets=_data_subnets(),
            security_groups=[self.group],
            iam_authentication=True,
            storage_encrypted=True,
            publicly_accessible=False,
            ca_certificate=aws_rds.CaCertificate.RDS_CA_RSA2048_G1,
            backup_retention=Duration.days(chosen.backup_days),
            copy_tags_to_snapshot=True,
            deletion_protection=chosen.deletion_protection,
            removal_policy=RemovalPolicy.SNAPSHOT,
            auto_minor_version_upgrade=True,
            cloudwatch_logs_exports=["postgresql"],
        )
        acknowledge(found, _FINDINGS)
        if not chosen.multi_az:
            reason = "A standby doubles the price; it is the option database.multi_az."
            acknowledge(found, {"AwsSolutions-RDS3": reason})
        return found

    def _aurora(self, chosen: AuroraSettings) -> aws_rds.DatabaseCluster:
        engine = aws_rds.DatabaseClusterEngine.aurora_postgres(
            version=aws_rds.AuroraPostgresEngineVersion.of(chosen.version, chosen.version.split(".")[0])
        )
        pause = Duration.minutes(chosen.pause_minutes) if chosen.min_capacity == 0 else None
        return aws_rds.DatabaseCluster(
            self,
            "Cluster",
            engine=engine,
            parameter_group=self._parameter_group(engine),
            writer=aws_rds.ClusterInstance.serverless_v2(
                "Writer",
                auto_minor_version_upgrade=True,
                publicly_accessible=False,
                ca_certificate=aws_rds.CaCertificate.RDS_CA_RSA2048_G1,
            ),
            serverless_v2_min_capacity=chosen.min_capacity,
            serverless_v2_max_capacity=chosen.max_capacity,
            serverless_v2_auto_pause_duration=pause,
            default_database_name=DATABASE,
            credentials=aws_rds.Credentials.from_secret(self.secret),
            vpc=self._network.vpc,
            vpc_subnets=_data_subnets(),
            security_groups=[self.group],
            iam_authentication=True,
            storage_encrypted=True,
            backup=aws_rds.BackupProps(retention=Duration.days(chosen.backup_days)),
            copy_tags_to_snapshot=True,
            deletion_protection=chosen.deletion_protection,
            removal_policy=RemovalPolicy.SNAPSHOT,
            cloudwatch_logs_exports=["postgresql"],
        )

    def _parameter_group(self, engine: aws_rds.IEngine) -> aws_rds.ParameterGroup:
        return aws_rds.ParameterGroup(
            self,
            "Parameters",
            engine=engine,
            description="TLS only; as many connections as the functions' concurrency is reckoned with",
            parameters=self._parameters,
        )


def _check_certificates(region: str) -> None:
    """Before anything is deployed whose functions would then not trust the database."""
    if f"# {region} " not in CERTIFICATES.read_text(encoding="utf-8"):
        raise DeploymentSettingsInvalid(
            f"region: the certificates of RDS in {region} are not among those of {CERTIFICATES}."
            " The head of that file says where to get them."
        )


def _data_subnets() -> aws_ec2.SubnetSelection:
    return aws_ec2.SubnetSelection(subnet_type=aws_ec2.SubnetType.PRIVATE_ISOLATED)
