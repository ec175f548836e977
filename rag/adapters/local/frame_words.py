"""Words that ask rather than name what is asked about, a list a language.

"What is the meaning of X", "o que acontece quando X": passages that answer seldom repeat them.
"""

FRAME_WORDS = {
    "en": (
        "about according allow allowed called came cause caused causes come comes current currently "
        "define definition describe did difference different do does done due example examples exist "
        "exists explain find found function get gets give given gives happen happened happens have "
        "important kind kinds like list main many mean meaning means meant mention mentioned much name "
        "named names need purpose reason reasons regard regarding role show specific start started "
        "statement take takes tell two type types use used uses way ways work works"
    ),
    "es": (
        "causa causas consiste cuesta cómo debe debo definición diferencia ejemplo existe existen explica "
        "explique funciona función llama llamado nombre ocurre pasa permite permitido posible puede puedo "
        "significa significado sirve tiene tipo tipos usa"
    ),
    "pt": (
        "acontece aconteceu cabe cabem causa causas chama chamado consiste custa custam define definido "
        "definição deve devem devo diferente diferença exemplo exemplos existe existem explica explique "
        "faz fazer fica ficam forma funciona funcionam função lista motivo nome nomes ocorre ocorreu "
        "permite permitido pode podem posso possível precisa preciso principais principal razão serve "
        "servem significa significado tem tipo tipos têm usa usada usado usar"
    ),
}
