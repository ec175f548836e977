"""An AWS account on loopback, as far as it tells what may be used: five services, one address."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from tests.doubles.aws_http import Reply, Request, listening
from tests.doubles.aws_service import AwsService, Behaviour, failure

NUMBER: Final = "111122223333"
ARN: Final = f"arn:aws:iam::{NUMBER}:user/ops"
_PAGE: Final = 2


@dataclass(kw_only=True)
class Account:
    """`models`: their names by id, all callable but for what `lacking` says of them.

    `quotas`: values by service and name. `denied`: operations that these credentials may not call.
    """

    models: dict[str, str] = field(default_factory=dict)
    lacking: dict[str, dict[str, Any]] = field(default_factory=dict)
    profiles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    quotas: dict[str, dict[str, float]] = field(default_factory=dict)
    engines: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unreserved: int = 1_000
    denied: set[str] = field(default_factory=set)


class _AccountService(AwsService):
    def __init__(self, account: Account) -> None:
        super().__init__(Behaviour())
        self._account = account

    def piece_sent(self) -> None:
        """Nothing is streamed."""

    def truth(self, request: Request) -> Reply:
        path = unquote(urlsplit(request.path).path)
        target = request.headers.get("x-amz-target", "")
        if target:
            return self._named(target.partition(".")[2], request.json)
        if request.method == "POST" and path == "/":
            return self._query({name: each[0] for name, each in parse_qs(request.body.decode()).items()})
        return self._by_path(path)

    def _by_path(self, path: str) -> Reply:
        kind, _, name = path.removeprefix("/").partition("/")
        match kind:
            case "foundation-models":
                return self._unless_denied("GetFoundationModel") or self._model(name)
            case "foundation-model-availability":
                return self._unless_denied("GetFoundationModelAvailability") or self._availability(name)
            case "inference-profiles":
                return self._unless_denied("GetInferenceProfile") or self._profile(name)
            case "2016-08-19":
                return self._unless_denied("GetAccountSettings") or self._limits()
        return failure(404, "UnknownOperationException", path)

    def _unless_denied(self, operation: str) -> Reply | None:
        if operation not in self._account.denied:
            return None
        return failure(403, "AccessDeniedException", f"User: {ARN} is not authorized to perform: {operation}")

    def _model(self, model_id: str) -> Reply:
        if model_id not in self._account.models:
            return failure(400, "ValidationException", "The provided model identifier is invalid.")
        status = self._account.lacking.get(model_id, {}).get("lifecycle", "ACTIVE")
        details = {
            "modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{model_id}",
            "modelId": model_id,
            "modelName": self._account.models[model_id],
            "modelLifecycle": {"status": status},
        }
        return _json({"modelDetails": details})

    def _availability(self, model_id: str) -> Reply:
        lacking = self._account.lacking.get(model_id, {})
        return _json(
            {
                "modelId": model_id,
                "agreementAvailability": {"status": lacking.get("agreement", "AVAILABLE")},
                "authorizationStatus": lacking.get("authorization", "AUTHORIZED"),
                "entitlementAvailability": lacking.get("entitlement", "AVAILABLE"),
                "regionAvailability": lacking.get("region", "AVAILABLE"),
            }
        )

    def _profile(self, profile_id: str) -> Reply:
        if profile_id not in self._account.profiles:
            return failure(404, "ResourceNotFoundException", "The inference profile was not found.")
        base = profile_id.partition(".")[2]
        models = [
            {"modelArn": f"arn:aws:bedrock:{region}::foundation-model/{base}"}
            for region in self._account.profiles[profile_id]
        ]
        told = {
            "inferenceProfileName": profile_id,
            "inferenceProfileArn": f"arn:aws:bedrock:us-east-1:{NUMBER}:inference-profile/{profile_id}",
            "inferenceProfileId": profile_id,
            "models": models,
            "status": "ACTIVE",
            "type": "SYSTEM_DEFINED",
        }
        return _json(told)

    def _limits(self) -> Reply:
        free = self._account.unreserved
        limit = {"ConcurrentExecutions": free, "UnreservedConcurrentExecutions": free}
        return _json({"AccountLimit": limit, "AccountUsage": {"FunctionCount": 0}})

    def _named(self, operation: str, body: Mapping[str, Any]) -> Reply:
        if operation != "ListServiceQuotas":
            return failure(400, "UnknownOperationException", operation)
        return self._unless_denied(operation) or self._quotas(body)

    def _quotas(self, body: Mapping[str, Any]) -> Reply:
        """A page, and the number of the next one's first quota."""
        service, first = body["ServiceCode"], int(body.get("NextToken", "0"))
        if service not in self._account.quotas:
            return failure(400, "NoSuchResourceException", f"There is no service {service}.")
        listed = [*self._account.quotas[service].items()]
        page = [
            {
                "ServiceCode": service,
                "QuotaCode": f"L-{number:08X}",
                "QuotaName": name,
                "Value": value,
                "Unit": "None",
                "Adjustable": "Titan" not in name,
                "GlobalQuota": False,
            }
            for number, (name, value) in enumerate(listed[first : first + _PAGE], start=first)
        ]
        more = {"NextToken": str(first + _PAGE)} if first + _PAGE < len(listed) else {}
        return _json({"Quotas": page, **more})

    def _query(self, asked: Mapping[str, str]) -> Reply:
        operation = asked["Action"]
        if operation in self._account.denied:
            said = f"<Code>AccessDenied</Code><Message>{ARN} may not {operation}</Message>"
            return _xml("ErrorResponse", f"<Error><Type>Sender</Type>{said}</Error>", status=403)
        if operation == "GetCallerIdentity":
            told = f"<Arn>{ARN}</Arn><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId><Account>{NUMBER}</Account>"
            return _result(operation, told)
        if operation == "DescribeDBEngineVersions":
            return _result(operation, self._engines(asked["Engine"], asked["EngineVersion"]))
        return failure(400, "InvalidAction", operation)

    def _engines(self, engine: str, version: str) -> str:
        found = [each for each in self._account.engines.get(engine, ()) if each == version]
        listed = "".join(
            f"<DBEngineVersion><Engine>{engine}</Engine><EngineVersion>{each}</EngineVersion></DBEngineVersion>"
            for each in found
        )
        return f"<DBEngineVersions>{listed}</DBEngineVersions>"


def _json(told: Mapping[str, Any]) -> Reply:
    return Reply(body=json.dumps(told).encode())


def _result(operation: str, told: str) -> Reply:
    return _xml(f"{operation}Response", f"<{operation}Result>{told}</{operation}Result>")


def _xml(root: str, content: str, *, status: int = 200) -> Reply:
    body = f"<{root}>{content}<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{root}>"
    return Reply(status=status, body=body.encode(), headers={"Content-Type": "text/xml"})


@contextmanager
def account_server(account: Account) -> Iterator[str]:
    """The address; the account may be changed while it runs."""
    with listening(_AccountService(account), name="aws-account") as server:
        yield server.url
