"""What is rendered is kept until a notice, and not at all while nobody listens."""

import pytest

from core.signals import ACCESS, GRIDS
from geo.tiles.cache import Rendered, TileCache, TileKey
from tests.listeners import FakeListener

STREET, OTHER = "320113007", "320113008"


@pytest.fixture
def listener() -> FakeListener:
    return FakeListener()


def cache_with(listener: FakeListener | None, capacity_bytes: int = 100_000) -> TileCache:
    return TileCache(listener, capacity_bytes=capacity_bytes)


def key(request: int = 1, scope: tuple[str, ...] = (f"{STREET}/",)) -> TileKey:
    return TileKey(scope, request)


def keep(cache: TileCache, kept: TileKey, body: bytes = b"tile") -> None:
    cache.keep(kept, Rendered.of(body), cache.ticket())


def test_what_is_kept_is_found_for_the_same_scope_and_request_only(listener: FakeListener) -> None:
    cache = cache_with(listener)
    keep(cache, key())
    assert cache.find(key()) == Rendered.of(b"tile")
    assert cache.find(key(2)) is None
    assert cache.find(key(scope=(f"{OTHER}/",))) is None


def test_without_a_listener_nothing_is_kept(listener: FakeListener) -> None:
    cache = cache_with(None)
    keep(cache, key())
    assert cache.find(key()) is None
    cache = cache_with(listener)
    keep(cache, key())
    listener.is_connected = False
    assert cache.find(key()) is None
    keep(cache, key(2))
    listener.is_connected = True
    assert cache.find(key(2)) is None


@pytest.mark.parametrize(
    ("scope", "payload", "stays"),
    [
        ((f"{STREET}/",), STREET, False),
        ((f"{STREET}/12/",), STREET, False),
        (("",), STREET, False),
        (("320113",), STREET, False),  # county staff
        ((f"{OTHER}/", f"{STREET}/"), STREET, False),
        ((f"{OTHER}/",), STREET, True),
        ((f"{OTHER}/12/",), STREET, True),
        ((f"{STREET}/",), "", False),  # many streets
    ],
)
def test_a_notice_forgets_what_it_touches(
    listener: FakeListener, scope: tuple[str, ...], payload: str, stays: bool
) -> None:
    cache = cache_with(listener)
    keep(cache, key(scope=scope))
    listener.deliver(ACCESS, "")  # of no concern: who may see what is part of the key
    assert cache.find(key(scope=scope)) is not None
    listener.deliver(GRIDS, payload)
    assert (cache.find(key(scope=scope)) is not None) is stays


def test_what_was_read_before_a_notice_is_not_kept_after_it(listener: FakeListener) -> None:
    cache = cache_with(listener)
    ticket = cache.ticket()
    listener.deliver(GRIDS, STREET)
    cache.keep(key(), Rendered.of(b"old"), ticket)
    assert cache.find(key()) is None


def test_the_least_recently_used_goes_first_and_bytes_are_bounded(listener: FakeListener) -> None:
    cache = cache_with(listener, capacity_bytes=10_000)
    for request in range(3):
        keep(cache, key(request), bytes(2_000))
    cache.find(key(0))
    for request in range(3, 5):
        keep(cache, key(request), bytes(2_000))
    assert cache.size_bytes <= 10_000
    assert cache.find(key(0)) is not None
    assert cache.find(key(1)) is None
    keep(cache, key(9), bytes(20_000))  # larger than everything: not kept, and nothing is left over
    assert cache.find(key(9)) is None
    assert cache.size_bytes == 0


def test_keeping_again_replaces(listener: FakeListener) -> None:
    cache = cache_with(listener)
    keep(cache, key(), b"a")
    size = cache.size_bytes
    keep(cache, key(), b"b")
    assert cache.size_bytes == size
    assert cache.find(key()) == Rendered.of(b"b")


def test_equal_bytes_have_equal_tags() -> None:
    assert Rendered.of(b"x") == Rendered.of(b"x")
    assert Rendered.of(b"x").etag != Rendered.of(b"y").etag
    assert Rendered.of(b"x").etag.startswith('"')
