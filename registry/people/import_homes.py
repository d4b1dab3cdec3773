"""The households that the rows of a file mean: found by code or door, told apart, placed in their grids."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.clock import LOCAL_ZONE
from geo.codes import Reason
from geo.datums import Datum
from registry.people.columns import OF_HOUSEHOLDS
from registry.people.files import FileRow, RowRejection
from registry.people.import_reading import (
    Site,
    addresses_called,
    buildings_called,
    households_meant,
    paths_of_households,
    paths_of_sites,
)
from registry.people.import_rows import Home
from registry.people.masking import mask_name

Key = tuple[Any, ...]

_NO_BUILDING = Reason(
    "building-unknown", "本街道没有此编码的楼栋", "there is no building with this code here"
)
_NO_ADDRESS = Reason("address-unknown", "地址表中没有此地址", "the table of addresses does not hold this")
_NO_KEY = Reason(
    "household-unidentified",
    "请填写户编码，或楼栋编码（或地址）与室号",
    "give the household's code, or its building (or address) and room",
)
_NOWHERE = Reason(
    "position-missing", "新的户须有楼栋编码或地址", "a new household needs a building or an address"
)
_RETIRED = Reason("household-retired", "此户已撤销", "this household was retired")
_MANY = Reason(
    "household-ambiguous", "此门牌有几户，请填写户编码", "several households have this door: give the code"
)
_PLAIN = ("code", "entrance", "floor", "room", "kind")


class Homes:
    """The households of one file in one street; collects the rejections."""

    def __init__(self, session: Session, street: str, rejected: list[RowRejection]) -> None:
        self.all: list[Home] = []
        self.rejected = rejected
        self._session, self._street = session, street

    def reject(self, row: FileRow, pointer: str, reason: Reason) -> None:
        """The row cannot be imported, for this reason."""
        name = None if row.name is None else mask_name(row.name)
        self.rejected.append(RowRejection(row.row, name, pointer, reason))

    def read(self, rows: Sequence[FileRow]) -> None:
        """`all` are the households that the rows mean, each with what would change in it."""
        grouped = self._grouped(rows)
        codes = [key[1] for key in grouped if key[0] == "code"]
        found = households_meant(self._session, self._street, codes, [home.site for home in grouped.values()])
        by_code = {row.code: row for row in found if row.code is not None}
        by_door: dict[Key, list[Row[Any]]] = {}
        for row in found:
            if row.retired_on is None:
                by_door.setdefault(
                    _door((row.address_id, row.building_id), row.entrance, row.room), []
                ).append(row)
        meant: dict[Key, tuple[int, bool]] = {}
        for home in grouped.values():
            if self._is_found(home, by_code, by_door) and self._is_first(home, meant):
                home.columns = self._columns(home)
                self.all.append(home)

    # -------------------------------------------------------------------------------------- grouping

    def _grouped(self, rows: Sequence[FileRow]) -> dict[Key, Home]:
        buildings = buildings_called(
            self._session, self._street, (row.household.building for row in rows if row.household.building)
        )
        addresses = addresses_called(
            self._session, self._street, (row.household.address for row in rows if row.household.address)
        )
        grouped: dict[Key, Home] = {}
        for row in rows:
            said = row.household
            if said.building is not None and said.building not in buildings:
                self.reject(row, "/building", _NO_BUILDING)
                continue
            if said.address is not None and said.address not in addresses:
                self.reject(row, "/address", _NO_ADDRESS)
                continue
            site = addresses.get(said.address or ""), buildings.get(said.building or "")
            if said.code is None and (said.room is None or site == (None, None)):
                self.reject(row, "", _NO_KEY)
                continue
            key: Key = ("code", said.code) if said.code else _door(site, said.entrance, said.room)
            cells = {name: value for name in OF_HOUSEHOLDS if (value := getattr(said, name)) is not None}
            home = grouped.setdefault(key, Home(uuid.uuid4(), [], {}, site))
            self._join(home, row, cells, site)
        return grouped

    def _join(self, home: Home, row: FileRow, cells: Mapping[str, Any], site: Site) -> None:
        """One row more of the household; what it says must not contradict the rows before."""
        wrong = [name for name, value in cells.items() if home.cells.get(name, value) != value]
        for name in wrong:
            first = home.rows[0].row
            zh, en = f"与同一户的第 {first} 行不一致", f"row {first}, of the same household, says otherwise"
            self.reject(row, f"/{name}", Reason("household-contradicts", zh, en))
        home.rows.append(row)
        home.cells = {**cells, **home.cells}
        home.site = home.site[0] or site[0], home.site[1] or site[1]

    # -------------------------------------------------------------------------------------- matching

    def _is_found(
        self, home: Home, by_code: Mapping[str, Row[Any]], by_door: Mapping[Key, list[Row[Any]]]
    ) -> bool:
        """The stored household is known, or that there is none; else the rows are rejected."""
        code = home.cells.get("code")
        stored = by_code.get(code) if code else None
        if stored is None and home.cells.get("room"):
            at_door = by_door.get(_door(home.site, home.cells.get("entrance"), home.cells.get("room")), [])
            # A household without a code may be given one; one with another code is another household.
            candidates = [row for row in at_door if code is None or row.code is None]
            if len(candidates) > 1:
                return self._refuse(home, "/code", _MANY)
            stored = candidates[0] if candidates else None
        if stored is not None and stored.retired_on is not None:
            return self._refuse(home, "/code", _RETIRED)
        if stored is None and home.site == (None, None):
            return self._refuse(home, "/building", _NOWHERE)
        if stored is not None:
            home.stored, home.household_id = stored, stored.household_id
        return True

    def _is_first(self, home: Home, meant: dict[Key, tuple[int, bool]]) -> bool:
        """No other rows mean the same household in another way. Codes tell households at one door apart."""
        has_code = "code" in home.cells
        names: list[Key] = [("id", home.household_id)]
        if home.stored is None and "room" in home.cells:
            names.append(_door(home.site, home.cells.get("entrance"), home.cells["room"]))
        for name in names:
            before, had_code = meant.get(name, (None, False))
            if before is not None and not (name[0] == "door" and has_code and had_code):
                zh, en = f"与第 {before} 行是同一户", f"the same household as row {before}"
                return self._refuse(home, "", Reason("household-repeated", zh, en))
            meant.setdefault(name, (home.rows[0].row, has_code))
        return True

    def _refuse(self, home: Home, pointer: str, reason: Reason) -> bool:
        for row in home.rows:
            self.reject(row, pointer, reason)
        return False

    # --------------------------------------------------------------------------------------- columns

    def _columns(self, home: Home) -> dict[str, Any]:
        said = {name: home.cells[name] for name in _PLAIN if name in home.cells}
        site = zip(("address_id", "building_id"), home.site, strict=True)
        said |= {name: value for name, value in site if value is not None}
        if "collected_on" in home.cells:
            said["collected_at"] = _noon(home.cells["collected_on"])
        if home.stored is None:
            blank = dict.fromkeys((*_PLAIN, "address_id", "building_id", "collected_at"))
            fixed = {"street_code": self._street, "source_datum": Datum.CGCS2000.value, "source": "import"}
            return {**blank, "kind": "registered", **said, **fixed}
        stored = home.stored._asdict()
        changed = {name: value for name, value in said.items() if stored[name] != value}
        collected, before = changed.get("collected_at"), stored["collected_at"]
        if collected is not None and before is not None and collected <= before:
            del changed["collected_at"]  # an older list does not undo a newer look at the door
        return changed

    def place(self, day: date) -> None:
        """Each household knows the grids it lies in: today, and with what the file says."""
        stored = [home.household_id for home in self.all if home.stored is not None]
        now_in = paths_of_households(self._session, self._street, stored, day)
        sites = {_site_after(home) for home in self.all}
        would_be = paths_of_sites(self._session, self._street, list(sites), day)
        for home in self.all:
            after = would_be[_site_after(home)]
            if home.stored is None:
                home.paths = (after,)
                continue
            before = now_in.get(home.household_id, f"{self._street}/")
            by_own = home.stored.is_sited or home.stored.manual_grid_id is not None
            home.paths = (
                (before,) if by_own or _site_of(home.stored) == _site_after(home) else (before, after)
            )


def _door(site: Site, entrance: str | None, room: str | None) -> Key:
    return "door", *site, entrance, room


def _site_of(stored: Row[Any]) -> Site:
    return stored.address_id, stored.building_id


def _site_after(home: Home) -> Site:
    address, building = (None, None) if home.stored is None else _site_of(home.stored)
    return home.columns.get("address_id") or address, home.columns.get("building_id") or building


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), LOCAL_ZONE).astimezone(UTC)
