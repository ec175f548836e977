"""A listing's objects, each with its side-car, wherever S3's order of keys puts it."""

from hypothesis import given
from hypothesis import strategies as st

from rag.adapters.s3_sidecars import beside

SUFFIX = ".metadata.json"
# Keys that begin with one another, and characters before and after the dot.
KEYS = st.sets(st.text("a.-0m", min_size=1, max_size=4), max_size=12)


@given(objects=KEYS, described=KEYS)
def test_every_object_has_its_own_side_car(objects: set[str], described: set[str]) -> None:
    names = {name: f"state of {name}" for name in objects}
    names |= {name + SUFFIX: f"side-car of {name}" for name in described}
    listed = [{"Key": name, "ETag": names[name]} for name in sorted(names)]
    found = {str(entry["Key"]): etag for entry, etag in beside(listed)}
    assert found == {name: f"side-car of {name}" if name in described else "" for name in objects}
    assert len(list(beside(listed))) == len(objects)


def test_an_object_is_given_out_as_soon_as_no_side_car_can_follow() -> None:
    listed = ({"Key": f"{number:06d}", "ETag": "x"} for number in range(1_000_000))
    assert next(beside(listed)) == ({"Key": "000000", "ETag": "x"}, "")
    assert next(listed)["Key"] == "000002"
