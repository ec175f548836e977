"""Findings of cdk-nag that stay, each with its reason."""

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, findings: dict[str, str]) -> None:
    """`findings`: the reason by the finding's id, such as `AwsSolutions-IAM5[Resource::*]`."""
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=finding, reason=reason) for finding, reason in findings.items())
    )


def wildcard(scope: IConstruct, arn: str, suffix: str) -> str:
    """The id of the finding that a policy names everything below `arn`, as cdk-nag writes references."""
    return f"AwsSolutions-IAM5[Resource::{_written(Stack.of(scope).resolve(arn))}{suffix}]"


def _written(value: object) -> str:
    match value:
        case {"Fn::GetAtt": [logical_id, attribute]}:
            return f"<{logical_id}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(_written, parts))
    return str(value)
