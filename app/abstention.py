"""What is said, in the question's language, where no answer can be given."""

INSUFFICIENT_EVIDENCE = {
    "de": "Die Dokumente enthalten keine Antwort auf diese Frage.",
    "en": "The documents do not hold an answer to this question.",
    "es": "Los documentos no contienen una respuesta a esta pregunta.",
    "fr": "Les documents ne contiennent pas de réponse à cette question.",
    "it": "I documenti non contengono una risposta a questa domanda.",
    "pt": "Os documentos não contêm uma resposta para esta pergunta.",
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
