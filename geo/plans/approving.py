"""From draft to law: submitted by one person, approved by another, valid from a day."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from core import audit
from core.errors import Conflict, Forbidden
from core.signals import GRIDS, announce
from geo.importing.grids import ONE_IMPORT_AT_A_TIME
from geo.importing.writing import Origin, write_grids
from geo.models import DivisionPlan, Grid, GridSuccession, GridVersion, PlannedChange
from geo.plans.checking import CheckReport, Finding, check_plan
from geo.plans.queries import had_a_hand_in
from geo.plans.records import APPROVED, DRAFT, SUBMITTED, WITHDRAWN, Editor, changed, require_status
from geo.plans.world import RETIRE, PlanGrid, World, load_world


class PlanNotReady(Conflict):
    """This division plan has faults that must be put right before it can be approved."""

    code = "plan-not-ready"


class WarningsNotAccepted(Conflict):
    """This division plan has warnings; approve it with accept_warnings to take them as they are."""

    code = "plan-warnings"


class OwnPlan(Forbidden):
    """Whoever drew on a division plan, or submitted it, does not approve it."""

    code = "own-plan"


@dataclass(frozen=True, slots=True)
class Approval:
    """What an approval brought about: codes by reference, and who succeeds whom (keys of grids)."""

    codes: Mapping[str, str]
    successions: tuple[tuple[int, int], ...]
    retired: tuple[int, ...]


def submit(session: Session, plan: DivisionPlan, editor: Editor) -> None:
    """The plan waits for its approval and can no longer be drawn on. Raises: PlanClosed, PlanNotReady."""
    require_status(plan, DRAFT)
    _refuse_errors(check_plan(session, plan))
    plan.status, plan.submitted_by = SUBMITTED, editor.label
    changed(session, plan, editor, "submitted", {})


def give_back(session: Session, plan: DivisionPlan, editor: Editor, note: str) -> None:
    """The plan is a draft again, with a word why. Raises: PlanClosed."""
    require_status(plan, SUBMITTED)
    plan.status, plan.submitted_by = DRAFT, None
    changed(session, plan, editor, "returned", {"note": note})


def withdraw(session: Session, plan: DivisionPlan, editor: Editor) -> None:
    """The plan is put aside for good; its drawing can still be looked at. Raises: PlanClosed."""
    require_status(plan, DRAFT, SUBMITTED)
    plan.status = WITHDRAWN
    changed(session, plan, editor, "withdrawn", {})


def approve(session: Session, plan: DivisionPlan, editor: Editor, *, accept_warnings: bool) -> Approval:
    """Grids are as the plan says from its day on, with codes for the new ones.

    Raises: PlanClosed, OwnPlan, PlanNotReady, WarningsNotAccepted.
    """
    require_status(plan, SUBMITTED)
    if had_a_hand_in(session, plan.plan_id, editor.label):
        raise OwnPlan
    session.execute(ONE_IMPORT_AT_A_TIME)  # codes are given by looking at those that exist
    world = load_world(session, plan)
    report = check_plan(session, plan, world)
    _refuse_errors(report)
    if report.warnings and not accept_warnings:
        raise WarningsNotAccepted(_listed(report.warnings), findings=_told(report.warnings))
    approval = _write(session, plan, world, report, editor)
    plan.status = APPROVED
    changed(session, plan, editor, "approved", {"codes": dict(approval.codes)})
    announce(session, GRIDS, plan.street_code)
    return approval


def _refuse_errors(report: CheckReport) -> None:
    if report.errors:
        raise PlanNotReady(_listed(report.errors), findings=_told(report.errors))


def _listed(findings: list[Finding]) -> str:
    return "; ".join(str(finding.reason) for finding in findings[:5])


def _told(findings: list[Finding]) -> list[dict[str, object]]:
    return [
        {"code": found.reason.code, "zh": found.reason.zh, "en": found.reason.en, "grids": list(found.grids)}
        for found in findings
    ]


def _write(
    session: Session, plan: DivisionPlan, world: World, report: CheckReport, editor: Editor
) -> Approval:
    origin = Origin("", plan.valid_from, changed_by=editor.name, plan_id=plan.plan_id)
    ids = write_grids(session, report.placed.grids, origin)
    codes = {grid.draft.feature_ref or "": str(grid.code) for grid in report.placed.grids}
    retired = [grid for grid in world.grids.values() if grid.action == RETIRE]
    _retire(session, plan, retired)
    for grid, _ in report.drafts:
        if grid.stored is None:
            named = update(PlannedChange).where(PlannedChange.change_id == grid.change_id)
            session.execute(named.values(code=codes[grid.ref]))
    key_of = {
        grid.ref: grid.stored.grid_id if grid.stored else ids[codes[grid.ref]] for grid, _ in report.drafts
    }
    successions = tuple(
        sorted(
            (source, key_of[grid.ref])
            for grid, _ in report.drafts
            for source in set(grid.sources)
            if source != key_of[grid.ref]
        )
    )
    _record_successions(session, plan, successions)
    _tell(session, plan, editor, codes, retired)
    return Approval(codes, successions, tuple(grid.stored.grid_id for grid in retired if grid.stored))


def _successions(
    grids: list[PlanGrid], codes: Mapping[str, str], ids: Mapping[str, int]
) -> Iterator[tuple[int, int]]:
    for grid in grids:
        key = grid.stored.grid_id if grid.stored else ids[codes[grid.ref]]
        yield from ((source, key) for source in set(grid.sources) if source != key)


def _retire(session: Session, plan: DivisionPlan, retired: list[PlanGrid]) -> None:
    """The grids stand until before the plan's day. Their codes are never given again."""
    keys = [grid.stored.grid_id for grid in retired if grid.stored]
    if not keys:
        return
    session.execute(update(Grid).where(Grid.grid_id.in_(keys)).values(retired_on=plan.valid_from))
    session.execute(
        update(GridVersion)
        .where(GridVersion.grid_id.in_(keys), GridVersion.valid_to.is_(None))
        .values(valid_to=plan.valid_from)
    )


def _record_successions(
    session: Session, plan: DivisionPlan, successions: tuple[tuple[int, int], ...]
) -> None:
    rows = [
        {"predecessor_id": old, "successor_id": new, "since": plan.valid_from, "plan_id": plan.plan_id}
        for old, new in successions
    ]
    if rows:
        session.execute(insert(GridSuccession), rows)


def _tell(
    session: Session,
    plan: DivisionPlan,
    editor: Editor,
    codes: Mapping[str, str],
    retired: list[PlanGrid],
) -> None:
    audit.record(
        session,
        chain=plan.street_code,
        actor=editor.label,
        action="grids.replanned",
        subject=f"street:{plan.street_code}",
        detail={
            "plan": str(plan.plan_id),
            "valid_from": plan.valid_from.isoformat(),
            "written": sorted(codes.values()),
            "retired": sorted(grid.ref for grid in retired),
        },
    )
