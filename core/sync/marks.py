"""How much came from each phone, and the states that replies left them with."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.sync.models import SyncMark, SyncState
from core.sync.states import Held, name_of, packed, unpacked

UNNAMED = uuid.UUID(int=0)
DELIVERIES = ""  # the stream that counts deliveries, whatever was in them
# The one in use, the one just made, and two of replies that were lost or of other windows without a name.
KEPT = 4
_TOUCHED_EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Carrier:
    """A person on a device: what is carried belongs to both, so two people on one phone keep apart."""

    person_id: uuid.UUID
    device_id: uuid.UUID = UNNAMED

    @property
    def key(self) -> bytes:
        return self.person_id.bytes + self.device_id.bytes


# ------------------------------------------------------------------------------------------------- marks


def add_marks(session: Session, carrier: Carrier, received: Mapping[str, int]) -> dict[str, int]:
    """A delivery is counted, with the items of each kind that it brought; the sums by kind."""
    rows = [
        {"person_id": carrier.person_id, "device_id": carrier.device_id, "stream": stream, "received": count}
        for stream, count in sorted(
            {**received, DELIVERIES: 1}.items()
        )  # in one order: no two can wait in a ring
    ]
    statement = insert(SyncMark).values(rows)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[SyncMark.person_id, SyncMark.device_id, SyncMark.stream],
            set_={
                "received": SyncMark.received + statement.excluded.received,
                "last_at": func.clock_timestamp(),
            },
        )
    )
    return marks_of(session, carrier)


def marks_of(session: Session, carrier: Carrier) -> dict[str, int]:
    """How many items of each kind came from this person's phone."""
    rows = session.execute(
        select(SyncMark.stream, SyncMark.received).where(
            SyncMark.person_id == carrier.person_id,
            SyncMark.device_id == carrier.device_id,
            SyncMark.stream != DELIVERIES,
        )
    )
    return {row.stream: row.received for row in rows}


# ------------------------------------------------------------------------------------------------ states


def load_state(session: Session, carrier: Carrier, epoch: str, cursor: str | None) -> Held | None:
    """What the phone with this cursor has; None when nobody knows: it gets everything anew."""
    try:
        state_id = uuid.UUID(cursor or "")
    except ValueError:
        return None
    found = session.execute(
        select(
            SyncState.held, (func.clock_timestamp() - SyncState.used_at > _TOUCHED_EVERY).label("is_old")
        ).where(
            SyncState.state_id == state_id,
            SyncState.person_id == carrier.person_id,
            SyncState.device_id == carrier.device_id,
            SyncState.epoch == epoch,
        )
    ).one_or_none()
    if found is None:
        return None
    if found.is_old:
        _touch(session, state_id)
    return unpacked(found.held)


def save_state(session: Session, carrier: Carrier, epoch: str, held: Held, *, used: str | None) -> str:
    """The cursor of this state, stored. The state in use stays until a later one is used; older ones go."""
    blob = packed(held)
    state_id = name_of(carrier.key + epoch.encode(), blob)
    session.execute(
        insert(SyncState)
        .values(
            state_id=state_id,
            person_id=carrier.person_id,
            device_id=carrier.device_id,
            epoch=epoch,
            held=blob,
        )
        .on_conflict_do_update(index_elements=[SyncState.state_id], set_={"used_at": func.clock_timestamp()})
    )
    _forget_older(session, carrier, keep={str(state_id), used})
    return state_id.hex


def _touch(session: Session, state_id: uuid.UUID) -> None:
    session.execute(
        update(SyncState).where(SyncState.state_id == state_id).values(used_at=func.clock_timestamp())
    )


def _forget_older(session: Session, carrier: Carrier, keep: set[str | None]) -> None:
    mine = (SyncState.person_id == carrier.person_id, SyncState.device_id == carrier.device_id)
    newest = select(SyncState.state_id).where(*mine).order_by(SyncState.used_at.desc()).limit(KEPT)
    kept_ids = [uuid.UUID(one) for one in keep if one is not None]
    session.execute(
        delete(SyncState).where(*mine, SyncState.state_id.not_in(newest), SyncState.state_id.not_in(kept_ids))
    )


def forget_unused(session: Session, days: int) -> None:
    """States of phones that have not asked for so long are gone: they begin anew when they come back."""
    age = func.clock_timestamp() - SyncState.used_at
    session.execute(delete(SyncState).where(age > timedelta(days=days)))
