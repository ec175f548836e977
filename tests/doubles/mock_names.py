"""A fake generative model's behaviour, read from its name: `mock-misquotes-ttft500-itl20-len400`."""

import re
from dataclasses import dataclass, replace
from typing import Final

BEHAVIOURS: Final = (
    "grounded",
    "uncited",
    "misquotes",
    "obedient",
    "empty",
    "refuses",  # stops by content filter
    "guarded",  # stops by guardrail
    "exceeds-window",  # stops in the middle: the window is full
    "malformed-json",
    "malformed-output",  # stops with malformed_model_output
    "fails-midstream",
    "hangs-up",  # in the middle of the text
    "stalls",  # in the middle of the text
    "silent",  # never says its first word
    "overflow",
    "throttles",
    "unavailable",
    "starting",
    "asleep",
    "broken",  # answers every request with an error of its own
    "overloaded",
)
EXCEPTIONS: Final = {
    "model": "modelStreamErrorException",
    "internal": "internalServerException",
    "validation": "validationException",
    "throttling": "throttlingException",
    "unavailable": "serviceUnavailableException",
}
CLAUDE_WINDOW: Final = 200_000

_PROFILE: Final = r"(?P<profile>(?:us|eu|global|apac|au|jp)\.)?"
_BEHAVIOUR: Final = "|".join(sorted(BEHAVIOURS, key=len, reverse=True))
_MODIFIER: Final = re.compile(
    r"-(?:(?P<name>ttft|itl|len|window|retry|wakes)(?P<number>\d+)|as-(?P<exception>"
    + "|".join(EXCEPTIONS)
    + r")|(?P<flag>true|citeslast|dotless|inband))"
)
_MODIFIERS: Final = re.sub(r"\?P<[a-z]+>", "?:", _MODIFIER.pattern)
_MOCK: Final = re.compile(
    rf"{_PROFILE}(?P<vendor>(?:amazon|meta)\.)?mock(?:-(?P<behaviour>{_BEHAVIOUR}))?"
    rf"(?P<modifiers>(?:{_MODIFIERS})*)"
)
_CLAUDE: Final = re.compile(rf"{_PROFILE}anthropic\.claude-(?:haiku|sonnet|opus)-5-5")
_OTHER: Final = re.compile(
    rf"{_PROFILE}(?:amazon\.nova-(?:2-)?(?:micro|lite|pro)-v\d:0|meta\.llama[34]-[a-z0-9-]+-v1:0)"
)


@dataclass(frozen=True, kw_only=True)
class MockModel:
    """`claude`: it cites searchResult blocks itself, and refuses what Claude 5.5 refuses.

    `token_interval` and `first_token` are seconds. `length`: tokens of the answer; None: as it comes.
    `true_too`: misquotes come after one true quote. `cites_last`: a block's citation follows its text.
    `dotless`: a sentence's last sign stands outside its cited block. `wakes`: that many requests find it
    starting or asleep, then it answers. `in_band`: what refuses a request comes as its stream's one event.
    """

    id: str
    behaviour: str = "grounded"
    claude: bool = True
    first_token: float = 0.0
    token_interval: float = 0.0
    length: int | None = None
    window: int = CLAUDE_WINDOW
    retry_after: str | None = None
    exception: str = EXCEPTIONS["model"]
    true_too: bool = False
    cites_last: bool = False
    dotless: bool = False
    wakes: int | None = None
    in_band: bool = False


def model_named(model_id: str) -> MockModel | None:
    """None: no model has this name. A Claude without the profile's prefix is a model, not a name."""
    name = model_id.rpartition("/")[2] if model_id.startswith("arn:") else model_id
    if _CLAUDE.fullmatch(name):
        return MockModel(id=model_id)
    if _OTHER.fullmatch(name):
        return MockModel(id=model_id, claude=False)
    found = _MOCK.fullmatch(name)
    return _mock(found, model_id) if found else None


def endpoint_named(name: str) -> tuple[str, MockModel] | None:
    """What a SageMaker endpoint serves (chat, embed, rerank) and how it behaves; None: there is none."""
    kind, _, rest = name.partition("-")
    found = _MOCK.fullmatch(f"mock-{rest}" if rest else "mock")
    if kind not in ("chat", "embed", "rerank") or found is None:
        return None
    return kind, replace(_mock(found, name), claude=False)


def _mock(found: re.Match[str], model_id: str) -> MockModel:
    numbers, flags, exception = {}, set(), "model"
    for modifier in _MODIFIER.finditer(found["modifiers"]):
        if modifier["name"]:
            numbers[modifier["name"]] = int(modifier["number"])
        exception = modifier["exception"] or exception
        flags.add(modifier["flag"])
    return MockModel(
        id=model_id,
        behaviour=found["behaviour"] or "grounded",
        claude=found["vendor"] is None,
        first_token=numbers.get("ttft", 0) / 1000,
        token_interval=numbers.get("itl", 0) / 1000,
        length=numbers.get("len"),
        window=numbers.get("window", CLAUDE_WINDOW),
        retry_after=str(numbers["retry"]) if "retry" in numbers else None,
        exception=EXCEPTIONS[exception],
        true_too="true" in flags,
        cites_last="citeslast" in flags,
        dotless="dotless" in flags,
        wakes=numbers.get("wakes"),
        in_band="inband" in flags,
    )


def needs_profile(model_id: str) -> bool:
    """Current Claude models are reached through inference profiles only."""
    found = _CLAUDE.fullmatch(model_id)
    return found is not None and found["profile"] is None
