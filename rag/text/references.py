"""Runs of text that are read as one: numbers with their signs and units, citations of law, dates."""

import re

_SPACE = r"[^\S\n]{0,3}\n?[^\S\n]{0,3}"
_NUMBER = (
    r"(?:(?:R\$|US\$|[$€£¥])[^\S\n]?)?\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)[^\s]{0,40}"
    r"|(?:R\$|US\$|[$€£¥])[^\S\n]?\d[^\s]{0,40}(?:[^\S\n](?:mil|milh(?:ão|ões)|bilh(?:ão|ões)|[mb]illion)\b)?"
    r"|\d[\d.,]{0,40}[^\S\n](?:%|mil\b|milh(?:ão|ões)\b|bilh(?:ão|ões)\b|[mb]illion\b)[^\s]{0,10}"
)
_ORDINAL = r"\d{1,6}(?:\.\d{3})*[ºª°]?(?:-[A-Z]\b)?"
_ROMAN = r"[IVXLC]{1,7}\b"
_PART = (
    rf"(?:§§?{_SPACE}{_ORDINAL}|par[áa]grafo{_SPACE}(?:único|{_ORDINAL})|par\.{_SPACE}{_ORDINAL}"
    rf"|inc(?:isos?|s?\.){_SPACE}{_ROMAN}|al(?:[íi]neas?|\.){_SPACE}[\"“'‘]?[a-z]\b[\"”'’]?|caput\b|{_ROMAN})"
)
_MONTH = r"[a-zç]{3,12}"
_LAW = (
    r"(?:Lei(?:[^\S\n](?:Complementar|Federal|Estadual|Municipal))?|LC|MP|EC|Decreto(?:-Lei)?|Medida[^\S\n]Provisória"
    r"|Resolução|Portaria|Emenda[^\S\n]Constitucional|Instrução[^\S\n]Normativa|Súmula(?:[^\S\n]Vinculante)?)"
    rf"{_SPACE}(?:(?:n[º°o]|n\.[º°o]?|Nº){_SPACE})?\d[\d.]{{0,12}}(?:[/-]\d{{2,4}})?"
    rf"(?:,{_SPACE}de{_SPACE}\d{{1,2}}[º°]?{_SPACE}de{_SPACE}{_MONTH}{_SPACE}de{_SPACE}\d{{4}})?"
)
_RANGE = rf"(?:{_SPACE}(?:e|a|and|to){_SPACE}{_ORDINAL}\b)?"
_ARTICLE = (
    rf"(?:[Aa]rts?\.|[Aa]rtigos?|§§?|[Pp]ar[áa]grafo){_SPACE}(?:{_ORDINAL}{_RANGE}|único)"
    rf"(?:,?{_SPACE}(?:e{_SPACE})?{_PART}){{0,8}}(?:,?{_SPACE}d[aoe]{_SPACE}(?:{_LAW}|[A-Z]{{2,5}}(?:/\d{{2,4}})?\b))?"
)
_STATUTE = (
    rf"\d{{1,3}}{_SPACE}(?:U\.S\.C?\.|C\.F\.R\.|F\.(?:2d|3d)|S\.{_SPACE}Ct\.){_SPACE}(?:§§?{_SPACE})?\d{{1,6}}"
    r"[\w.()-]{0,30}"
    rf"|(?:Sections?|Secs?\.|Articles?){_SPACE}\d{{1,5}}[\w.()-]{{0,30}}"
)
_DATE = rf"\d{{1,2}}[º°]?{_SPACE}de{_SPACE}{_MONTH}{_SPACE}de{_SPACE}\d{{4}}"
_NUMBERED = (
    r"(?:n[º°]|n\.[º°]?|Nº|No\.|nos\.|[Pp]ágs?\.|pp?\.|[Ff]ls?\.|[Ff]igs?\.|[Vv]ols?\.)"
    rf"{_SPACE}\d[^\s]{{0,40}}"
)

# Every repetition is bounded: a search takes time in proportion to the text.
REFERENCE = re.compile(rf"(?<!\w)(?:{_ARTICLE}|{_LAW}|{_STATUTE}|{_DATE}|{_NUMBERED}|{_NUMBER})")
