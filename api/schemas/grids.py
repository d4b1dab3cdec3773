"""Grids, their codes and their import on the wire."""

import uuid
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from access.queries import GridPerson
from access.roles import Role
from geo.codes import DigitGroup, Reason
from geo.files.geojson import Rejection
from geo.history import GridHistory, GridPeriod, Successions, Successor
from geo.importing.grids import ImportReport
from geo.queries import Ancestor, GridDetail, GridSummary

Position = tuple[float, float]  # lon, lat


class GridOut(BaseModel):
    """A grid in a list; `centre` lies inside, for floors and counters in the grid around them."""

    code: str
    name: str
    level: int
    kind: str
    parent: str | None
    households: int | None
    area_m2: float | None
    centre: Position | None

    @classmethod
    def of(cls, grid: GridSummary) -> "GridOut":
        return cls.model_validate(grid, from_attributes=True)


class GridPage(BaseModel):
    """Grids in the order of their codes."""

    items: list[GridOut]
    next: str | None

    @classmethod
    def of(cls, grids: list[GridSummary], limit: int) -> "GridPage":
        """A page from up to one grid more than it holds."""
        page = grids[:limit]
        return cls(
            items=[GridOut.of(grid) for grid in page], next=page[-1].code if len(grids) > limit else None
        )


class AncestorOut(BaseModel):
    """A grid on the way down from level 1."""

    code: str
    name: str
    level: int

    @classmethod
    def of(cls, ancestor: Ancestor) -> "AncestorOut":
        return cls(code=ancestor.code, name=ancestor.name, level=ancestor.level)


class GridPersonOut(BaseModel):
    """Who answers for the grid, as its notice board says; or stands in for somebody who is away."""

    name: str
    role: Role
    since: date
    stands_in_for: str | None

    @classmethod
    def of(cls, person: GridPerson) -> "GridPersonOut":
        return cls(name=person.name, role=person.role, since=person.since, stands_in_for=person.stands_in_for)


class GridDetailOut(GridOut):
    """One grid; `people` is empty for those who may not read people."""

    geometry: dict[str, Any] | None
    path: list[AncestorOut]
    people: list[GridPersonOut]
    attributes: dict[str, Any]
    version: int
    valid_from: date

    @classmethod
    def of_detail(cls, grid: GridDetail, people: list[GridPerson]) -> "GridDetailOut":
        return cls(
            **GridOut.of(grid.summary).model_dump(),
            geometry=grid.geometry,
            path=[AncestorOut.of(ancestor) for ancestor in grid.ancestors],
            people=[GridPersonOut.of(person) for person in people],
            attributes=grid.attributes,
            version=grid.version,
            valid_from=grid.valid_from,
        )


class GridPeriodOut(BaseModel):
    """A version of a grid; `valid_to` is the first day on which it no longer holds.

    `changed_by` is null for those who may not read people; `plan_id` where no division plan made the version.
    """

    version: int
    name: str
    kind: str
    households: int | None
    area_m2: float | None
    source_datum: str
    valid_from: date
    valid_to: date | None
    changed_at: datetime
    changed_by: str | None
    plan_id: uuid.UUID | None

    @classmethod
    def of(cls, period: GridPeriod, *, names_people: bool) -> "GridPeriodOut":
        return cls(
            version=period.version,
            name=period.name,
            kind=period.kind,
            households=period.households,
            area_m2=period.area_m2,
            source_datum=period.source_datum,
            valid_from=period.valid_from,
            valid_to=period.valid_to,
            changed_at=period.created_at,
            changed_by=period.changed_by if names_people else None,
            plan_id=period.plan_id,
        )


class SuccessorOut(BaseModel):
    """A grid on the other side of a succession, and its first day."""

    code: str
    name: str
    since: date

    @classmethod
    def of(cls, other: Successor) -> "SuccessorOut":
        return cls(code=other.code, name=other.name, since=other.since)


class SuccessionsOut(BaseModel):
    """Which grids this one took ground and duties over from, and which took over from it."""

    predecessors: list[SuccessorOut]
    successors: list[SuccessorOut]

    @classmethod
    def of(cls, successions: Successions) -> "SuccessionsOut":
        return cls(
            predecessors=[SuccessorOut.of(one) for one in successions.predecessors],
            successors=[SuccessorOut.of(one) for one in successions.successors],
        )


class GridHistoryOut(BaseModel):
    """Every version, oldest first; from `retired_on` on the grid is no more."""

    code: str
    retired_on: date | None
    items: list[GridPeriodOut]
    successions: SuccessionsOut

    @classmethod
    def of_history(
        cls, code: str, history: GridHistory, successions: Successions, *, names_people: bool
    ) -> "GridHistoryOut":
        return cls(
            code=code,
            retired_on=history.retired_on,
            items=[GridPeriodOut.of(period, names_people=names_people) for period in history.periods],
            successions=SuccessionsOut.of(successions),
        )


class DigitGroupOut(BaseModel):
    """One group of a code: what its digits mean, or why they cannot be."""

    name: str
    digits: str
    meaning: str | None
    valid: bool
    reason: str | None

    @classmethod
    def of(cls, group: DigitGroup) -> "DigitGroupOut":
        return cls(
            name=group.name,
            digits=group.digits,
            meaning=group.meaning,
            valid=group.valid,
            reason=None if group.reason is None else str(group.reason),
        )


class GridCodeOut(BaseModel):
    """A code explained; valid when every group is."""

    code: str
    valid: bool
    groups: list[DigitGroupOut]

    @classmethod
    def of(cls, code: str, groups: list[DigitGroup]) -> "GridCodeOut":
        valid = all(group.valid for group in groups)
        return cls(code=code, valid=valid, groups=[DigitGroupOut.of(group) for group in groups])


class HintOut(BaseModel):
    """Something worth knowing about the whole file."""

    code: str
    zh: str
    en: str

    @classmethod
    def of(cls, reason: Reason) -> "HintOut":
        return cls(code=reason.code, zh=reason.zh, en=reason.en)


class RejectionOut(BaseModel):
    """Why a feature cannot be imported: `field` is a JSON pointer inside it, `reason` stays the same.

    `id` is the feature's own in the file, `location` a place in CGCS2000 where to look.
    """

    index: int
    id: str | None
    code: str | None
    field: str
    reason: str
    detail: str
    location: Position | None

    @classmethod
    def of(cls, rejection: Rejection) -> "RejectionOut":
        return cls(
            index=rejection.index,
            id=rejection.feature_ref,
            location=rejection.at,
            code=rejection.code,
            field=rejection.field,
            reason=rejection.reason.code,
            detail=str(rejection.reason),
        )


class ImportReportOut(BaseModel):
    """What was imported, or would be; nothing is while `rejected` holds anything.

    `codes` has the code of each feature in the order of the file, null where it was rejected.
    """

    file: str
    datum: str
    valid_from: date
    dry_run: bool
    total: int
    accepted: int
    created: int
    changed: int
    unchanged: int
    rejected: list[RejectionOut]
    imported: bool
    hints: list[HintOut]
    codes: list[str | None]

    @classmethod
    def of(cls, report: ImportReport, *, file: str, dry_run: bool) -> "ImportReportOut":
        return cls(
            file=file,
            datum=report.datum,
            valid_from=report.valid_from,
            dry_run=dry_run,
            total=report.total,
            accepted=report.accepted,
            created=report.created,
            changed=report.changed,
            unchanged=report.unchanged,
            rejected=[RejectionOut.of(rejection) for rejection in report.rejected],
            imported=report.imported,
            hints=[HintOut.of(hint) for hint in report.hints],
            codes=list(report.codes),
        )
