"""Words that ask rather than name what is asked about, a list a language.

"What is the meaning of X", "o que acontece quando X": passages that answer seldom repeat them.
"""

FRAME_WORDS = {
    "en": (
        "about allow allowed called came cause caused causes come comes define definition describe did "
        "difference different do does done due example examples exist exists explain find found function get "
        "gets give given gives happen happened happens have important kind kinds like list main many mean "
        "meaning means meant much name named names need purpose reason reasons role show start started take "
        "takes tell two type types use used uses way ways work works"
    ),
    "es": (
        "acontece causa causas cómo consiste cuesta debe debo definición diferencia ejemplo existe existen "
        "explica explique función funciona llama llamado nombre ocurre pasa permite permitido posible puede "
        "puedo significa significado sirve tiene tipo tipos usa"
    ),
    "pt": (
        "acontece aconteceu cabe cabem causa causas chama chamado consiste custa custam define definição "
        "definido deve devem devo diferença diferente exemplo exemplos existe existem explica explique faz "
        "fazer fica ficam forma função funciona funcionam lista motivo nome nomes ocorre ocorreu permite "
        "permitido pode podem posso possível precisa preciso principais principal razão serve servem "
        "significa significado tem têm tipo tipos usa usada usado usar"
    ),
}
