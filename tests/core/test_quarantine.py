"""Bodies kept aside, sealed: opened again, told from others, sealed anew under a newer key."""

import uuid

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import quarantine
from core.errors import DomainError, Invalid
from core.models import QuarantinedItem
from core.secrecy import Key, KeyMissing, KeyRing

OLD, NEW = Key("k1", bytes(32)), Key("k2", bytes(range(32)))
BODY = b'{"id_number": "\xff\x00"}'
PERSON, ITEM = uuid.UUID(int=1), uuid.UUID(int=2)


def keep(session: Session, body: bytes, keys: KeyRing | None, problem: DomainError | None = None) -> str:
    told = quarantine.keep(
        session,
        problem or Invalid(),
        kind="test",
        item_id=ITEM,
        subject_id=None,
        person_id=PERSON,
        body=body,
        keys=keys,
    )
    return str(told.extra["kept_aside"])


def items(session: Session) -> list[QuarantinedItem]:
    session.flush()
    return list(session.scalars(select(QuarantinedItem).execution_options(populate_existing=True)))


def test_a_sealed_body_comes_out_as_it_was_and_is_kept_once(session: Session) -> None:
    keys = KeyRing([OLD])
    assert keep(session, BODY, keys) == keep(session, BODY, keys) != keep(session, BODY + b" ", keys)
    first = items(session)[0]
    assert BODY not in first.body
    assert {quarantine.body_of(item, keys) for item in items(session)} == {BODY, BODY + b" "}


def test_sealed_anew_the_old_key_may_go(session: Session) -> None:
    for number in range(3):
        keep(session, BODY + b" " * number, KeyRing([OLD]))
    keep(session, b"plain", None)
    both, newest = KeyRing([NEW, OLD]), KeyRing([NEW])
    with pytest.raises(KeyMissing):
        quarantine.reseal(session, newest, limit=10)
    assert quarantine.is_sealed_under(session, KeyRing([OLD]).newest)
    assert [quarantine.reseal(session, both, limit=2) for _ in range(3)] == [2, 1, 0]
    assert not quarantine.is_sealed_under(session, KeyRing([OLD]).newest)
    bodies = [quarantine.body_of(item, newest) for item in items(session)]
    assert sorted(bodies) == sorted([BODY, BODY + b" ", BODY + b"  ", b"plain"])


def test_a_problem_may_quote_what_cannot_be_stored(session: Session) -> None:
    keep(session, BODY, None, Invalid("\0 \ud800", seen=["\0", {"\ud800": 1}]))
    assert items(session)[0].problem["seen"][0] == "\N{REPLACEMENT CHARACTER}"
