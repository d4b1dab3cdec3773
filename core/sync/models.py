"""What phones have, how much came from them, and which life of the server they talk to."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from core.models import Base


class SyncState(Base):
    """What one reply of the sync left a phone with: the id of each item and a hash of what it says.

    The id of the row is made of its content, so the same state is one row however often it is reached.
    """

    __tablename__ = "sync_states"
    __table_args__ = (Index(None, "person_id", "device_id"), Index(None, "used_at"))

    state_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID]
    device_id: Mapped[uuid.UUID]  # zero where the phone does not name itself
    epoch: Mapped[str]
    held: Mapped[bytes]  # core/sync/states.py
    used_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class SyncMark(Base):
    """How many items of one kind a person's phone has delivered: a figure that went back tells of a loss.

    The stream "" counts deliveries.
    """

    __tablename__ = "sync_marks"

    person_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    device_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    received: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class ServerEpoch(Base):
    """One life of the database: it ends when an older state is restored. The highest number is the present.

    Phones compare `token`: numbers alone could meet again after two restores.
    """

    __tablename__ = "server_epochs"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    token: Mapped[str]
    server_id: Mapped[uuid.UUID]  # the same through all epochs
    reason: Mapped[str]  # core/sync/epochs.py
    system_identifier: Mapped[str | None]  # of the cluster in which the epoch began
    timeline: Mapped[int | None]
    witness: Mapped[int] = mapped_column(BigInteger)  # grows while the server lives
    witnessed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    began_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
