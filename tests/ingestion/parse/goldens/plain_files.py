"""Plain text in several encodings, Markdown and HTML."""

from collections.abc import Callable

from tests.ingestion.parse.goldens.golden import Golden

_DECREE = (
    "DECRETO Nº 1.234, DE 5 DE MARÇO DE 2024\n\n"
    "Art. 1º Fica instituída a política de gestão de resíduos.\n\n"
    "§ 2º A multa é de R$ 1.234,56 por infração, conforme o art. 5º.\n\n"
    "Brasília, 5 de março de 2024; 203º da Independência.\n"
)
_DECREE_PRESENT = (
    "DECRETO Nº 1.234",
    "Fica instituída a política de gestão de resíduos.",
    "R$ 1.234,56 por infração",
    "203º da Independência",
)
_RECIPE = """---
title: Pão de queijo
tags: [mineiro, forno]
---

# Pão de queijo

Rende *30* unidades. Veja também o [curau](https://example.org/curau).

## Ingredientes

- 500 g de polvilho
  - doce ou azedo
- 2 ovos

1. Ferva o leite.
2. Misture o polvilho.

| Etapa | Minutos |
|-------|--------:|
| Forno | 25      |
| Massa | 10      |

```python
temperatura = 180  # graus
```

<!-- lembrete: revisar -->
"""
_NEWS = """<!doctype html><html lang="en"><head><title>Bridge reopens | The Courier</title>
<script>var tracking = "do not index";</script><style>.x{color:red}</style></head><body>
<nav><a href="/">Home</a> <a href="/sport">Sport</a></nav>
<header class="site">The Courier since 1890</header>
<main><article><h1>Bridge reopens after repairs</h1>
<p>The old bridge was reopened on <b>Mon</b>day, two weeks early.</p>
<h2>What was done</h2><ul><li>New cables<ul><li>48 in all</li></ul></li><li>Fresh paint</li></ul>
<p style="display:none">hidden teaser</p>
<table><thead><tr><th>Item</th><th>Cost</th></tr></thead><tbody>
<tr><td>Cables</td><td>&pound;1,200</td></tr><tr><td>Paint</td><td>&pound;300</td></tr></tbody></table>
</article></main><footer>Copyright notice</footer></body></html>"""
_MERGED = """<html><body><h1>Vendas</h1><table>
<tr><th rowspan="2">Região</th><th colspan="2">2023</th><th colspan="2">2024</th></tr>
<tr><th>1º sem.</th><th>2º sem.</th><th>1º sem.</th><th>2º sem.</th></tr>
<tr><td>Norte</td><td>10</td><td>20</td><td>30</td><td>40</td></tr>
<tr><td>Sul</td><td>11</td><td>21</td><td>31</td><td>41</td></tr></table></body></html>"""


def encoded(text: str, encoding: str) -> Callable[[], bytes]:
    return lambda: text.encode(encoding)


def _decree(name: str, encoding: str) -> Golden:
    return Golden(name=name, make=encoded(_DECREE, encoding), present=_DECREE_PRESENT, absent=("Ã", "�"))


GOLDENS = (
    _decree("decreto-utf8.txt", "utf-8"),
    _decree("decreto-utf8-bom.txt", "utf-8-sig"),
    _decree("decreto-latin1.txt", "latin-1"),
    _decree("decreto-utf16.txt", "utf-16"),
    _decree("decreto-utf16-le-sem-marca.txt", "utf-16-le"),
    Golden(
        name="letter-cp1252.txt",
        make=encoded("Dear Sir,\r\n\r\nThe price is €20 – “final”.\r\n\r\nYours,\r\nA. Smith", "cp1252"),
        text="Dear Sir,\n\nThe price is €20 – “final”.\n\nYours,\nA. Smith",
    ),
    Golden(
        name="lista.txt",
        make=encoded("Compras:\n- arroz\n- feijão\n- café\n", "utf-8"),
        items=("arroz", "feijão", "café"),
    ),
    Golden(
        name="ligatures.txt",
        make=encoded("The oﬃce ﬁles\u00a0are in the ﬂat. so\u00adft\n", "utf-8"),
        text="The office files are in the flat. soft",
    ),
    Golden(name="vazio.txt", make=encoded(" \n\t\n", "utf-8"), code="empty"),
    Golden(
        name="receita.md",
        make=encoded(_RECIPE, "utf-8"),
        title="Pão de queijo",
        headings=("Pão de queijo", "Ingredientes"),
        present=("Rende 30 unidades.", "curau", "polvilho", "Ferva o leite", "temperatura = 180  # graus"),
        absent=("tags:", "lembrete", "|---", "```", "](http"),
        items=("500 g de polvilho", "doce ou azedo", "2 ovos", "Ferva o leite.", "Misture o polvilho."),
        header=("Etapa", "Minutos"),
        rows=(("Forno", "25"), ("Massa", "10")),
    ),
    Golden(
        name="notes.md",
        make=encoded("Setext title\n============\n\nA paragraph\nin two lines.\n\n> A quote.\n", "utf-8"),
        headings=("Setext title",),
        present=("Setext title", "A paragraph", "in two lines.", "A quote."),
        absent=("====",),
    ),
    Golden(
        name="news.html",
        make=encoded(_NEWS, "utf-8"),
        headings=("Bridge reopens after repairs", "What was done"),
        present=("reopened on Monday, two weeks early", "New cables", "48 in all", "Fresh paint"),
        absent=("do not index", "color:red", "Sport", "hidden teaser", "Copyright notice", "since 1890"),
        items=("New cables", "48 in all", "Fresh paint"),
        header=("Item", "Cost"),
        rows=(("Cables", "£1,200"), ("Paint", "£300")),
    ),
    Golden(
        name="tabela-mesclada.html",
        make=encoded(_MERGED, "utf-8"),
        header=("Região", "2023", "1º sem.", "2024", "2º sem."),
        rows=(("Norte", "10", "20", "30", "40"), ("Sul", "11", "21", "31", "41")),
    ),
    Golden(
        name="pagina-latin1.html",
        make=encoded(
            '<html><head><meta charset="iso-8859-1"><title>Ação</title></head>'
            "<body><p>Informação pública: são João d’Água.</p></body></html>".replace("’", "'"),
            "latin-1",
        ),
        title="Ação",
        present=("Informação pública: são João d'Água.",),
    ),
    Golden(
        name="code.html",
        make=encoded(
            "<html><h1>Loop</h1><p>Write:</p><pre><code>for i in x:\n    f(i)\n</code></pre></html>",
            "utf-8",
        ),
        present=("Write:", "for i in x:\n    f(i)"),
    ),
    Golden(
        name="script-only.html",
        make=encoded("<html><body><script>alert('x')</script></body></html>", "utf-8"),
        code="empty",
    ),
)
