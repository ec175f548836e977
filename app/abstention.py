"""What is said, in the question's language, where no answer can be given."""

INSUFFICIENT_EVIDENCE = {
    "de": "Die Dokumente enthalten keine Antwort auf diese Frage.",
    "en": "The documents do not hold an answer to this question.",
    "es": "Los documentos no contienen una respuesta a esta pregunta.",
    "fr": "Les documents ne contiennent pas de réponse à cette question.",
    "it": "I documenti non contengono una risposta a questa domanda.",
    "pt": "Os documentos não contêm uma resposta para esta pergunta.",
}

DISTRUSTED = {
    "de": "Die Dokumente sprechen davon nur in Passagen, die wie Befehle an ein Modell klingen. "
    "Aus diesen allein wird keine Antwort gemacht.",
    "en": "The documents speak of this only in passages that read like orders to a model. "
    "No answer is made of those alone.",
    "es": "Los documentos solo hablan de esto en pasajes que parecen dar órdenes a un modelo. "
    "No se hace ninguna respuesta solo con ellos.",
    "fr": "Les documents n'en parlent que dans des passages qui semblent donner des ordres à un modèle. "
    "Aucune réponse n'est faite de ceux-là seuls.",
    "it": "I documenti ne parlano solo in passaggi che sembrano dare ordini a un modello. "
    "Nessuna risposta è fatta solo di quelli.",
    "pt": "Os documentos só falam disso em trechos que parecem dar ordens a um modelo. "
    "Nenhuma resposta é feita só deles.",
}

REFUSED = {
    "de": "Das Modell hat die Antwort verweigert.",
    "en": "The model refused to answer.",
    "es": "El modelo se negó a responder.",
    "fr": "Le modèle a refusé de répondre.",
    "it": "Il modello ha rifiutato di rispondere.",
    "pt": "O modelo recusou-se a responder.",
}


def insufficient_evidence(language: str) -> str:
    return INSUFFICIENT_EVIDENCE.get(language, INSUFFICIENT_EVIDENCE["en"])


def refused(language: str) -> str:
    return REFUSED.get(language, REFUSED["en"])


def distrusted(language: str) -> str:
    return DISTRUSTED.get(language, DISTRUSTED["en"])
