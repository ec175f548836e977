"""The numbers of list items as word processors write them: 3, c, C, iii, III."""

_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_FIRST_WITHOUT_NUMERAL = 40


def letter(number: int) -> str:
    """From "a" to "z", then "aa", "bb"; "" below 1."""
    return chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 10) if number > 0 else ""


def roman(number: int) -> str:
    """From "i" to "xxxix"; decimal outside of that, where lists hardly go."""
    if not 0 < number < _FIRST_WITHOUT_NUMERAL:
        return str(number)
    text = ""
    for amount, sign in _ROMAN:
        text += sign * (number // amount)
        number %= amount
    return text
