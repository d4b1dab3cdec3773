"""Many patrols judged at once, when many wait and for recomputing a week: the same rows as one by one.

One by one, reading, storing and locking cost several times what judging does. Here the rows of a batch are
read together, all verdicts are stored by what each patrol shows itself, and only then compared with each
other, so that the order within a batch does not matter.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit, jobs
from core.clock import Week, local_date
from geo.models import Grid
from patrol.coverage.rolling import enqueue_days
from patrol.judging.evidence import (
    JudgedGrid,
    PlacedCheckpoint,
    StoredRows,
    checkpoints_on,
    grids_on,
    recorded_of,
    standing_in,
    stored_policies,
    stored_rows,
)
from patrol.judging.judge import Seen, enqueue_roll_up, judge_patrol, judge_recorded, row_of
from patrol.judging.likeness import unpacked
from patrol.judging.suspicion import Suspect, Suspicion, suspicions_of
from patrol.judging.verdicts import Verdict, doubted
from patrol.models import Patrol, PatrolVerdict
from patrol.policies import PolicyRow, policy_for
from patrol.recording.filing import JUDGE, enqueue_judging

JUDGE_MANY = "patrol.judge_many"
BATCH = 200  # patrols of one transaction: about 2 s, and 30 MB of fixes
_FEW = 5  # patrols of a street on a day: for more, all its checkpoints are read at once
log = structlog.get_logger(__name__)
_UNSUSPECTED = Suspicion((), frozenset())


# Nothing is waited for: who holds one of these rows may wait for another that this transaction holds. What
# failed before comes alone, so that it fails alone.
_CLAIM = text("""
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT job.id FROM procrastinate_jobs job
    JOIN patrols patrol ON patrol.patrol_id = (job.args ->> 'patrol_id')::uuid
    JOIN grids USING (grid_id)
    WHERE job.task_name = :task AND job.status = 'todo' AND job.attempts = 0 AND job.scheduled_at IS NULL
        AND grids.street_code = (
            SELECT street_code FROM patrols JOIN grids USING (grid_id) WHERE patrol_id = :patrol_id)
    ORDER BY job.id LIMIT :most
    FOR UPDATE OF job SKIP LOCKED FOR NO KEY UPDATE OF patrol SKIP LOCKED)
RETURNING args ->> 'patrol_id'
""")


def judge_waiting(session: Session, patrol_id: str) -> None:
    """The job `patrol.judge`: the patrol is judged, together with those of its street that wait for the same.

    Their jobs go in this transaction, so whatever ends it leaves either their verdicts or their jobs. Should
    one of them not bear judging, this one is judged alone.
    """
    own = select(Patrol.patrol_id).where(Patrol.patrol_id == uuid.UUID(patrol_id))
    session.execute(own.with_for_update(key_share=True))  # the only row that is waited for, so the first
    try:
        with session.begin_nested():
            claimed = {"task": JUDGE, "patrol_id": uuid.UUID(patrol_id), "most": BATCH - 1}
            waiting = session.scalars(_CLAIM, claimed).all()
            if waiting:
                judge_many(session, [patrol_id, *waiting])
                return
    except Exception:
        log.exception("judging.batch_failed", patrol=patrol_id)
    judge_patrol(session, patrol_id)


def judge_many(session: Session, patrol_ids: Sequence[str]) -> None:
    """The verdict of each of these patrols is that of everything stored, as after `judge_patrol` of each.

    Takes all row locks in the order of the ids. Meant for patrols of one street. A patrol whose fixes were
    deleted by age keeps its verdict.
    """
    patrols = session.scalars(
        select(Patrol)
        .where(Patrol.patrol_id.in_([uuid.UUID(one) for one in patrol_ids]))
        .where(Patrol.fixes_deleted_at.is_(None))
        .order_by(Patrol.patrol_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    if not patrols:
        return
    judged_at = session.scalars(select(func.clock_timestamp())).one()
    before = _before(session, patrols)
    seen = _Desk(session).look_at(patrols)
    alone = {one.patrol_id: row_of(one, seen[one.patrol_id], _UNSUSPECTED, judged_at) for one in patrols}
    _store(session, alone)
    final, related = dict(alone), set[uuid.UUID]()
    suspicions = suspicions_of(session, [_suspect(one, seen, alone) for one in patrols])
    for patrol_id, suspicion in suspicions.items():
        if suspicion != _UNSUSPECTED:
            final[patrol_id] = {**alone[patrol_id], **doubtful_values(seen[patrol_id].verdict, suspicion)}
        earlier = before.get(patrol_id)
        related |= suspicion.related ^ set(earlier.related if earlier else ())
    _store(session, {key: row for key, row in final.items() if row is not alone[key]})
    _pass_on(session, patrols, seen, related)
    _record(session, seen, final, before)


def _suspect(
    patrol: Patrol, seen: Mapping[uuid.UUID, Seen], rows: Mapping[uuid.UUID, Mapping[str, Any]]
) -> Suspect:
    one, trace = seen[patrol.patrol_id], rows[patrol.patrol_id]["trace"]
    return Suspect(patrol, one.verdict, trace and unpacked(trace), one.chosen.policy)


def doubtful_values(verdict: Verdict, suspicion: Suspicion) -> dict[str, Any]:
    """The columns of PatrolVerdict that a comparison with others changes."""
    changed = doubted(verdict, suspicion.doubts)
    return {
        "status": changed.status.value,
        "results": [one.members() for one in changed.results],
        "related": sorted(suspicion.related),
    }


def enqueue_week(session: Session, street_code: str, week: Week) -> int:
    """All patrols of the street's week will be judged again, in batches; how many there are."""
    in_week = (Patrol.started_at >= week.starts_at, Patrol.started_at < week.ends_at)
    ids = session.scalars(
        select(Patrol.patrol_id)
        .join(Grid, Grid.grid_id == Patrol.grid_id)
        .where(Grid.street_code == street_code, *in_week)
        .order_by(Patrol.patrol_id)
    ).all()
    for batch in batches(ids):
        jobs.enqueue(
            session, JUDGE_MANY, lock=f"{JUDGE_MANY}:{street_code}", patrol_ids=[str(one) for one in batch]
        )
    return len(ids)


def batches(patrol_ids: Sequence[uuid.UUID]) -> Iterable[Sequence[uuid.UUID]]:
    """At most BATCH at a time."""
    return (patrol_ids[first : first + BATCH] for first in range(0, len(patrol_ids), BATCH))


@dataclass(slots=True)
class _Desk:
    """What several patrols of a batch are judged with, read once."""

    session: Session
    placed: dict[tuple[str, date], list[PlacedCheckpoint]] = field(default_factory=dict)
    patrols: Counter[tuple[str, date]] = field(default_factory=Counter)  # of a street on a day

    def look_at(self, patrols: Sequence[Patrol]) -> dict[uuid.UUID, Seen]:
        rows, policies = stored_rows(self.session, patrols), stored_policies(self.session)
        places = {one.patrol_id: (one.grid_id, local_date(one.started_at)) for one in patrols}
        grids = grids_on(self.session, set(places.values()))
        self.patrols = Counter((grids[place].street_code, place[1]) for place in places.values())
        return {
            one.patrol_id: self._seen(one, rows[one.patrol_id], grids[places[one.patrol_id]], policies)
            for one in patrols
        }

    def _seen(
        self, patrol: Patrol, rows: StoredRows, grid: JudgedGrid, policies: Sequence[PolicyRow]
    ) -> Seen:
        day = local_date(patrol.started_at)
        chosen = policy_for(policies, path=grid.path, kind=grid.kind, day=day)
        path = f"{grid.street_code}/" if self.patrols[grid.street_code, day] > _FEW else grid.path
        stored = recorded_of(patrol, rows, standing_in(self._placed(path, day), grid.path, patrol.started_at))
        verdict, track = judge_recorded(stored, grid, chosen.policy)
        return Seen(grid, chosen, stored, verdict, track)

    def _placed(self, path: str, day: date) -> list[PlacedCheckpoint]:
        if (path, day) not in self.placed:
            self.placed[path, day] = checkpoints_on(self.session, path, day)
        return self.placed[path, day]


@dataclass(frozen=True, slots=True)
class _Before:
    status: str
    related: Collection[uuid.UUID]


def _before(session: Session, patrols: Sequence[Patrol]) -> dict[uuid.UUID, _Before]:
    rows = session.execute(
        select(PatrolVerdict.patrol_id, PatrolVerdict.status, PatrolVerdict.related).where(
            PatrolVerdict.patrol_id.in_([one.patrol_id for one in patrols])
        )
    )
    return {patrol_id: _Before(status, related) for patrol_id, status, related in rows}


def _store(session: Session, rows: Mapping[uuid.UUID, Mapping[str, Any]]) -> None:
    """Insert or rewrite; the decision of a supervisor stays."""
    if not rows:
        return
    given = [{"patrol_id": patrol_id, **row} for patrol_id, row in rows.items()]
    statement = insert(PatrolVerdict)
    changed = {name: statement.excluded[name] for name in given[0] if name != "patrol_id"}
    session.execute(statement.on_conflict_do_update(index_elements=["patrol_id"], set_=changed), given)


def _pass_on(
    session: Session, patrols: Sequence[Patrol], seen: Mapping[uuid.UUID, Seen], related: set[uuid.UUID]
) -> None:
    """Sums are to be made anew, and patrols outside the batch that have come to resemble one of it."""
    days: dict[str, set[date]] = defaultdict(set)
    for patrol in patrols:
        days[seen[patrol.patrol_id].grid.street_code].add(local_date(patrol.started_at))
    for street_code, own in sorted(days.items()):
        for week in sorted({Week.of_day(day) for day in own}):
            enqueue_roll_up(session, street_code, week)
        enqueue_days(session, street_code, own)
    outside = related - seen.keys()
    judged = select(PatrolVerdict.patrol_id).where(PatrolVerdict.patrol_id.in_(outside))
    for other in session.scalars(judged.order_by(PatrolVerdict.patrol_id)).all() if outside else ():
        enqueue_judging(session, other)


def _record(
    session: Session,
    seen: Mapping[uuid.UUID, Seen],
    rows: Mapping[uuid.UUID, Mapping[str, Any]],
    before: Mapping[uuid.UUID, _Before],
) -> None:
    """A line for each patrol whose status changed, as judging one by one leaves it."""
    lines: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for patrol_id, row in rows.items():
        earlier = before.get(patrol_id)
        was = earlier.status if earlier else None
        if was != row["status"]:
            detail = {"status": row["status"], "before": was, "policy_id": row["policy_id"]}
            lines[seen[patrol_id].grid.street_code].append((f"patrol:{patrol_id}", detail))
    for street_code, subjects in sorted(lines.items()):
        audit.record_many(
            session, chain=street_code, actor="worker", action="patrol.judged", subjects=subjects
        )
