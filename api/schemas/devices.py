"""Devices on the wire."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from access.devices import DeviceFacts, MadeToken, UsedDevice
from api.schemas.patrols import PersonOut
from core.storable import Body

Word = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)]


class DeviceIn(Body):
    """What a device says of itself; `pending_items` is the length of the caller's own queue on it."""

    platform: Literal["android", "ios", "web", "tracker"]
    model: Word = ""
    app_version: Word = ""
    pending_items: int | None = Field(default=None, ge=0, le=10_000_000)

    def facts(self) -> DeviceFacts:
        return DeviceFacts(self.platform, self.model, self.app_version, self.pending_items)


class TrackerOut(BaseModel):
    """A native tracker on the device: until when it may deliver, when it last did, its battery."""

    expires_at: datetime
    last_contact_at: datetime | None
    battery_percent: int | None


class DeviceOut(BaseModel):
    """A device in the hands of one person: when it was last heard of, and what waited on it then."""

    id: uuid.UUID
    platform: str
    model: str
    app_version: str
    person: PersonOut
    first_contact_at: datetime
    last_contact_at: datetime
    pending_items: int | None
    pending_at: datetime | None
    tracker: TrackerOut | None

    @classmethod
    def of(cls, used: UsedDevice) -> "DeviceOut":
        tracker = None
        if used.tracker_expires_at is not None:
            tracker = TrackerOut(
                expires_at=used.tracker_expires_at,
                last_contact_at=used.tracker_used_at,
                battery_percent=used.battery_percent,
            )
        return cls(
            id=used.device_id,
            platform=used.platform,
            model=used.model,
            app_version=used.app_version,
            person=PersonOut(id=used.person_id, name=used.person_name),
            first_contact_at=used.first_at,
            last_contact_at=used.last_at,
            pending_items=used.pending_items,
            pending_at=used.pending_at,
            tracker=tracker,
        )


class DevicePage(BaseModel):
    """The latest heard of first."""

    items: list[DeviceOut]
    next: str | None


class TrackerTokenOut(BaseModel):
    """A token for a native tracker. It is shown this once: type it, or scan it from another screen, now."""

    device_id: uuid.UUID
    token: str
    expires_at: datetime
    osmand_url: str = Field(
        description="server URL for Traccar Client and OsmAnd; the token is the identifier"
    )
    owntracks_url: str = Field(description="URL for OwnTracks in HTTP mode; the token is the password")

    @classmethod
    def of(cls, device_id: uuid.UUID, made: MadeToken, base_url: str) -> "TrackerTokenOut":
        base = base_url.rstrip("/")
        return cls(
            device_id=device_id,
            token=made.token,
            expires_at=made.expires_at,
            osmand_url=f"{base}/v1/ingest/osmand",
            owntracks_url=f"{base}/v1/ingest/owntracks",
        )
