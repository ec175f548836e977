"""A synthesized template, asked in CloudFormation's terms."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Template:
    path: Path
    content: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(path, json.loads(path.read_text(encoding="utf-8")))

    def resources(self, type_: str) -> dict[str, Any]:
        """Properties by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.content["Resources"].items()
            if resource["Type"] == type_
        }

    def only(self, type_: str) -> Any:
        (found,) = self.resources(type_).values()
        return found

    def function(self, name: str) -> Any:
        found = self.resources("AWS::Lambda::Function").values()
        return next(properties for properties in found if properties.get("FunctionName") == name)

    def environment(self, name: str) -> dict[str, Any]:
        variables: dict[str, Any] = self.function(name)["Environment"]["Variables"]
        return variables

    def statements(self, name: str) -> Iterator[Any]:
        """Of the policies of a function's role."""
        role = self.function(name)["Role"]["Fn::GetAtt"][0]
        for policy in self.resources("AWS::IAM::Policy").values():
            if {"Ref": role} in policy["Roles"]:
                yield from policy["PolicyDocument"]["Statement"]

    def allowed(self, name: str, action: str) -> list[str]:
        """The resources that a function's role allows an action on, references in angle brackets."""
        found = []
        for statement in self.statements(name):
            if statement["Effect"] == "Allow" and action in listed(statement["Action"]):
                found += [text(resource) for resource in listed(statement["Resource"])]
        return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """What CloudFormation would put together, references by name in angle brackets."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(text, parts))
        case {"Fn::GetAtt": [logical_id, attribute]}:
            return f"<{logical_id}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
    return str(value)
