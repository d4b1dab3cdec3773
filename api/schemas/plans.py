"""Division plans on the wire."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from api.schemas.grids import HintOut, RejectionOut
from core.storable import Attributes, Body
from geo.files.geojson import Rejection
from geo.plans.checking import CheckReport, Finding
from geo.plans.importing import PlanImportReport
from geo.plans.queries import PlanStep, PlanSummary
from geo.plans.repairing import PlanRepair
from geo.plans.shown import ShownChange, feature_of, feature_of_fault, geometry_of
from geo.plans.world import PlanGrid
from geo.queries import BBox
from registry.subdividing import Part, Proposal

Ref = Annotated[str, Field(min_length=1, max_length=40, description="grid code, or change_id of a new grid")]
DatumName = Annotated[str, Field(max_length=200)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Kind = Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)]
Households = Annotated[int, Field(ge=0, le=100_000)]
Shape = Annotated[dict[str, Any], Field(description="GeoJSON geometry")]


class PlanIn(Body):
    """What is said of a plan as a whole."""

    street_code: Annotated[str, Field(min_length=9, max_length=9)]
    title: Name
    valid_from: date
    note: Annotated[str, Field(max_length=2000)] = ""


class SplitIn(Body):
    """A grid is cut by a line, or into the parts given."""

    grid: Ref
    line: Shape | None = None
    parts: Annotated[list[Shape] | None, Field(min_length=1, max_length=99)] = None
    datum: DatumName = "EPSG:4490"
    keep: Annotated[int | None, Field(ge=0, description="part that keeps the code; the largest")] = None
    names: list[Name] | None = None
    places: Annotated[list[str] | None, Field(description="communities of the parts, at level 1")] = None


class MergeIn(Body):
    """Several grids of one parent become one."""

    grids: Annotated[list[Ref], Field(min_length=2, max_length=99)]
    name: Name | None = None
    keep: Ref | None = None


class BoundaryIn(Body):
    """A grid has this boundary; its neighbours follow."""

    grid: Ref
    geometry: Shape
    datum: DatumName = "EPSG:4490"


class RetireIn(Body):
    """A grid stands no longer; `into` takes its ground."""

    grid: Ref
    into: Ref | None = None


class NewGridIn(Body):
    """A grid drawn by hand."""

    level: Annotated[int, Field(ge=1, le=5)]
    parent: Ref
    name: Name
    kind: Kind
    households: Households | None = None
    geometry: Shape | None = None
    attributes: Attributes = Field(default_factory=dict)
    object_code: Annotated[str | None, Field(min_length=6, max_length=6)] = None
    datum: DatumName = "EPSG:4490"


class GridEditIn(Body):
    """What is said of a grid; what is left out stays."""

    name: Name = ""
    kind: Kind = ""
    households: Households | None = None
    attributes: Attributes = Field(default_factory=dict)


class RepairIn(Body):
    """How far vertices may be moved, and how wide a gap may be closed."""

    snap_m: Annotated[float, Field(ge=0, le=50)] = 1.0
    gap_m: Annotated[float, Field(ge=0, le=100)] = 5.0


class SubdivideIn(Body):
    """A grid that is too large, and how many households a part should have (the norm's number)."""

    grid: Ref
    households: Annotated[int | None, Field(ge=10, le=10_000)] = None


class ApprovalIn(Body):
    """Whether the warnings are taken as they are."""

    accept_warnings: bool = False


class NoteIn(Body):
    """A word to whoever drew the plan."""

    note: Annotated[str, Field(min_length=1, max_length=2000)]


class PlanOut(BaseModel):
    """A plan as a list shows it."""

    plan_id: uuid.UUID
    street_code: str
    street_name: str
    title: str
    status: str
    valid_from: date
    revision: int
    created_at: datetime
    changed_at: datetime
    changed_by: str
    counts: dict[str, int]

    @classmethod
    def of(cls, plan: PlanSummary) -> "PlanOut":
        return cls.model_validate(plan, from_attributes=True)


class PlanPage(BaseModel):
    """Plans, the newest first."""

    items: list[PlanOut]
    next: str | None


class WasOut(BaseModel):
    """A grid before its change."""

    name: str
    kind: str
    households: int | None
    area_m2: float | None
    version: int


class OutdatedOut(BaseModel):
    """Who changed the grid after the plan took it up, and when."""

    by: str
    at: datetime | None


class ChangeOut(BaseModel):
    """A grid as it shall be, or shall no longer be."""

    change_id: uuid.UUID
    action: str
    grid: str
    code: str | None
    level: int
    name: str
    kind: str
    households: int | None
    attributes: dict[str, Any]
    parent: str | None
    area_m2: float | None
    was: WasOut | None
    outdated: OutdatedOut | None
    sources: list[str]

    @classmethod
    def of(cls, change: ShownChange) -> "ChangeOut":
        return cls.model_validate(change, from_attributes=True)


class StepOut(BaseModel):
    """A step of the plan's timeline."""

    event: str
    at: datetime
    by: str
    detail: dict[str, Any]

    @classmethod
    def of(cls, step: PlanStep) -> "StepOut":
        return cls(event=step.event, at=step.at, by=step.by, detail=dict(step.detail))


class MayOut(BaseModel):
    """What the caller may do with the plan now."""

    edit: bool
    submit: bool
    approve: bool
    withdraw: bool


class PlanDetailOut(PlanOut):
    """A plan with its changes and its timeline."""

    note: str
    street_bbox: BBox | None
    changes: list[ChangeOut]
    events: list[StepOut]
    may: MayOut
    codes: Annotated[dict[str, str], Field(description="codes given by this approval, by reference")]


class FeatureCollectionOut(BaseModel):
    """GeoJSON (RFC 7946)."""

    type: str
    features: list[dict[str, Any]]

    @classmethod
    def of_grids(cls, grids: Sequence[PlanGrid], parents: Mapping[str, str | None]) -> "FeatureCollectionOut":
        return cls(type="FeatureCollection", features=[feature_of(grid, parents[grid.ref]) for grid in grids])


class FindingOut(BaseModel):
    """Something to put right or to know."""

    code: str
    zh: str
    en: str
    grids: list[str]

    @classmethod
    def of(cls, found: Finding) -> "FindingOut":
        reason = found.reason
        return cls(code=reason.code, zh=reason.zh, en=reason.en, grids=list(found.grids))


class CheckOut(BaseModel):
    """What stands against a plan."""

    ready: bool
    errors: list[FindingOut]
    warnings: list[FindingOut]
    totals: dict[str, int]
    faults: FeatureCollectionOut

    @classmethod
    def of(cls, report: CheckReport) -> "CheckOut":
        features = [feature_of_fault(fault) for fault in report.faults]
        return cls(
            ready=report.is_ready,
            errors=[FindingOut.of(found) for found in report.errors],
            warnings=[FindingOut.of(found) for found in report.warnings],
            totals={kind.value: number for kind, number in report.totals().items()},
            faults=FeatureCollectionOut(type="FeatureCollection", features=features),
        )


class MovedOut(BaseModel):
    """How much ground a repair gives to or takes from a grid."""

    grid: str
    name: str
    moved_m2: float


class RepairOut(BaseModel):
    """A repair as proposed, or as carried out when it was no dry run."""

    dry_run: bool
    changed: list[MovedOut]
    shapes: FeatureCollectionOut
    totals: Annotated[dict[str, int], Field(description="faults that remain, by kind")]
    faults: FeatureCollectionOut
    revision: int

    @classmethod
    def of(cls, repair: PlanRepair, *, dry_run: bool, revision: int) -> "RepairOut":
        world = repair.world
        parents = {grid.ref: grid.parent_ref for grid in world.grids.values()}
        moved = [world.grids[ref] for ref in repair.moved_m2]
        return cls(
            dry_run=dry_run,
            changed=[
                MovedOut(grid=grid.ref, name=grid.name, moved_m2=repair.moved_m2[grid.ref]) for grid in moved
            ],
            shapes=FeatureCollectionOut.of_grids(moved, parents),
            totals={kind.value: number for kind, number in repair.totals().items()},
            faults=FeatureCollectionOut(
                type="FeatureCollection", features=[feature_of_fault(fault) for fault in repair.faults]
            ),
            revision=revision,
        )


class SubdivisionOut(BaseModel):
    """A grid in parts, as proposed, or as split when it was no dry run."""

    dry_run: bool
    target: Annotated[int, Field(description="households per part")]
    method: str
    balance: Annotated[float, Field(description="the largest part, relative to the mean")]
    tolerance: float
    border_m: float
    households: int
    buildings: int
    parts: FeatureCollectionOut
    revision: int

    @classmethod
    def of(cls, found: Proposal, *, dry_run: bool, revision: int) -> "SubdivisionOut":
        return cls(
            dry_run=dry_run,
            target=found.target,
            method=found.method,
            balance=found.balance,
            tolerance=found.tolerance,
            border_m=found.border_m,
            households=found.before.figures.households,
            buildings=found.before.figures.buildings,
            parts=FeatureCollectionOut(
                type="FeatureCollection", features=[_part_feature(part) for part in found.parts]
            ),
            revision=revision,
        )


def _part_feature(part: Part) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": geometry_of(part.shape),
        "properties": {
            "area_m2": part.area_m2,
            "households": part.figures.households,
            "buildings": part.figures.buildings,
            "size": None if part.size is None else {"zh": part.size.zh, "en": part.size.en},
        },
    }


class PlanImportOut(BaseModel):
    """What a file brought into a plan; nothing while `rejected` holds anything."""

    imported: bool
    datum: str
    total: int
    created: int
    changed: int
    unchanged: int
    rejected: list[RejectionOut]
    hints: list[HintOut]
    revision: int

    @classmethod
    def of(cls, report: PlanImportReport, *, datum: str, revision: int) -> "PlanImportOut":
        rejected: Sequence[Rejection] = report.rejected
        return cls(
            imported=report.imported,
            datum=datum,
            total=report.total,
            created=report.created,
            changed=report.changed,
            unchanged=report.unchanged,
            rejected=[RejectionOut.of(rejection) for rejection in rejected],
            hints=[HintOut.of(hint) for hint in report.hints],
            revision=revision,
        )
