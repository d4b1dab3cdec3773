import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from core import audit
from core.audit import Finding, Head
from core.models import AuditEntry

STREET = "320113007"
LINES = 5


def write(session: Session, chain: str = STREET, **detail: Any) -> None:
    audit.record(
        session,
        chain=chain,
        actor="worker",
        action="patrol.judged",
        subject="patrol:1",
        detail=detail,
    )


def tampered(session: Session, statement: str) -> None:
    """What somebody with full rights over the database can do."""
    session.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
    session.execute(text(statement))
    session.execute(text("ALTER TABLE audit_entries ENABLE TRIGGER USER"))


@pytest.fixture
def chain(session: Session) -> Session:
    for number in range(LINES):
        write(session, number=number)
    return session


def ends(session: Session) -> dict[str, int]:
    """The newest line of each chain but "", where the seeds wrote."""
    return {head.chain: head.seq for head in audit.heads(session) if head.chain}


def problems(session: Session) -> list[tuple[int, str]]:
    return [(finding.seq, finding.problem) for finding in audit.verify(session)]


def test_a_chain_is_numbered_from_one_and_whole(chain: Session) -> None:
    assert audit.verify(chain) == []
    assert ends(chain) == {STREET: LINES}


def test_chains_are_numbered_apart(chain: Session) -> None:
    write(chain, chain="320113008")
    assert audit.verify(chain) == []
    assert ends(chain) == {STREET: LINES, "320113008": 1}


@pytest.mark.parametrize(
    "detail",
    [
        {"kept": "网格", "nested": {"b": [1, None, True], "a": {}}},
        # jsonb gives these back written differently
        {"numbers": [1.0, 1e16, -0.0, 1e-9, 0.1, 123456789012345678]},
    ],
)
def test_every_kind_of_detail_still_verifies_after_storage(session: Session, detail: dict[str, Any]) -> None:
    write(session, **detail)
    session.expire_all()
    assert audit.verify(session) == []


def test_a_number_that_is_none_is_refused(session: Session) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write(session, ratio=float("nan"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor = 'x'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ],
)
def test_the_database_refuses_changes(chain: Session, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="append-only"):
        chain.execute(text(statement))


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'cli:root'",
        "action = 'patrol.appealed'",
        "subject = 'patrol:2'",
        "at = at + interval '1 microsecond'",
        """detail = '{"number": 9}'""",
        "entry_hash = set_byte(entry_hash, 31, get_byte(entry_hash, 31) # 1)",
    ],
)
def test_a_changed_line_is_named(chain: Session, change: str) -> None:
    tampered(chain, f"UPDATE audit_entries SET {change} WHERE seq = 3")
    assert problems(chain)[0] == (3, "altered")


def test_a_line_that_was_changed_and_sealed_anew_breaks_the_next_link(chain: Session) -> None:
    line = chain.query(AuditEntry).filter_by(seq=3).one()
    forged = {name: getattr(line, name) for name in audit.SEALED} | {"actor": "cli:root"}
    seal = audit.sealed(line.previous_hash, forged).hex()
    tampered(chain, f"UPDATE audit_entries SET actor = 'cli:root', entry_hash = '\\x{seal}' WHERE seq = 3")
    assert problems(chain) == [(4, "unlinked")]


def test_a_deleted_line_is_a_gap(chain: Session) -> None:
    tampered(chain, "DELETE FROM audit_entries WHERE seq = 2")
    assert audit.verify(chain) == [Finding(STREET, 3, "gap", "line 2 before this one is gone")]


def test_a_deleted_beginning_is_a_gap(chain: Session) -> None:
    tampered(chain, "DELETE FROM audit_entries WHERE seq <= 2")
    assert audit.verify(chain) == [Finding(STREET, 3, "gap", "line 1 to 2 before this one is gone")]


def test_a_line_moved_to_another_chain_is_named(chain: Session) -> None:
    tampered(chain, "UPDATE audit_entries SET chain = '320113008', seq = 1 WHERE seq = 5")
    assert [(f.chain, f.problem) for f in audit.verify(chain, "320113008")] == [
        ("320113008", "unlinked"),
        ("320113008", "altered"),
    ]


def test_a_cut_tail_is_found_by_an_anchor_kept_elsewhere(chain: Session) -> None:
    anchors = audit.heads(chain)
    tampered(chain, "DELETE FROM audit_entries WHERE seq >= 4")
    assert audit.verify(chain) == []
    assert audit.compare(chain, anchors) == [Finding(STREET, LINES, "cut", "the anchored line is gone")]


def test_a_tail_written_anew_is_found_by_an_anchor(chain: Session) -> None:
    anchors = audit.heads(chain)
    tampered(chain, "DELETE FROM audit_entries WHERE seq = 5")
    write(chain, number=99)
    assert audit.verify(chain) == []
    assert [finding.problem for finding in audit.compare(chain, anchors)] == ["replaced"]


def test_an_anchor_of_a_chain_that_grew_since_still_holds(chain: Session) -> None:
    anchors = audit.heads(chain)
    write(chain, number=6)
    assert audit.compare(chain, anchors) == []
    assert audit.compare(chain, [Head("no such chain", 1, "00")])[0].problem == "cut"


@pytest.mark.own_database
def test_writers_that_race_never_fork_the_chain(clone_database: Callable[[], str]) -> None:
    engine = create_engine(clone_database(), pool_size=4)
    barrier = threading.Barrier(4)

    def write_many() -> None:
        barrier.wait()
        for number in range(25):
            with Session(engine) as session, session.begin():
                write(session, number=number)

    writers = [threading.Thread(target=write_many) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with Session(engine) as session:
        assert audit.verify(session) == []
        assert ends(session) == {STREET: 100}
    engine.dispose()


def test_a_rolled_back_change_leaves_no_line(session: Session) -> None:
    with session.begin_nested() as nested:
        write(session)
        nested.rollback()
    assert ends(session) == {}
