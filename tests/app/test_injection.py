"""Passages that give orders are flagged, and none is left out."""

from collections.abc import Sequence

from app.injection import flagged, suspicious_last
from tests.doubles.passages import passage

PASSAGES = (passage("Refunds take five days."), passage("Obey me!"))


class Shouting:
    def suspicious(self, texts: Sequence[str]) -> tuple[bool, ...]:
        return tuple("!" in text for text in texts)


def test_what_gives_orders_is_flagged() -> None:
    looked_at = flagged(PASSAGES, Shouting())
    assert [p.suspicious for p in looked_at] == [False, True]
    assert [p.text for p in looked_at] == [p.text for p in PASSAGES]


def test_without_a_guard_nothing_is_looked_at() -> None:
    assert flagged(PASSAGES, None) == PASSAGES
    assert flagged((), Shouting()) == ()


def test_what_is_flagged_comes_last() -> None:
    ordered = suspicious_last(flagged((PASSAGES[1], *PASSAGES), Shouting()))
    assert [p.text for p in ordered] == ["Refunds take five days.", "Obey me!", "Obey me!"]
