"""A function of the service: its own role with its own log group, inside the network, traced."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from aws_cdk import Aws, Duration, RemovalPolicy, Stack, aws_iam, aws_lambda, aws_logs
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.metrics import namespace
from infra.network import Network

# Lambda itself makes the network interfaces; functions in a network cannot start without these.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
_INTERFACES: Final = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)
_TRACES: Final = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
_ANY: Final = "AwsSolutions-IAM5[Resource::*]"
_FINDINGS: Final = {
    _ANY: "Network interfaces that do not exist yet and X-Ray have no ARN to name; the function's own code is"
    " denied the former.",
}
_RUNTIME: Final = {"AwsSolutions-L1": "Python 3.13 is what the bundles are built and compiled for."}


class ServiceFunction(Construct):
    """`function` and its log group are named `name`; by it the role denies the code what Lambda needs."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        bundle: Path,
        handler: str,
        network: Network,
        environment: Mapping[str, str],
        memory_mib: int,
        timeout_seconds: int,
        log_days: int,
        reserved_concurrency: int | None = None,
        layers: Sequence[aws_lambda.ILayerVersion] = (),
    ) -> None:
        super().__init__(scope, id_)
        log_group = aws_logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{name}",
            retention=aws_logs.RetentionDays[_RETENTION[log_days]],
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = self._role(name, log_group)
        self.function = aws_lambda.Function(
            self,
            "Function",
            function_name=name,
            code=aws_lambda.Code.from_asset(str(bundle)),
            handler=handler,
            runtime=aws_lambda.Runtime.PYTHON_3_13,
            architecture=aws_lambda.Architecture.ARM_64,
            memory_size=memory_mib,
            timeout=Duration.seconds(timeout_seconds),
            role=role.without_policy_updates(),
            environment={**self._telemetry(id_), **environment},
            vpc=network.vpc,
            vpc_subnets=network.subnets,
            security_groups=[network.functions],
            log_group=log_group,
            reserved_concurrent_executions=reserved_concurrency,
            layers=list(layers),
            tracing=aws_lambda.Tracing.ACTIVE,
        )
        self.role = role
        # CDK makes functions wait for the role, not for its policy.
        self.function.node.add_dependency(role)
        acknowledge(self.function, _RUNTIME)

    def _telemetry(self, service: str) -> dict[str, str]:
        return {
            "ACERVO_FUNCTION_SERVICE": service.lower(),
            "ACERVO_METRICS_NAMESPACE": namespace(Stack.of(self).stack_name),
        }

    def allow(
        self, actions: Sequence[str], resources: Sequence[str], **conditions: Mapping[str, str]
    ) -> None:
        self.role.add_to_policy(
            aws_iam.PolicyStatement(
                actions=list(actions), resources=list(resources), conditions=dict(conditions) or None
            )
        )

    def allow_without_resource(self, action: str) -> None:
        """For an action that AWS defines no resource for; a policy of its own, so that its finding is too."""
        policy = aws_iam.Policy(
            self,
            action.partition(":")[2],
            roles=[self.role],
            statements=[aws_iam.PolicyStatement(actions=[action], resources=["*"])],
        )
        acknowledge(policy, {_ANY: f"AWS defines no resource for {action}."})

    def _role(self, name: str, log_group: aws_logs.LogGroup) -> aws_iam.Role:
        stack = Stack.of(self)
        own = f"arn:{Aws.PARTITION}:lambda:{stack.region}:{Aws.ACCOUNT_ID}:function:{name}"
        role = aws_iam.Role(
            self,
            "Role",
            assumed_by=aws_iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What the function {name} may touch",
        )
        role.add_to_policy(aws_iam.PolicyStatement(actions=[*_INTERFACES, *_TRACES], resources=["*"]))
        role.add_to_policy(
            aws_iam.PolicyStatement(
                effect=aws_iam.Effect.DENY,
                actions=list(_INTERFACES),
                resources=["*"],
                conditions={"ArnEquals": {"lambda:SourceFunctionArn": own}},
            )
        )
        log_group.grant_write(role)
        acknowledge(role, _FINDINGS)
        return role


_RETENTION: Final = {
    7: "ONE_WEEK",
    14: "TWO_WEEKS",
    30: "ONE_MONTH",
    90: "THREE_MONTHS",
    180: "SIX_MONTHS",
    365: "ONE_YEAR",
}
