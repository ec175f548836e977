"""The network: isolated subnets, S3 by its gateway, one interface endpoint per service that is called."""

import re

from aws_cdk import Aws, RemovalPolicy, aws_ec2, aws_iam, aws_logs
from constructs import Construct

from infra.endpoints import called_services
from infra.settings import DeploymentSettings

HTTPS = aws_ec2.Port.tcp(443)


class Network(Construct):
    """`functions` is the security group of every function, `subnets` where they run."""

    def __init__(self, scope: Construct, id_: str, *, settings: DeploymentSettings) -> None:
        super().__init__(scope, id_)
        nat = settings.network.nat
        inside = aws_ec2.SubnetType.PRIVATE_WITH_EGRESS if nat else aws_ec2.SubnetType.PRIVATE_ISOLATED
        self.subnets = aws_ec2.SubnetSelection(subnet_type=inside)
        self.vpc = aws_ec2.Vpc(
            self,
            "Vpc",
            max_azs=settings.network.zones,
            nat_gateways=1 if nat else 0,
            subnet_configuration=_subnets(inside, nat=nat),
            # Would bring a function of CDK's own to empty a group that nothing here uses.
            restrict_default_security_group=False,
        )
        self.functions = aws_ec2.SecurityGroup(
            self,
            "Functions",
            vpc=self.vpc,
            description="The functions: to S3, the model endpoints and the database",
            allow_all_outbound=False,
        )
        self.functions.add_egress_rule(
            aws_ec2.Peer.any_ipv4(),
            HTTPS,
            "Only the endpoints have a route, and the NAT gateway if there is one",
        )
        self.s3_gateway = self.vpc.add_gateway_endpoint(
            "S3", service=aws_ec2.GatewayVpcEndpointAwsService.S3, subnets=[self.subnets]
        )
        if not nat:
            self._add_interface_endpoints(settings)
        self._log_rejected_traffic()

    def allow_buckets(self, arns: list[str]) -> None:
        """Lets nothing else through the gateway: no key of another account opens a way out."""
        self.s3_gateway.add_to_policy(
            aws_iam.PolicyStatement(
                principals=[aws_iam.AnyPrincipal()],
                actions=["s3:*"],
                resources=[name for arn in arns for name in (arn, f"{arn}/*")],
                conditions={"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}},
            )
        )

    def _add_interface_endpoints(self, settings: DeploymentSettings) -> None:
        group = aws_ec2.SecurityGroup(
            self,
            "Endpoints",
            vpc=self.vpc,
            description="Interface endpoints of the model services",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(self.functions, HTTPS, "The functions")
        zones = self.vpc.availability_zones[: settings.network.endpoint_zones]
        for service in called_services(settings):
            endpoint = self.vpc.add_interface_endpoint(
                service.replace(".", "-"),
                service=aws_ec2.InterfaceVpcEndpointAwsService(service),
                subnets=aws_ec2.SubnetSelection(
                    subnet_type=aws_ec2.SubnetType.PRIVATE_ISOLATED, availability_zones=zones
                ),
                security_groups=[group],
                private_dns_enabled=True,
                open=False,
            )
            endpoint.add_to_policy(_own_principals(service))

    def _log_rejected_traffic(self) -> None:
        """Rejected only: what is accepted can be had from the rules, and would cost by the byte."""
        group = aws_logs.LogGroup(
            self,
            "Rejected",
            retention=aws_logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.vpc.add_flow_log(
            "FlowLog",
            destination=aws_ec2.FlowLogDestination.to_cloud_watch_logs(group),
            traffic_type=aws_ec2.FlowLogTrafficType.REJECT,
        )


def _subnets(inside: aws_ec2.SubnetType, *, nat: bool) -> list[aws_ec2.SubnetConfiguration]:
    own = aws_ec2.SubnetConfiguration(name="functions", subnet_type=inside, cidr_mask=22)
    data = aws_ec2.SubnetConfiguration(
        name="data", subnet_type=aws_ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=26
    )
    public = aws_ec2.SubnetConfiguration(
        name="public",
        subnet_type=aws_ec2.SubnetType.PUBLIC,
        cidr_mask=28,
        map_public_ip_on_launch=False,
    )
    return [own, data, public] if nat else [own]


def _own_principals(service: str) -> aws_iam.PolicyStatement:
    prefix = re.split(r"[-.]", service)[0]
    return aws_iam.PolicyStatement(
        principals=[aws_iam.AnyPrincipal()],
        actions=[f"{prefix}:*"],
        resources=["*"],
        conditions={"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}},
    )
