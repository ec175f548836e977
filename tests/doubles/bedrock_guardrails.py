"""InvokeGuardrailChecks and ApplyGuardrail, with simple patterns where the service has models."""

import json
import re
from collections.abc import Mapping
from math import ceil
from typing import Any, Final

from tests.doubles.aws_http import Reply
from tests.doubles.bedrock_models import Invalid
from tests.doubles.mock_answers import BLOCKED

_CATEGORIES: Final = {
    "contentFilter": ("VIOLENCE", "HATE", "SEXUAL", "MISCONDUCT", "INSULTS"),
    "promptAttack": ("JAILBREAK", "PROMPT_INJECTION", "PROMPT_LEAKAGE"),
}
_UNIT: Final = 1000  # characters
_LIKELY: Final = 0.5

_PATTERNS: Final[Mapping[str, tuple[str, ...]]] = {
    "PROMPT_INJECTION": (
        (
            r"\b(ignore|disregard|forget|override|desconsidere|esqueça)\b.{0,60}"
            r"\b(instructions?|rules?|prompt|above|instruções|regras)"
        ),
        r"\b(reply|respond|answer|say|responda|diga)\b.{0,20}\b(only|exactly|apenas|somente)\b",
        r"^\s*(system|assistant|sistema)\s*:",
        r"</?(system|instructions?|passage)[\w -]*>|<\|im_start\|>|\[/?INST\]",
        r"\b(new|novas)\b.{0,20}\b(instructions?|task|instruções|tarefa)\b",
    ),
    "JAILBREAK": (
        r"\b(DAN|jailbreak|developer mode|modo desenvolvedor)\b",
        r"\b(pretend|act as|you are now|finja|você agora é)\b",
        r"\b(no|without|sem)\b.{0,20}\b(restrictions?|limits?|filters?|restrições|filtros)\b",
    ),
    "PROMPT_LEAKAGE": (
        (
            r"\b(reveal|print|show|repeat|revele|mostre|repita)\b.{0,40}"
            r"\b(system prompt|instructions|prompt|instruções)\b"
        ),
    ),
    "VIOLENCE": (r"\b(kill|murder|bomb|matar|bomba)\b",),
    "HATE": (r"\b(hate|odeio)\b",),
    "SEXUAL": (r"\b(sex|porn|sexo)\b",),
    "MISCONDUCT": (r"\b(steal|launder|hack|roubar|lavar dinheiro)\b",),
    "INSULTS": (r"\b(idiot|stupid|idiota|burro)\b",),
}
_SENSITIVE: Final = {
    "EMAIL": r"[\w.+-]+@[\w-]+\.[\w.]+",
    "URL": r"https?://\S+",
    "IP_ADDRESS": r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    "PHONE": r"\+?\d[\d ()-]{7,}\d",
    "AWS_ACCESS_KEY": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
}


def score(category: str, text: str) -> float:
    """0 without a sign, above a half with one, near 1 with several."""
    signs = sum(bool(re.search(p, text, re.IGNORECASE | re.MULTILINE)) for p in _PATTERNS[category])
    return round(1 - 0.4**signs, 3) if signs else 0.0


def is_attack(text: str) -> bool:
    return any(score(category, text) > _LIKELY for category in _CATEGORIES["promptAttack"])


def checks(body: bytes) -> Reply:
    request = json.loads(body)
    messages, asked = request.get("messages"), request.get("checks")
    if not messages or not asked:
        raise Invalid("1 validation error detected: Value at 'messages' or 'checks' must not be empty")
    texts = [block["text"] for message in messages for block in message["content"]]
    if not all(texts):
        raise Invalid(
            "1 validation error detected: Value at 'messages.content.text' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1"
        )
    units = sum(ceil(len(text) / _UNIT) for text in texts)
    answer = {
        "results": {name: _result(name, config, messages) for name, config in asked.items()},
        "usage": {name: {"textUnits": units} for name in asked},
    }
    return Reply(body=json.dumps(answer).encode())


def _result(name: str, config: Mapping[str, Any], messages: list[Any]) -> dict[str, Any]:
    if name == "sensitiveInformation":
        return _sensitive([entity["type"] for entity in config["entities"]], messages)
    if name not in _CATEGORIES:
        raise Invalid(f"1 validation error detected: Value at 'checks.{name}' is not known")
    text = "\n".join(block["text"] for message in messages for block in message["content"])
    categories = [entry["category"] for entry in config["categories"]]
    if not categories or not {*categories} <= {*_CATEGORIES[name]}:
        raise Invalid(f"1 validation error detected: Value at 'checks.{name}.categories' is not valid")
    return {"results": [{"category": c, "severityScore": score(c, text)} for c in categories]}


def _sensitive(types: list[str], messages: list[Any]) -> dict[str, Any]:
    results = [
        {
            "type": kind,
            "confidenceScore": 0.9,
            "beginOffset": found.start(),
            "endOffset": found.end(),
            "messageIndex": message_index,
            "contentIndex": content_index,
        }
        for message_index, message in enumerate(messages)
        for content_index, block in enumerate(message["content"])
        for kind in types
        for found in re.finditer(_SENSITIVE.get(kind, r"(?!)"), block["text"])
    ]
    return {"results": results, "truncated": False}


def apply(body: bytes) -> Reply:
    """Any guardrail exists, and blocks prompt attacks in what goes in."""
    request = json.loads(body)
    if request.get("source") not in ("INPUT", "OUTPUT") or not request.get("content"):
        raise Invalid("1 validation error detected: Value at 'source' or 'content' is not valid")
    text = "\n".join(block["text"]["text"] for block in request["content"] if "text" in block)
    blocked = request["source"] == "INPUT" and is_attack(text)
    units = ceil(len(text) / _UNIT)
    answer = {
        "action": "GUARDRAIL_INTERVENED" if blocked else "NONE",
        "outputs": [{"text": BLOCKED}] if blocked else [],
        "assessments": [{"contentPolicy": {"filters": [_ATTACK]}}] if blocked else [],
        "usage": {**dict.fromkeys(_POLICY_UNITS, 0), "contentPolicyUnits": units},
    }
    return Reply(body=json.dumps(answer).encode())


_ATTACK: Final = {"type": "PROMPT_ATTACK", "confidence": "HIGH", "action": "BLOCKED", "detected": True}
_POLICY_UNITS: Final = (
    "topicPolicyUnits",
    "contentPolicyUnits",
    "wordPolicyUnits",
    "sensitiveInformationPolicyUnits",
    "sensitiveInformationPolicyFreeUnits",
    "contextualGroundingPolicyUnits",
)
