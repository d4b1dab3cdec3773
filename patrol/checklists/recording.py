"""Findings, results and themes of patrols as phones deliver them: late, twice, before their patrol.

patrol/recording/tracks.py tells the rules: a repeat is answered as the first time, another content under
the same id is a conflict, what cannot be filed is kept aside with its reason and the error returned, and
what comes before its patrol is filed when that arrives. Results that are in order are findings too, under an
id made of what they say, so that any of them may come in any request, in any order, as often as needed.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.scope import Actor
from core import audit, quarantine
from core.clock import now
from core.errors import DomainError, FieldError
from core.models import QuarantinedItem
from core.photos import NamedPhoto, expect_photos
from core.settings import PatrolSettings
from geo.datums import to_cgcs2000
from geo.models import CGCS2000, Grid
from patrol.checklists.lists import ChecklistRow
from patrol.checklists.models import Checklist, Finding, PatrolThemes
from patrol.checklists.placing import grid_path_at
from patrol.checklists.problems import FindingConflict, FindingInvalid, ThemesConflict
from patrol.checklists.queries import row_of
from patrol.checklists.wire import FindingIn, ResultsIn, ThemesIn, content_hash, parse
from patrol.models import Patrol
from patrol.recording.filing import lock_patrol
from patrol.recording.problems import PatrolOfAnother, PatrolUnknown
from patrol.recording.tracks import REFILERS, Filed
from patrol.recording.wire import check_moment

FINDING, RESULTS, THEMES = "finding", "checklist-results", "patrol-themes"  # kinds of kept items
PHOTOS_OF = "finding"  # access/photos.py
_CODE_AND_BODY = b"\n"


@dataclass(frozen=True, slots=True)
class _Walked:
    """The patrol that something belongs to."""

    patrol_id: uuid.UUID
    person_id: uuid.UUID
    street_code: str
    path: str


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What came, and when: kept as it is when it cannot be filed."""

    session: Session
    actor: Actor
    kind: str
    item_id: uuid.UUID
    body: bytes
    limits: PatrolSettings
    received_at: datetime

    def keep(self, problem: DomainError, patrol_id: uuid.UUID | None) -> DomainError:
        return quarantine.keep(
            self.session,
            problem,
            kind=self.kind,
            item_id=self.item_id,
            subject_id=patrol_id,
            person_id=self.actor.person_id,
            body=self.body,
        )

    def wrong_time(self, pointer: str, at: datetime) -> Iterator[FieldError]:
        return check_moment(pointer, at, received_at=self.received_at, limits=self.limits)


# ------------------------------------------------------------------------------------------------- findings


def record_finding(
    session: Session,
    actor: Actor,
    finding_id: uuid.UUID,
    body: bytes,
    limits: PatrolSettings,
    *,
    received_at: datetime | None = None,
) -> Filed | DomainError:
    """The finding is stored and its photos are expected, or its body is kept with the reason why not.

    Returns: FindingInvalid, FindingConflict, PatrolUnknown, PatrolOfAnother.
    """
    delivery = _Delivery(session, actor, FINDING, finding_id, body, limits, received_at or now())
    try:
        said = parse(FindingIn, body)
    except FindingInvalid as error:
        return delivery.keep(error, None)
    return _known_finding(delivery, said) or _file_finding(delivery, said)


def _known_finding(delivery: _Delivery, said: FindingIn) -> Filed | DomainError | None:
    known = delivery.session.get(Finding, delivery.item_id)
    if known is None:
        return None
    if (known.person_id, known.body_hash) == (delivery.actor.person_id, content_hash(said)):
        return Filed(is_repeated=True)
    return delivery.keep(FindingConflict(), said.patrol_id)


def _file_finding(delivery: _Delivery, said: FindingIn) -> Filed | DomainError:
    walked = _walked(delivery, said.patrol_id)
    if isinstance(walked, DomainError):
        return delivery.keep(walked, said.patrol_id)
    checklist = _checklist(delivery.session, said.checklist, said.version)
    errors = [*delivery.wrong_time("/at", said.at), *_wrong_names(checklist, said)]
    if errors or checklist is None:
        return delivery.keep(FindingInvalid(errors=errors), said.patrol_id)
    row = _finding_row(delivery.item_id, said, walked, checklist)
    if not _insert(delivery.session, [row]):
        # Another request with this id was faster: it decides what this one is.
        return _known_finding(delivery, said) or delivery.keep(FindingConflict(), said.patrol_id)
    _expect(delivery, said, walked)
    detail = {
        "patrol_id": str(said.patrol_id),
        "item": f"{said.checklist}/{said.item}",
        "result": said.result,
    }
    _record(delivery, walked, "finding.recorded", f"finding:{delivery.item_id}", detail)
    return Filed(is_repeated=False)


def _wrong_names(checklist: ChecklistRow | None, said: FindingIn) -> Iterator[FieldError]:
    if checklist is None:
        yield _no_checklist(said.checklist, said.version)
        return
    if checklist.entry(said.item) is None:
        yield _no_item("/item", said.item)
    if said.aspect is not None and checklist.aspect(said.aspect) is None:
        told = f"检查单没有方面 {said.aspect} / the checklist has no aspect {said.aspect}"
        yield FieldError("/aspect", "aspect-unknown", told)


def _finding_row(
    finding_id: uuid.UUID, said: FindingIn, walked: _Walked, checklist: ChecklistRow
) -> dict[str, Any]:
    place = said.position
    return {
        "finding_id": finding_id,
        "patrol_id": said.patrol_id,
        "person_id": walked.person_id,
        "checklist_id": checklist.checklist_id,
        "item": said.item,
        "aspect": said.aspect,
        "result": said.result,
        "note": said.note,
        "at": said.at,
        "geom": place and _point(place.lon, place.lat, place.datum),
        "datum": place and place.datum.value,
        "accuracy_m": place and place.accuracy_m,
        "body_hash": content_hash(said),
    }


def _point(lon: float, lat: float, datum: str) -> str:
    """In CGCS2000, whatever it was declared in."""
    moved_lon, moved_lat = to_cgcs2000(lon, lat, datum)
    return f"SRID={CGCS2000};POINT({float(moved_lon):.9f} {float(moved_lat):.9f})"


def _expect(delivery: _Delivery, said: FindingIn, walked: _Walked) -> None:
    named = [
        NamedPhoto(bytes.fromhex(name), slot)
        for slot, names in (("before", said.before_photos), ("after", said.after_photos))
        for name in dict.fromkeys(names)
    ]
    if named:
        path = grid_path_at(delivery.session, delivery.item_id) or walked.path
        expect_photos(
            delivery.session,
            named,
            kind=PHOTOS_OF,
            item_id=delivery.item_id,
            person_id=walked.person_id,
            path=path,
        )


# -------------------------------------------------------------------------------------------------- results


def record_results(
    session: Session,
    actor: Actor,
    patrol_id: uuid.UUID,
    code: str,
    body: bytes,
    *,
    limits: PatrolSettings,
    received_at: datetime | None = None,
) -> Filed | DomainError:
    """Items that were in order are stored; those that are already there stay as they are.

    Returns: FindingInvalid, PatrolUnknown, PatrolOfAnother.
    """
    kept = code.encode() + _CODE_AND_BODY + body
    delivery = _Delivery(session, actor, RESULTS, patrol_id, kept, limits, received_at or now())
    try:
        said = parse(ResultsIn, body)
    except FindingInvalid as error:
        return delivery.keep(error, patrol_id)
    walked = _walked(delivery, patrol_id)
    if isinstance(walked, DomainError):
        return delivery.keep(walked, patrol_id)
    checklist = _checklist(session, code, said.version)
    errors = list(_wrong_results(delivery, checklist, code, said))
    if errors or checklist is None:
        return delivery.keep(FindingInvalid(errors=errors), patrol_id)
    findings = {_id_of(one): one for one in _as_findings(patrol_id, checklist, said)}
    rows = [_finding_row(key, one, walked, checklist) for key, one in findings.items()]
    added = _insert(session, rows)
    if added:
        detail = {"checklist": code, "version": said.version, "items": added}
        _record(delivery, walked, "checklist.results", f"patrol:{patrol_id}", detail)
    return Filed(is_repeated=not added)


def _wrong_results(
    delivery: _Delivery, checklist: ChecklistRow | None, code: str, said: ResultsIn
) -> Iterator[FieldError]:
    if checklist is None:
        yield _no_checklist(code, said.version)
        return
    for index, one in enumerate(said.results):
        if checklist.entry(one.item) is None:
            yield _no_item(f"/results/{index}/item", one.item)
        yield from delivery.wrong_time(f"/results/{index}/at", one.at)


def _as_findings(patrol_id: uuid.UUID, checklist: ChecklistRow, said: ResultsIn) -> Iterator[FindingIn]:
    for one in said.results:
        yield FindingIn(
            patrol_id=patrol_id,
            checklist=checklist.code,
            version=checklist.version,
            item=one.item,
            result=one.result,
            at=one.at,
        )


def _id_of(finding: FindingIn) -> uuid.UUID:
    """The same for the same item at the same moment of the patrol, in whichever request it comes."""
    return uuid.uuid5(finding.patrol_id, content_hash(finding).hex())


# --------------------------------------------------------------------------------------------------- themes


def set_themes(
    session: Session,
    actor: Actor,
    patrol_id: uuid.UUID,
    body: bytes,
    limits: PatrolSettings,
    *,
    received_at: datetime | None = None,
) -> Filed | DomainError:
    """The patrol has these themes, unless it was given others at a later moment.

    Returns: FindingInvalid, ThemesConflict, PatrolUnknown, PatrolOfAnother.
    """
    delivery = _Delivery(session, actor, THEMES, patrol_id, body, limits, received_at or now())
    try:
        said = parse(ThemesIn, body)
    except FindingInvalid as error:
        return delivery.keep(error, patrol_id)
    walked = _walked(delivery, patrol_id)
    if isinstance(walked, DomainError):
        return delivery.keep(walked, patrol_id)
    errors = list(delivery.wrong_time("/at", said.at))
    if errors:
        return delivery.keep(FindingInvalid(errors=errors), patrol_id)
    themes = sorted({theme.value for theme in said.themes})
    if _set(session, patrol_id, themes, said.at):
        _record(delivery, walked, "patrol.themes", f"patrol:{patrol_id}", {"themes": themes})
        return Filed(is_repeated=False)
    now_held = session.execute(
        select(PatrolThemes.themes, PatrolThemes.at).where(PatrolThemes.patrol_id == patrol_id)
    ).one()
    if now_held.at == said.at and now_held.themes != themes:
        return delivery.keep(ThemesConflict(), patrol_id)
    return Filed(is_repeated=True)


def _set(session: Session, patrol_id: uuid.UUID, themes: list[str], at: datetime) -> bool:
    statement = insert(PatrolThemes).values(patrol_id=patrol_id, themes=themes, at=at)
    newer = statement.on_conflict_do_update(
        index_elements=[PatrolThemes.patrol_id],
        set_={"themes": statement.excluded.themes, "at": statement.excluded.at},
        where=PatrolThemes.at < statement.excluded.at,
    )
    return session.scalar(newer.returning(PatrolThemes.patrol_id)) is not None


# --------------------------------------------------------------------------------------------------- common


def _walked(delivery: _Delivery, patrol_id: uuid.UUID) -> _Walked | DomainError:
    """The actor's own patrol, or why there is none."""
    statement = (
        select(Patrol.patrol_id, Patrol.person_id, Grid.street_code, Grid.path)
        .join(Grid, Grid.grid_id == Patrol.grid_id)
        .where(Patrol.patrol_id == patrol_id)
    )
    found = delivery.session.execute(statement).one_or_none()
    if found is None:
        # The patrol may be arriving at this moment: from here on one waits for the other.
        lock_patrol(delivery.session, patrol_id)
        found = delivery.session.execute(statement).one_or_none()
    if found is None:
        return PatrolUnknown()
    return _Walked(*found) if found.person_id == delivery.actor.person_id else PatrolOfAnother()


def _checklist(session: Session, code: str, version: int) -> ChecklistRow | None:
    """Any version that ever was: a phone may have left before the newest."""
    found = session.scalar(select(Checklist).where(Checklist.code == code, Checklist.version == version))
    return None if found is None else row_of(found)


def _insert(session: Session, rows: list[dict[str, Any]]) -> int:
    """How many of the findings were not there yet."""
    statement = insert(Finding).values(rows).on_conflict_do_nothing().returning(Finding.finding_id)
    return len(session.scalars(statement).all())


def _no_checklist(code: str, version: int) -> FieldError:
    told = f"没有检查单 {code} 第 {version} 版 / there is no version {version} of a checklist {code}"
    return FieldError("/version", "checklist-unknown", told)


def _no_item(pointer: str, item: str) -> FieldError:
    return FieldError(pointer, "item-unknown", f"检查单没有检查项 {item} / the checklist has no item {item}")


def _record(delivery: _Delivery, walked: _Walked, action: str, subject: str, detail: dict[str, Any]) -> None:
    audit.record(
        delivery.session,
        chain=walked.street_code,
        actor=delivery.actor.label,
        action=action,
        subject=subject,
        detail=detail,
    )


# --------------------------------------------------------------------------------------------- filing again


def _finding_again(
    session: Session, actor: Actor, item: QuarantinedItem, limits: PatrolSettings
) -> Filed | DomainError:
    return record_finding(session, actor, item.item_id, item.body, limits, received_at=item.received_at)


def _results_again(
    session: Session, actor: Actor, item: QuarantinedItem, limits: PatrolSettings
) -> Filed | DomainError:
    code, _, body = item.body.partition(_CODE_AND_BODY)
    return record_results(
        session, actor, item.item_id, code.decode(), body, limits=limits, received_at=item.received_at
    )


def _themes_again(
    session: Session, actor: Actor, item: QuarantinedItem, limits: PatrolSettings
) -> Filed | DomainError:
    return set_themes(session, actor, item.item_id, item.body, limits, received_at=item.received_at)


REFILERS[FINDING] = _finding_again
REFILERS[RESULTS] = _results_again
REFILERS[THEMES] = _themes_again
