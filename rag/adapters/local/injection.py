"""Passages that read like orders to a model, told by what such orders have in common."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# In the six languages of the interface. Each was written from what attacks are known to say (OWASP LLM01),
# and looked at with BIPIA's training attacks; `python -m bench.injection` reports on the test attacks.
_DROP: Final = (
    r"(?:ignore|disregard|forget|override|bypass|skip|ignor[ae]r?|desconsider[ea]r?|esque[çc]a|olvid[ae]|"
    r"ignorez|oubliez?|ignoriere?n?|vergi(?:ss|ß)|ignorate?|dimentica)"
)
_ORDERS: Final = (
    r"(?:instructions?|prompts?|rules?|directions?|commands?|guidelines?|context|question|"
    r"instru[çc](?:ões|oes|ão|ao)|regras?|ordens|pergunta|contexto|instrucciones|reglas|órdenes|consignes|règles|"
    r"anweisungen|regeln|istruzioni|regole)"
)
# "Never ignore the rules" is an order of every manual, and none to a model.
_NOT_FORBIDDEN: Final = r"(?<!not )(?<!n't )(?<!never )(?<!não )(?<!nunca )(?<!jamais )"
# How those who want a text dropped speak of it; a manual names its own rules otherwise.
_ALL_BEFORE: Final = (
    r"(?:all|any|every|everything|previous|prior|above|earlier|preceding|your|system|tod[oa]s?|tudo|quaisquer|"
    r"anterior(?:es)?|acima|pr[ée]vi[oa]s?|su[ao]s|tus|tout(?:es)?|précédente?s|alle|vorherigen|tutt[ei]|"
    r"precedenti)"
)
# "Disregard this notice and reply to us."
_THIS_ONE: Final = r"(?:this|that|these|est[ea]s?|ess[ea]s?)"
_ORDINARY_ROLE: Final = (
    r"(?:customer|client|member|subscriber|user|owner|guest|part|cliente|membro|assinante|usuário|sócio)"
)
_REPLY: Final = r"(?:response|answer|reply|output|resposta|respuesta|réponse|antwort|risposta)"
_SAY: Final = (
    r"(?:say|state|write|print|output|reply|respond|answer|tell|claim|diga|escreva|responda|afirme|imprima|di|"
    r"escribe|responde|dis|dites|écris|écrivez|réponds|répondez|sage|schreibe?|antworte|scrivi|rispondi)"
)
_YOUR: Final = r"(?:your|the\s+user'?s?|sua|tua|tu|su|votre|ta|deiner|ihrer)"
_ADD: Final = (
    r"(?:add|append|attach|insert|adicione|acrescente|inclua|añade|agrega|ajoute[rz]?|füge|aggiungi)"
)
_FORGETTING: Final = [
    "ignor",
    "disregard",
    "forget",
    "overrid",
    "bypass",
    "skip",
    "desconsider",
    "esque",
    "olvid",
    "oubli",
    "vergi",
    "dimentica",
]
_REPLIES: Final = [
    "response",
    "answer",
    "reply",
    "output",
    "resposta",
    "respuesta",
    "réponse",
    "antwort",
    "risposta",
]
_EXCLUSIVE: Final = [
    "only",
    "exactly",
    "exatamente",
    "apenas",
    "somente",
    "só",
    "solo",
    "únicamente",
    "uniquement",
    "nur",
    "soltanto",
]
_TURNING: Final = [
    "you are",
    "you're",
    "você",
    "eres",
    "tu es",
    "du bist",
    "sei ",
    "act as",
    "act now",
    "behave as",
    "behave now",
    "aja",
    "actúa",
    "agis",
    "comporte-se",
]
_RULES: Final = [
    "instruc",
    "instruç",
    "prompt",
    "rule",
    "direction",
    "command",
    "guideline",
    "context",
    "question",
    "regra",
    "ordens",
    "pergunta",
    "regla",
    "órdenes",
    "consigne",
    "règle",
    "anweisung",
    "regel",
    "istruzion",
    "regole",
]


@dataclass(frozen=True, kw_only=True)
class _Order:
    """`signs`: the pattern is not found in a text without one of them, in small letters, one space a gap.

    Looking for them first takes a tenth of the time: most texts have none.
    """

    signs: Sequence[str]
    pattern: re.Pattern[str]

    def found_in(self, text: str, plain: str) -> bool:
        return any(sign in plain for sign in self.signs) and self.pattern.search(text) is not None


def _order(signs: Sequence[str], pattern: str) -> _Order:
    return _Order(signs=signs, pattern=re.compile(pattern, re.IGNORECASE | re.MULTILINE))


_ORDERS_KNOWN: Final = (
    _order(_FORGETTING, rf"{_NOT_FORBIDDEN}\b{_DROP}\b(?=.{{0,80}}\b{_ALL_BEFORE}\b).{{0,60}}\b{_ORDERS}\b"),
    _order(
        _FORGETTING,
        rf"{_NOT_FORBIDDEN}\b(?!skip\b){_DROP}\b(?!\s+{_THIS_ONE}\b).{{0,80}}\b(?:and|but|e|y|et|und)\b"
        rf".{{0,20}}\b{_SAY}\b",
    ),
    _order(_REPLIES, rf"\b(?:in|into|within|na|em|dans|en|nella)\s+{_YOUR}\s+{_REPLY}s?\b"),
    _order(_REPLIES, rf"\b{_ADD}\b.{{0,120}}\b(?:to|with|à|a|al|con|avec|zu|alla)\s+{_YOUR}\s+{_REPLY}s?\b"),
    _order(
        _REPLIES,
        rf"\b(?:your|sua|tua|votre|deine|ihre)\s+(?:\w+\s+)?{_REPLY}s?\s+"
        r"(?:must|should|shall|deve|debe|doit|muss|soll|in\b|with\b|to\b|as\b|using\b)",
    ),
    _order(
        _REPLIES,
        r"\b(?:enhance|alter|modify|change|format|provide|present|render|encode|translate|rearrange|reverse|"
        r"altere|modifique|mude|formate|codifique|traduza|reescreva|inverta)\s+"
        rf"(?:\w+\s+){{0,4}}(?:your|sua)\s+{_REPLY}\b",
    ),
    _order(
        _EXCLUSIVE,
        rf"\b{_SAY}\s+(?:only|exactly|apenas|somente|só|exatamente|solo|únicamente|uniquement|nur|soltanto)"
        r"\s*(?:[:\"“«']|\b(?:with|by|using|com|con|avec|mit)\b)",
    ),
    _order(
        _TURNING,
        r"(?:\b(?:you\s+are|you're|você\s+é|você|eres|tu\s+es|du\s+bist|sei)"
        r"|(?:^|[.!?:]\s+|\b(?:please|must|should)\s+)(?:act|behave|aja|comporte-se|actúa|agis))\s+"
        r"(?:(?:now|agora|ahora|maintenant|jetzt|ora)\b(?:\s+é)?"
        rf"(?=\s+(?:an?|the|in|as|uma?|o|una?|une|eine?|[A-Z]{{2,}})\s+(?!(?:\w+\s+)?{_ORDINARY_ROLE}\b))"
        r"|(?:as\s+(?:a|an|the)|como|comme)\b)",
    ),
    _order(
        _RULES,
        r"\b(?:new|updated|real|hidden|novas?|nuevas?|nouvelles?|neue|nuove)\s+(?:system\s+)?"
        r"(?:instructions?|prompts?|instruções|ordens|instrucciones|órdenes|consignes|anweisungen|istruzioni)\s*:",
    ),
    _order(
        [
            "system prompt",
            "your instructions",
            "your prompt",
            "your rules",
            "suas instruções",
            "prompt do sistema",
        ],
        r"\b(?:reveal|print|show|repeat|leak|revele|mostre|repita|revela|muestra|révèle|zeige|rivela)\b.{0,40}"
        r"\b(?:system\s+prompt|your\s+(?:instructions|prompt|rules)|suas\s+instruções|prompt\s+do\s+sistema)",
    ),
    _order(
        ["<|", "inst]", "sys>>", "system", "assistant", "instruction"],
        r"<\|[a-z_]+\|>|\[/?INST\]|<</?SYS>>|^[^\S\n]*#+\s*(?:system|instruction)s?\s*:?\s*$"
        r"|^[^\S\n]*(?:system|assistant)\s*:",
    ),
)


class InjectionPatterns:
    """A sign for readers and logs, not a wall: what it does not know, it does not see."""

    def suspicious(self, texts: Sequence[str]) -> tuple[bool, ...]:
        return tuple(map(_gives_orders, texts))


def _gives_orders(text: str) -> bool:
    plain = " ".join(text.lower().split())
    return any(order.found_in(text, plain) for order in _ORDERS_KNOWN)
