"""What cannot be stored is found wherever it hides, and nothing else is."""

from typing import Any

import pytest

from core.storable import MAX_DEPTH, unstorable_at


def nested(depth: int) -> Any:
    data: Any = "core"
    for _ in range(depth):
        data = [data]
    return data


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({"name": "a\0b"}, "/name"),
        ({"parts": [{"names": ["好", "\ud800"]}]}, "/parts/0/names/1"),
        ({"a": {"b\0": 1}}, "/a"),
        ({"x": float("nan")}, "/x"),
        ({"x": [1.0, float("-inf")]}, "/x/1"),
        ("\udfff", ""),
    ],
)
def test_it_is_named(data: Any, pointer: str) -> None:
    assert unstorable_at(data) == pointer


@pytest.mark.parametrize("data", [None, 1, True, "和园 𠮷", {"a": [1.5, {"b": "\n"}]}, nested(MAX_DEPTH)])
def test_what_can_be_stored(data: Any) -> None:
    assert unstorable_at(data) is None


def test_nesting_ends_somewhere() -> None:
    assert unstorable_at(nested(MAX_DEPTH + 1)) is not None
    assert unstorable_at(nested(100_000)) is not None
