"""Can this plan be approved? Codes, parents and levels, how shapes fit, and what else changed meanwhile."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from core.clock import today
from geo.codes import Reason, parse
from geo.files.geojson import GridDraft
from geo.fitting.topology import Fault, FaultKind, check_siblings
from geo.importing.plan import ImportPlan, StoredGrid, Surroundings, plan_import
from geo.models import DivisionPlan
from geo.norms import RuledGrid, is_scattered, level_faults, level_hints, size_finding
from geo.plans.world import CREATE, RETIRE, PlanGrid, World, load_world, multi
from geo.queries import lookups_of_streets

_MONDAY = 0
_BLOCKING = {FaultKind.OVERLAP, FaultKind.OUTSIDE}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to put right or to know, and the grids it is about."""

    reason: Reason
    grids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanFault:
    """A misfit of shapes; `is_new` when the plan touches one of its grids."""

    fault: Fault
    parent: PlanGrid | None
    grids: tuple[PlanGrid, ...]
    is_new: bool

    @property
    def blocks(self) -> bool:
        return self.is_new and self.fault.kind in _BLOCKING


@dataclass(slots=True)
class CheckReport:
    """What stands against a plan; it is ready for approval when there are no errors."""

    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    faults: list[PlanFault] = field(default_factory=list)
    drafts: list[tuple[PlanGrid, GridDraft]] = field(default_factory=list)
    placed: ImportPlan = field(default_factory=ImportPlan)

    @property
    def is_ready(self) -> bool:
        return not self.errors

    def totals(self) -> dict[FaultKind, int]:
        """How many faults there are of each kind."""
        return {kind: sum(fault.fault.kind is kind for fault in self.faults) for kind in FaultKind}


def check_plan(session: Session, plan: DivisionPlan, world: World | None = None) -> CheckReport:
    """Everything that stands against approving the plan as it is, and what its approver should know."""
    world = world or load_world(session, plan)
    report = CheckReport()
    report.drafts = list(drafts_of(world))
    lookups = lookups_of_streets(session, {plan.street_code}, plan.valid_from)
    around = Surroundings(standing_after(world), lookups, lambda _path: True, plan.valid_from)
    report.placed = plan_import([draft for _, draft in report.drafts], set(), around)
    report.faults = list(faults_of(world))
    report.errors += _errors(plan, world, report)
    report.warnings += _warnings(plan, world, report)
    return report


def drafts_of(world: World) -> Iterator[tuple[PlanGrid, GridDraft]]:
    """New and changed grids in the form that imports are planned with."""
    changed = [grid for grid in world.grids.values() if grid.action not in {None, RETIRE}]
    for index, grid in enumerate(changed):
        parent = world.parent(grid)
        yield (
            grid,
            GridDraft(
                index=index,
                name=grid.name,
                level=grid.level,
                kind=grid.kind,
                households=grid.households,
                feature_ref=grid.ref,
                parent_ref=parent.ref if parent else grid.place,
                object_code=grid.object_code,
                code=parse(grid.code) if grid.code else None,
                attributes=grid.attributes,
                drawn=None,
                shape=None if grid.shape is None else multi(grid.shape),
                source_datum=grid.source_datum,
            ),
        )


def standing_after(world: World) -> Mapping[str, StoredGrid]:
    """Stored grids, those that the plan retires among the retired."""
    gone = {grid.ref for grid in world.grids.values() if not grid.stands}
    return {
        code: replace(stored, is_retired=True) if code in gone else stored
        for code, stored in world.around.items()
    }


# -------------------------------------------------------------------------------------------- shapes


def faults_of(world: World) -> Iterator[PlanFault]:
    """Misfits in every family that the plan touches."""
    touched = [grid for grid in world.grids.values() if grid.action is not None]
    families = {grid.parent_ref for grid in touched} | {grid.ref for grid in touched if grid.stands}
    for parent_ref in sorted(families, key=lambda ref: ref or ""):
        parent = world.grids.get(parent_ref) if parent_ref else None
        children = [child for child in world.children(parent_ref) if child.shape is not None]
        if children:
            yield from _family_faults(world, parent, children)


def _family_faults(world: World, parent: PlanGrid | None, children: list[PlanGrid]) -> Iterator[PlanFault]:
    shapes = [child.shape for child in children if child.shape is not None]
    beside = [] if parent else [near.shape for near in world.neighbours() if near.shape is not None]
    for fault in check_siblings(parent.shape if parent else None, [*shapes, *beside]):
        own = tuple(children[index] for index in fault.indices if index < len(children))
        if own or parent:
            is_new = any(grid.action for grid in (*own, *([parent] if parent else [])))
            yield PlanFault(fault, parent, own, is_new)


# ------------------------------------------------------------------------------------------ findings


def _errors(plan: DivisionPlan, world: World, report: CheckReport) -> Iterator[Finding]:
    if not any(grid.action for grid in world.grids.values()):
        yield Finding(Reason("plan-empty", "方案尚无任何变更", "the plan changes nothing yet"))
    if plan.valid_from < today():
        zh, en = f"生效日期 {plan.valid_from} 已过", f"the plan was to hold from {plan.valid_from}"
        yield Finding(Reason("valid-from-past", zh, en))
    refs = {draft.index: grid.ref for grid, draft in report.drafts}
    for rejection in report.placed.rejections:
        yield Finding(rejection.reason, (refs[rejection.index],))
    yield from _outdated(world)
    yield from _too_early(plan, world)
    yield from _orphans(world)
    yield from _rule_findings(world, level_faults)
    for kind in sorted(_BLOCKING):
        faults = [found for found in report.faults if found.blocks and found.fault.kind is kind]
        if faults:
            yield _shape_finding(kind, faults)


def _outdated(world: World) -> Iterator[Finding]:
    """Grids that somebody else's approval changed after this plan took them up."""
    for grid in world.grids.values():
        if grid.stored is None or grid.action in {None, CREATE}:
            continue
        if grid.stored.is_retired or grid.stored.version_id != grid.base_version_id:
            by, at = grid.stored.changed_by or "?", grid.stored.changed_at
            day = at.date().isoformat() if at else "?"
            zh = f"网格 {grid.name} 在列入本方案后已由 {by} 于 {day} 变更，请撤销该项后重做"
            en = (
                f"grid {grid.name} was changed by {by} on {day}, after this plan took it up: undo and redo it"
            )
            yield Finding(Reason("grid-outdated", zh, en), (grid.ref,))


def _too_early(plan: DivisionPlan, world: World) -> Iterator[Finding]:
    """Grids that would stand for no day: an approved plan gives them a new version only later."""
    for grid in world.grids.values():
        if grid.action == RETIRE and grid.stored and grid.stored.valid_from >= plan.valid_from:
            day = grid.stored.valid_from
            zh = f"网格 {grid.name} 的当前版本自 {day} 起有效，须在其后停用"
            en = f"the version of grid {grid.name} holds from {day}; it can only be retired later"
            yield Finding(Reason("valid-from-too-early", zh, en), (grid.ref,))


def _orphans(world: World) -> Iterator[Finding]:
    for grid in world.grids.values():
        parent = world.parent(grid)
        if grid.stands and grid.level > 1 and (parent is None or not parent.stands):
            zh = f"网格 {grid.name} 的上级将停用"
            en = f"the parent of grid {grid.name} is to be retired"
            yield Finding(Reason("parent-retired", zh, en), (grid.ref,))


def _warnings(plan: DivisionPlan, world: World, report: CheckReport) -> Iterator[Finding]:
    if plan.valid_from.weekday() != _MONDAY:
        zh = "生效日期不是周一：当周的巡查考核将分属新旧网格"
        en = "not a Monday: that week's patrols will be split between old and new grids"
        yield Finding(Reason("not-a-monday", zh, en))
    for kind in FaultKind:
        faults = [found for found in report.faults if found.fault.kind is kind and not found.blocks]
        if faults:
            yield _shape_finding(kind, faults)
    for grid, _ in report.drafts:
        yield from _size_findings(world, grid)
    yield from _rule_findings(world, level_hints)


Rules = Callable[[Sequence[RuledGrid]], list[tuple[str, Reason]]]


def _rule_findings(world: World, find: Rules) -> Iterator[Finding]:
    """What the level rules of clause 5.2 say of new and changed grids."""
    standing = [grid for grid in world.grids.values() if grid.stands]
    ruled = [
        RuledGrid(grid.ref, grid.level, grid.kind, grid.parent_ref, grid.shape is not None, grid.attributes)
        for grid in standing
    ]
    touched = {grid.ref for grid in standing if grid.action is not None}
    for ref, reason in find(ruled):
        if ref in touched:
            yield Finding(_named(world.grids[ref], reason), (ref,))


def _size_findings(world: World, grid: PlanGrid) -> Iterator[Finding]:
    if grid.level == 3 and grid.households is None:
        zh, en = f"网格 {grid.name} 的户数待填", f"the households of grid {grid.name} are not known"
        yield Finding(Reason("households-unknown", zh, en), (grid.ref,))
    scattered = is_scattered(grid.kind, grid.attributes)
    below = {child.kind for child in world.children(grid.ref)}
    size = size_finding(grid.level, grid.kind, grid.households, scattered, kinds_below=below)
    if size is not None:
        yield Finding(_named(grid, size), (grid.ref,))


def _named(grid: PlanGrid, reason: Reason) -> Reason:
    return Reason(reason.code, f"{grid.name}：{reason.zh}", f"{grid.name}: {reason.en}")


_WORDS = {
    FaultKind.OVERLAP: ("处重叠", "overlaps"),
    FaultKind.OUTSIDE: ("处超出上级网格", "parts outside their parent"),
    FaultKind.GAP: ("处未覆盖（4.1 要求全覆盖）", "gaps (clause 4.1 asks for full coverage)"),
    FaultKind.SLIVER: ("处狭缝或狭条", "slivers"),
}


def _shape_finding(kind: FaultKind, faults: Sequence[PlanFault]) -> Finding:
    zh, en = _WORDS[kind]
    area = sum(found.fault.area_m2 for found in faults)
    refs = {grid.ref: None for found in faults for grid in found.grids}
    reason = Reason(
        f"shape-{kind}",
        f"{len(faults)} {zh}，共 {area:.0f} 平方米",
        f"{en}: {len(faults)}, {area:.0f} m2 in all",
    )
    return Finding(reason, tuple(refs))
