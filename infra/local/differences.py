"""Where the stack on this machine differs from the one on AWS, each difference with its reason."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import quote

Template: TypeAlias = dict[str, Any]

# What the emulator cannot make, and nothing else here needs: it has no network to guard or to log.
_UNKNOWN: Final = frozenset(
    {"AWS::EC2::FlowLog", "AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress"}
)
_LAMBDA: Final = "AWS::Lambda::Function"
_VISIBILITY_SECONDS: Final = 20
_USER: Final = re.compile(r"postgresql://(\w+)@")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What this machine has in place of AWS's services.

    `aws` and `bedrock` are URLs; `socket_directory` is where PostgreSQL listens, `password` that of
    every user.
    """

    aws: str
    bedrock: str
    socket_directory: str
    password: str

    def database_url(self, user: str) -> str:
        return (
            f"postgresql://{user}:{quote(self.password)}@/acervo?host={quote(self.socket_directory, safe='')}"
        )


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`apply` changes the template in place."""

    what: str
    why: str
    apply: Callable[[Template, Surroundings], None]


def _drop_unknown(template: Template, _: Surroundings) -> None:
    resources = template["Resources"]
    dropped = {name for name, resource in resources.items() if resource["Type"] in _UNKNOWN}
    for name in dropped:
        del resources[name]
    for resource in resources.values():
        waited = resource.pop("DependsOn", [])
        if kept := [name for name in _listed(waited) if name not in dropped]:
            resource["DependsOn"] = kept


def _run_by_bootstrap(template: Template, _: Surroundings) -> None:
    for function in _python_functions(template):
        function |= {"Runtime": "provided.al2023", "Architectures": ["x86_64"]}


def _use_this_database(template: Template, surroundings: Surroundings) -> None:
    for variables in _environments(template):
        if "DATABASE_URL" in variables:
            user = _USER.search(str(variables["DATABASE_URL"]))
            if user is None:
                raise ValueError(f"DATABASE_URL names no user: {variables['DATABASE_URL']}")
            variables["DATABASE_URL"] = surroundings.database_url(user[1])
            variables["ACERVO_DATABASE_LOGIN"] = "password"


def _call_this_machine(template: Template, surroundings: Surroundings) -> None:
    for variables in _environments(template):
        variables["AWS_ENDPOINT_URL"] = surroundings.aws
        variables["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = surroundings.bedrock


def _try_again_soon(template: Template, _: Surroundings) -> None:
    for queue in _properties(template, "AWS::SQS::Queue"):
        if "VisibilityTimeout" in queue:
            queue["VisibilityTimeout"] = _VISIBILITY_SECONDS


def _write_out_metric(template: Template, _: Surroundings) -> None:
    for alarm in _properties(template, "AWS::CloudWatch::Alarm"):
        if metrics := alarm.pop("Metrics", None):
            if len(metrics) != 1 or "MetricStat" not in metrics[0]:
                raise ValueError(f"{alarm.get('AlarmName')} reckons with metrics, which MiniStack cannot")
            statistic = metrics[0]["MetricStat"]
            watched = {"Period": statistic["Period"], "Statistic": statistic["Stat"]}
            alarm.update(statistic["Metric"], **watched)


DIFFERENCES: Final = (
    Difference(
        what="VPC flow log and separate security group rules are left out",
        why="MiniStack has no such resources, and there is no network here to guard",
        apply=_drop_unknown,
    ),
    Difference(
        what="functions are the bundles' x86-64 twins, started by awslambdaric through provided.al2023",
        why="MiniStack runs python3.13 in its own interpreter, with its own packages beside the bundle",
        apply=_run_by_bootstrap,
    ),
    Difference(
        what="DATABASE_URL is the embedded PostgreSQL, with a password and without TLS",
        why="MiniStack keeps an RDS instance as a record only; it signs no IAM logins that PostgreSQL checks",
        apply=_use_this_database,
    ),
    Difference(
        what="functions call MiniStack for AWS and the fake server for Bedrock",
        why="nothing leaves this machine",
        apply=_call_this_machine,
    ),
    Difference(
        what="an alarm on one metric names it directly, not as a list of one",
        why="MiniStack takes alarms in that form only",
        apply=_write_out_metric,
    ),
    Difference(
        what=f"a message that failed comes back after {_VISIBILITY_SECONDS} s, not after half an hour",
        why="the dead-letter queue would be reached after two and a half hours",
        apply=_try_again_soon,
    ),
)

# What is the same in the template, and of which a run here says nothing.
UNTRIED: Final = (
    "permissions, the network and TLS: MiniStack lets everyone do everything here",
    "the stream's partial failures, bisecting and on-failure queue: MiniStack goes on to the next record",
    "login by IAM, alarms that go off, the Arm processor",
)


def transform(template: Template, surroundings: Surroundings) -> None:
    """In place."""
    for difference in DIFFERENCES:
        difference.apply(template, surroundings)


def _python_functions(template: Template) -> Iterator[dict[str, Any]]:
    return (each for each in _properties(template, _LAMBDA) if each["Runtime"].startswith("python"))


def _environments(template: Template) -> Iterator[dict[str, Any]]:
    return (each["Environment"]["Variables"] for each in _python_or_provided(template))


def _python_or_provided(template: Template) -> Iterator[dict[str, Any]]:
    ours = ("python", "provided")
    return (each for each in _properties(template, _LAMBDA) if each["Runtime"].startswith(ours))


def _properties(template: Template, type_: str) -> Iterator[dict[str, Any]]:
    return (
        resource["Properties"] for resource in template["Resources"].values() if resource["Type"] == type_
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
