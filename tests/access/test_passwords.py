"""Hashes verify, unknown accounts cost the same, and weak passwords are refused with the reason."""

import threading

import pytest

from access import passwords
from access.passwords import SignInBusy, WeakPassword, hash_password, verify
from core.errors import Unavailable
from tests import make


def test_the_right_password_verifies() -> None:
    stored = make.password_hash()
    assert stored.startswith("$argon2id$")
    assert verify(make.PASSWORD, stored) == (True, None)
    assert verify(make.PASSWORD + "!", stored) == (False, None)


def test_full_width_typing_is_the_same_password() -> None:
    stored = hash_password("密码 １２３４ ＡＢＣＤ", username="someone")
    assert verify("密码 1234 ABCD", stored)[0]


def test_an_unknown_account_is_never_right_but_is_worked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    class AlwaysRight:
        def verify_and_update(self, password: str, stored: str) -> tuple[bool, None]:
            checked.append(f"{password} against {stored}")
            return True, None

    monkeypatch.setattr(passwords, "_hasher", AlwaysRight())
    monkeypatch.setattr(passwords, "_nobody", lambda: "$nobody")
    assert verify("anything", None) == (False, None)
    assert verify("anything", "$stored") == (True, None)
    assert checked == ["anything against $nobody", "anything against $stored"]


def test_a_hash_of_weaker_settings_is_replaced() -> None:
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    weaker = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024),)).hash(make.PASSWORD)
    right, better = verify(make.PASSWORD, weaker)
    assert right
    assert better is not None
    assert verify(make.PASSWORD, better) == (True, None)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("ab3$xy7", "too-short"),
        ("１２３", "too-short"),
        ("x" * 250 + "yz1234567", "too-long"),
        ("88888888", "too-common"),
        ("12345678", "too-common"),
        ("876543210", "too-common"),
        ("Password123", "too-common"),
        ("woaini1314", "too-common"),
        ("ＱＷＥＲＴＹ１２３", "too-common"),
        ("my-WANGXM-word", "contains-username"),
    ],
)
def test_weak_passwords_are_refused(password: str, reason: str) -> None:
    with pytest.raises(WeakPassword) as refusal:
        hash_password(password, username="wangxm")
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [("/password", reason)]


@pytest.mark.parametrize("password", ["绿灯下的小河流水", "correct horse", "aaaabbbc", "        x"])
def test_length_is_all_that_is_asked(password: str) -> None:
    passwords._refuse_weak(password, "wangxm")


def test_more_checks_than_slots_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = threading.BoundedSemaphore(1)
    monkeypatch.setattr(passwords, "_slots", slots)
    monkeypatch.setattr(passwords, "CHECK_WAIT_S", 0.01)
    slots.acquire()
    with pytest.raises(SignInBusy) as refusal:
        verify("anything", None)
    assert isinstance(refusal.value, Unavailable)
    slots.release()
    assert verify("anything", None) == (False, None)
