"""What RTF control words mean: signs, destinations, code pages."""

import codecs

SIGNS = {
    "tab": " ",
    "line": "\n",
    "lbr": "\n",
    "emdash": "—",
    "endash": "–",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    # cells and rows of a table inside a cell
    "nestcell": " ",
    "nestrow": " ",
}
SYMBOLS = {"~": " ", "_": "-", "{": "{", "}": "}", "\\": "\\", "\t": " "}
PARAGRAPH_ENDS = frozenset({"par", "sect", "page"})
# Groups that are not the text of the document.
SKIPPED = frozenset(
    (
        *("colortbl", "info", "pict", "objdata", "datafield", "fldinst", "xe", "tc", "tcn", "rxe", "filetbl"),
        *("header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf"),
        *("pntxta", "pntxtb", "listtable", "listoverridetable", "revtbl", "rsidtbl", "nonesttables"),
        *("themedata", "colorschememapping", "latentstyles", "datastore", "xmlnstbl", "generator"),
        *("sp", "shprslt", "background", "ftnsep", "ftnsepc", "aftnsep", "aftnsepc", "annotation", "upr"),
    )
)
# Groups marked as skippable (\*) that hold text all the same.
STARRED_TEXT = frozenset({"shpinst", "shptxt", "ud", "footnote", "pntext", "listtext"})

SYMBOL_CHARSET = 2
_CODE_PAGES = {
    0: "cp1252",
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gbk",
    136: "big5",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    255: "cp437",
}
DEFAULT_CODE_PAGES = {"ansi": "cp1252", "mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
SYMBOL_FONT = "symbol"
_UTF8_PAGE = 65001


def charset_codec(charset: int) -> str | None:
    """The codec of a font's character set; None for the document's own."""
    return SYMBOL_FONT if charset == SYMBOL_CHARSET else _CODE_PAGES.get(charset)


def code_page_codec(page: int) -> str | None:
    """None for one that is not known."""
    try:
        return codecs.lookup("utf-8" if page == _UTF8_PAGE else f"cp{page}").name
    except LookupError:
        return None
