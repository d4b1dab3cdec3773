"""The compact codec: lossless at its quanta, small, and equal for equal content."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.fixes import (
    CODEC_VERSION,
    MAX_FIXES,
    Fixes,
    content_hash,
    decode,
    encode,
    from_quanta,
    in_batches,
    join,
    quanta,
)
from tests.patrol.walks import patrol, track


def assert_equal(found: Fixes, expected: Fixes) -> None:
    for field in fields(Fixes):
        assert np.array_equal(
            getattr(found, field.name),
            getattr(expected, field.name),
            equal_nan=field.name not in {"at_ms", "mock"},
        ), field.name


def phone_walk(count: int = 60) -> Fixes:
    """A walk with everything a phone states, each value with the noise of a real one."""
    random = np.random.default_rng(5)
    heading = np.cumsum(random.normal(0, 12, count)) + 90
    walk = track(np.cumsum(np.sin(np.radians(heading))) * 6.5, np.cumsum(np.cos(np.radians(heading))) * 6.5)
    return replace(
        walk,
        at_ms=walk.at_ms + random.integers(-15, 16, count),
        accuracy_m=np.rint(np.clip(6 + np.cumsum(random.normal(0, 0.6, count)), 3, 30) * 10) / 10,
        speed_mps=np.rint((1.3 + random.normal(0, 0.2, count)).clip(0) * 100) / 100,
        heading_deg=np.rint((heading + random.normal(0, 6, count)) % 360 * 10) / 10,
        altitude_m=np.rint((20 + np.cumsum(random.normal(0, 0.8, count))) * 10) / 10,
    )


def test_what_goes_in_comes_out() -> None:
    walk = phone_walk()
    assert_equal(decode([encode(walk)]), walk)


def test_many_blobs_are_decoded_together_in_the_order_given() -> None:
    whole = patrol(60)
    parts = list(in_batches(whole, 60))

    assert_equal(decode([encode(part) for part in parts]), whole)
    assert_equal(decode([encode(part) for part in parts[::-1]]), join(parts[::-1]))


def test_no_blobs_are_no_fixes() -> None:
    assert len(decode([])) == 0


def test_a_walking_segment_takes_at_most_nine_bytes_a_fix() -> None:
    assert len(encode(phone_walk())) <= 9 * 60


def test_a_segment_without_optional_values_takes_at_most_five_bytes_a_fix() -> None:
    assert len(encode(patrol(4.95))) <= 5 * 60


NUMBER = st.one_of(st.just(float("nan")), st.floats(0, 1e6))


@st.composite
def any_fixes(draw: st.DrawFn) -> Fixes:
    count = draw(st.integers(1, 12))
    column = st.lists(NUMBER, min_size=count, max_size=count)
    raw = Fixes(
        at_ms=np.sort(
            np.array(draw(st.lists(st.integers(0, 2**42), min_size=count, max_size=count)), np.int64)
        ),
        lon=np.array(draw(st.lists(st.floats(-180, 180), min_size=count, max_size=count))),
        lat=np.array(draw(st.lists(st.floats(-90, 90), min_size=count, max_size=count))),
        accuracy_m=np.array(draw(column)),
        speed_mps=np.array(draw(column)),
        heading_deg=np.array(draw(column)),
        altitude_m=np.array(draw(column)) * -1,
        mock=np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), np.bool_),
    )
    return from_quanta(quanta(raw), raw.mock)


@settings(max_examples=40)
@given(st.lists(any_fixes(), min_size=1, max_size=3))
def test_any_values_and_holes_survive(parts: list[Fixes]) -> None:
    assert_equal(decode([encode(part) for part in parts]), join(parts))


def test_rounding_to_quanta_is_stable() -> None:
    walk = phone_walk()
    once = quanta(walk)
    assert np.array_equal(quanta(from_quanta(once, walk.mock)), once)


def test_hash_depends_on_every_value_and_on_seq_and_datum() -> None:
    walk = phone_walk(3)

    def hashed(fixes: Fixes, seq: int = 1, datum: str = "EPSG:4326") -> bytes:
        return content_hash(quanta(fixes), fixes.mock, seq=seq, datum=datum)

    others = [hashed(walk, seq=2), hashed(walk, datum="GCJ02")]
    for field in fields(Fixes):
        column = getattr(walk, field.name)
        changed = ~column if field.name == "mock" else column + 1
        others.append(hashed(replace(walk, **{field.name: changed})))
    assert hashed(phone_walk(3)) == hashed(walk)
    assert len({hashed(walk), *others}) == len(others) + 1


@pytest.mark.parametrize("count", [0, MAX_FIXES + 1])
def test_a_blob_has_bounds(count: int) -> None:
    with pytest.raises(ValueError, match="a blob holds"):
        encode(track([0.0] * count))


@pytest.mark.parametrize("blob", [b"", bytes([CODEC_VERSION + 1]) + bytes(40)])
def test_another_version_is_refused(blob: bytes) -> None:
    with pytest.raises(ValueError, match="unknown fix codec version"):
        decode([blob])
