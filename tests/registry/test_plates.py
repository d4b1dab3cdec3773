"""Tokens and short codes of plates."""

import stat
import uuid
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.settings import RegistrySettings, Settings
from registry.plates import (
    KEY_FILE,
    Plate,
    PlateKeys,
    new_short_code,
    parse_short_code,
    plate_keys,
    short_code,
    shown,
    split_token,
)
from tests import make

KEYS = PlateKeys((b"k" * 32,))
CODE = short_code(b"\x01\x02\x03\x04\x05")
PLATE = Plate(make.fixed_uuid("c"), CODE, 1)


def opened(keys: PlateKeys, plate: Plate, token: str) -> bool:
    split = split_token(token)
    return split is not None and split[0] == plate.short_code and keys.opens(plate, split[1])


def test_a_token_opens_its_own_plate_and_no_other() -> None:
    token = KEYS.token(PLATE)
    assert len(token) == 34
    assert opened(KEYS, PLATE, token)
    assert opened(KEYS, PLATE, f" {token.upper()} ")
    assert not opened(KEYS, Plate(PLATE.checkpoint_id, CODE, 2), token)
    assert not opened(KEYS, Plate(uuid.uuid4(), CODE, 1), token)
    assert not opened(PlateKeys((b"x" * 32,)), PLATE, token)
    for place in range(8, 34):
        other = "0" if token[place] != "0" else "1"
        assert not opened(KEYS, PLATE, token[:place] + other + token[place + 1 :])


def test_an_older_key_still_opens_and_the_first_seals() -> None:
    rotated = PlateKeys((b"n" * 32, *KEYS.keys))
    assert opened(rotated, PLATE, KEYS.token(PLATE))
    assert rotated.token(PLATE) == PlateKeys((b"n" * 32,)).token(PLATE) != KEYS.token(PLATE)


@pytest.mark.parametrize("text", ["", "abc", "x" * 34 + "!", CODE, "u" * 34])
def test_what_is_no_token(text: str) -> None:
    assert split_token(text) is None


def test_a_short_code_is_read_as_people_type_it() -> None:
    assert len(CODE) == 8
    assert parse_short_code(CODE) == CODE
    assert parse_short_code(shown(CODE).lower()) == CODE
    assert parse_short_code(CODE.replace("0", "o").replace("1", "l")) == CODE


def test_a_wrong_sign_is_always_noticed() -> None:
    for place, sign in enumerate(CODE):
        for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZ":
            typed = CODE[:place] + other + CODE[place + 1 :]
            assert (parse_short_code(typed) == CODE) is (other == sign)


def test_short_codes_are_random() -> None:
    codes = {new_short_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(parse_short_code(code) == code for code in codes)


def test_without_a_setting_a_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    keys = plate_keys(settings)
    assert plate_keys(settings) == keys
    assert len(keys.keys[0]) == 64
    assert stat.S_IMODE((tmp_path / "home" / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "home").iterdir()] == [KEY_FILE]


def test_the_setting_lists_keys(tmp_path: Path) -> None:
    given = RegistrySettings(plate_keys=SecretStr(f"{'a' * 32}, {'b' * 32}"))
    assert plate_keys(Settings(home=tmp_path, registry=given)).keys == (b"a" * 32, b"b" * 32)
    assert not list(tmp_path.iterdir())
