"""Sealed values open in their place alone, under any key of the ring; indexes are equal for equal values."""

import os
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr

from core.secrecy import (
    Key,
    KeyMissing,
    KeyRing,
    KeysInvalid,
    NotOpened,
    key_file,
    key_ring,
    new_key,
    replace_secret_file,
    sealed_under,
    written,
)
from core.settings import PrivacySettings, Settings

OLD, NEW = Key("k1", b"\x01" * 32), Key("k2", b"\x02" * 32)
AAD = "residents:phone:1"


def test_a_value_opens_under_the_key_and_place_it_was_sealed_for() -> None:
    ring = KeyRing([OLD])
    sealed = ring.seal("13800138000", AAD)
    assert ring.open(sealed, AAD) == "13800138000"
    assert b"13800138000" not in sealed
    assert ring.seal("13800138000", AAD) != sealed
    for aad in ("residents:phone:2", "residents:id_number:1"):
        with pytest.raises(NotOpened):
            ring.open(sealed, aad)


def test_every_altered_byte_is_noticed() -> None:
    ring = KeyRing([OLD])
    sealed = ring.seal("13800138000", AAD)
    for place in range(len(sealed)):
        altered = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises((NotOpened, KeyMissing)):
            ring.open(altered, AAD)
    for shorter in range(len(sealed)):
        with pytest.raises((NotOpened, KeyMissing)):
            ring.open(sealed[:shorter], AAD)


def test_the_newest_key_seals_and_older_ones_open() -> None:
    before, during = KeyRing([OLD]), KeyRing([NEW, OLD])
    sealed = before.seal("一", AAD)
    assert during.open(sealed, AAD) == "一"
    assert sealed_under(during.seal("一", AAD)) == during.newest == NEW.label
    with pytest.raises(KeyMissing):
        before.open(during.seal("一", AAD), AAD)


def test_a_key_made_anew_under_the_same_id_is_another_key() -> None:
    with pytest.raises(KeyMissing):
        KeyRing([Key("k1", b"\x03" * 32)]).open(KeyRing([OLD]).seal("一", AAD), AAD)


def test_indexes_differ_by_purpose_and_key() -> None:
    ring = KeyRing([NEW, OLD])
    assert ring.index("1", "phone") == ring.indexes("1", "phone")[0]
    assert KeyRing([OLD]).index("1", "phone") == ring.indexes("1", "phone")[1]
    values = {*ring.indexes("1", "phone"), *ring.indexes("1", "id_number"), *ring.indexes("2", "phone")}
    assert len(values) == 6


def test_the_ring_shows_no_secret() -> None:
    ring = KeyRing([OLD])
    assert OLD.secret.hex() not in f"{ring!r} {OLD!r} {ring.keys}"
    assert repr(OLD.secret) not in f"{ring!r} {OLD!r} {ring.keys}"


@pytest.mark.parametrize("text", ["", "k1:ab", "k0:" + "a" * 64, "k1:" + "a" * 64 + "\nk1:" + "b" * 64])
def test_wrong_key_lists_are_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    settings = Settings(home=tmp_path)
    replace_secret_file(key_file(settings), text)
    with pytest.raises(KeysInvalid) as refused:
        key_ring(settings)
    assert "a" * 64 not in str(refused.value)


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    rings: list[KeyRing] = []
    threads = [Thread(target=lambda: rings.append(key_ring(settings))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({ring.newest for ring in rings}) == 1
    assert key_file(settings).stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["personal.key"]  # noqa: PTH208 - names are all that is asked


def test_a_key_added_to_the_file_counts_at_once(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    (first,) = key_ring(settings).keys
    replace_secret_file(key_file(settings), written([new_key([first]), first]))
    assert [key.key_id for key in key_ring(settings).keys] == ["k2", "k1"]
    assert key_file(settings).stat().st_mode & 0o777 == 0o600


def test_settings_go_before_the_file(tmp_path: Path) -> None:
    given = PrivacySettings(personal_keys=SecretStr(written([NEW, OLD]).strip().replace("\n", ",")))
    ring = key_ring(Settings(home=tmp_path, privacy=given))
    assert ring.keys == (NEW, OLD)
    assert not key_file(Settings(home=tmp_path)).exists()
