"""The deployed stack as its users and its operator reach it: AWS's APIs, HTTP, the command line."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import boto3
import httpx

from infra.bundles.functions import REPOSITORY
from infra.cdk_command import run_cdk_into
from tests.deploy.machine import search_path

T = TypeVar("T")

REGION: Final = "us-east-1"
ACCOUNT: Final = "000000000000"
_PAUSE: Final = 0.5
_ANSWER_SECONDS: Final = 60


class ScenarioFailed(Exception):
    """The deployed stack did not do what it should; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """`aws`: MiniStack's URL. `folder` keeps the logs."""

    name: str
    aws: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Of commands: this machine's AWS and no other, whatever the user's own settings are."""
        return {
            "PATH": search_path(),
            "HOME": str(self.folder),
            "AWS_ENDPOINT_URL": self.aws,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "CI": "true",
        }

    def bootstrap(self, assembly: Path) -> None:
        self._cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}", "--app", str(assembly))

    def deploy(self, assembly: Path) -> "Service":
        outputs = self.folder / "outputs.json"
        arguments = ("--require-approval", "never", "--progress", "events", "--outputs-file", str(outputs))
        self._cdk("deploy", self.name, "--app", str(assembly), *arguments)
        found = json.loads(outputs.read_text(encoding="utf-8"))[self.name]
        return Service(deployment=self, outputs=found)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.aws,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - MiniStack takes any
        )

    def log_of(self, function: str, lines: int = 15) -> str:
        """The end of its log, as CloudWatch has it."""
        logs, group = self.client("logs"), f"/aws/lambda/{self.name}-{function}"
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return f"{group}: not there"
        return "\n".join([group, *(f"  {event['message'].rstrip()}" for event in events[-lines:])])

    def _cdk(self, *arguments: str) -> None:
        run_cdk_into(self.folder / "cdk.log", arguments, environment=self.environment)


@dataclass(frozen=True, kw_only=True)
class Service:
    """`outputs` are the stack's."""

    deployment: Deployment
    outputs: Mapping[str, str]

    @property
    def url(self) -> str:
        """The API by path: names below `localhost`, as the output has it, are not known everywhere."""
        host = urlsplit(self.outputs["Url"]).hostname or ""
        return f"{self.deployment.aws}/_aws/execute-api/{host.partition('.')[0]}"

    def create_key(self) -> str:
        """By the migration function, which reaches the database as nobody outside the network does."""
        request = {"create_key": {"tenant": "default", "name": "first", "scopes": ["read", "write", "admin"]}}
        answer = self.deployment.client("lambda").invoke(
            FunctionName=f"{self.deployment.name}-migration", Payload=json.dumps(request)
        )
        payload = json.loads(answer["Payload"].read())
        if "key" not in payload:
            raise ScenarioFailed(f"the migration function made no key: {payload}")
        return str(payload["key"])


@dataclass(frozen=True, kw_only=True)
class Client:
    """Somebody with an API key."""

    service: Service
    key: str

    def get(self, path: str, **parameters: str) -> httpx.Response:
        return self._request("GET", path, params=parameters)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._request("POST", path, json=body).raise_for_status().json()

    def document(self, collection: str, key: str) -> dict[str, Any] | None:
        """None: there is none, or no such collection."""
        response = self.get(f"/v1/collections/{collection}/documents", key_prefix=key)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        found: list[dict[str, Any]] = response.raise_for_status().json()["data"]
        return next((document for document in found if document["key"] == key), None)

    def acervo(self, *arguments: str) -> Any:
        """What the command says in JSON."""
        environment = {**self.service.deployment.environment, "ACERVO_API_KEY": self.key}
        done = subprocess.run(
            [sys.executable, "-m", "app.cli.main", *arguments, "--json"],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ScenarioFailed(f"acervo {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        url = f"{self.service.url}{path}"
        return httpx.request(method, url, headers=headers, timeout=_ANSWER_SECONDS, **options)


def wait_for(what: str, look: Callable[[], T | None], *, seconds: float) -> T:
    """What `look` finds, asked again and again. Raises ScenarioFailed after that many seconds."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if found := look():
            return found
        time.sleep(_PAUSE)
    raise ScenarioFailed(f"{what}: not within {seconds:.0f} s")
