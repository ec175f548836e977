"""Asks an AWS account what it may use, with permissions to read only (docs/operations.md lists them)."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError

from rag.adapters.aws import translated_errors
from rag.domain.account import Identity, ModelAccess, Quota
from rag.errors import SettingInvalid

# Somebody waits in front of a terminal.
_CONFIG: Final = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}
)


class AwsAccount:
    """Of the credentials and the region that boto3 finds.

    Every question raises SettingInvalid where AWS refuses it, and SourceUnavailable where AWS is not reached.
    """

    def __init__(self) -> None:
        # One session for all: each would read botocore's list of endpoints anew, a tenth of a second.
        self._session = Session()
        self._client = cache(self._made)

    def region(self) -> str:
        """Empty where none is configured."""
        return str(self._session.region_name or "")

    def identity(self) -> Identity:
        with _asking("sts:GetCallerIdentity"):
            found = self._client("sts").get_caller_identity()
        return Identity(account=found["Account"], arn=found["Arn"])

    def model_access(self, model_id: str) -> ModelAccess:
        bedrock = self._client("bedrock")
        with _asking("bedrock:GetFoundationModel"):
            details = bedrock.get_foundation_model(modelIdentifier=model_id)["modelDetails"]
        with _asking("bedrock:GetFoundationModelAvailability"):
            found = bedrock.get_foundation_model_availability(modelId=model_id)
        return ModelAccess(
            name=details["modelName"],
            legacy=details.get("modelLifecycle", {}).get("status") == "LEGACY",
            agreed=found["agreementAvailability"]["status"] == "AVAILABLE",
            authorized=found["authorizationStatus"] == "AUTHORIZED",
            entitled=found["entitlementAvailability"] == "AVAILABLE",
            in_region=found["regionAvailability"] == "AVAILABLE",
        )

    def profile_regions(self, profile_id: str) -> tuple[str, ...]:
        """The regions that an active inference profile sends calls to."""
        with _asking("bedrock:GetInferenceProfile"):
            found = self._client("bedrock").get_inference_profile(inferenceProfileIdentifier=profile_id)
        if found["status"] != "ACTIVE":
            return ()
        return tuple(sorted({model["modelArn"].split(":")[3] for model in found["models"]}))

    def quotas(self, service: str) -> list[Quota]:
        with _asking("servicequotas:ListServiceQuotas"):
            pages = self._client("service-quotas").get_paginator("list_service_quotas")
            found = [quota for page in pages.paginate(ServiceCode=service) for quota in page["Quotas"]]
        return [
            Quota(
                name=each["QuotaName"],
                code=each["QuotaCode"],
                value=each["Value"],
                adjustable=each["Adjustable"],
            )
            for each in found
        ]

    def offers_engine(self, engine: str, version: str) -> bool:
        with _asking("rds:DescribeDBEngineVersions"):
            found = self._client("rds").describe_db_engine_versions(Engine=engine, EngineVersion=version)
        return bool(found["DBEngineVersions"])

    def concurrent_functions(self) -> int:
        """What no function reserves."""
        with _asking("lambda:GetAccountSettings"):
            limits = self._client("lambda").get_account_settings()["AccountLimit"]
        return int(limits["UnreservedConcurrentExecutions"])

    def _made(self, service: str) -> Any:
        with translated_errors(f"AWS ({service})"):
            return self._session.client(service, config=_CONFIG)


@contextmanager
def _asking(action: str) -> Iterator[None]:
    """What AWS says of a question that it does not answer is the answer."""
    try:
        with translated_errors(f"AWS, asked for {action},"):
            yield
    except ClientError as error:
        said = error.response.get("Error", {})
        raise SettingInvalid(f"{action}: {said.get('Code', '')}: {said.get('Message', '')}") from error
