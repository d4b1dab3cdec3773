"""Import grids from a file: all of them, or none with a reason for each feature that cannot be.

A feature with the code of a stored grid makes a new version of it from `valid_from`; the old one ends there.
A feature without a code is given one in reading order. A dry run says the same and changes nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import audit
from core.signals import GRIDS, announce
from geo.codes import Reason
from geo.datums import Datum, same_datum
from geo.files.geojson import GridDraft, ReadFile, Rejection, read_drafts
from geo.files.tables import codes_named, completed
from geo.importing.plan import Change, PlannedGrid, Surroundings, plan_import
from geo.importing.topology import check_fit, suspect_file
from geo.importing.writing import Origin, write_grids
from geo.queries import lookups_of_streets
from geo.stored_grids import stored_grids

ONE_IMPORT_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('grids.import', 0))")
_HINTED_SHARE = 0.5  # of the features with the same trouble: then it is the file's


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What to do with the features of a file."""

    datum: str
    valid_from: date
    dry_run: bool
    may_write: Callable[[str], bool]  # below a path, e.g. "320113007/"
    actor: str  # for the audit trail
    named_datum: str | None = None  # what the file says of itself
    changed_by: str = ""  # name, for whoever finds their copy outdated


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was, or in a dry run would be, imported; `codes` by feature, None where it was rejected."""

    datum: str
    valid_from: date
    total: int
    accepted: int
    created: int
    changed: int
    unchanged: int
    rejected: tuple[Rejection, ...]
    hints: tuple[Reason, ...]
    codes: tuple[str | None, ...]
    imported: bool

    def with_hints(self, notes: Sequence[Reason]) -> "ImportReport":
        """The same, with what was worth knowing about the file in front."""
        return replace(self, hints=(*notes, *self.hints))


def import_grids(session: Session, features: Sequence[Any], order: ImportOrder) -> ImportReport:
    """All features are stored, or none is. Raises: UnknownDatum."""
    session.execute(ONE_IMPORT_AT_A_TIME)  # codes are given by looking at those that exist
    features = _finished(session, features)
    found = read_drafts(features, order.datum)
    streets = {street for draft in found.drafts for street in _streets_named(draft)}
    tops = [draft.shape for draft in found.drafts if draft.level == 1 and draft.shape is not None]
    stored = stored_grids(session, streets, tops)
    lookups = lookups_of_streets(session, streets, order.valid_from)
    around = Surroundings(stored, lookups, order.may_write, order.valid_from)
    plan = plan_import(found.drafts, _lost(found, features), around)
    fit = check_fit(plan.grids, stored)
    rejections = sorted(
        (*found.rejections, *plan.rejections, *fit.rejections), key=lambda rejection: rejection.index
    )
    rejections = list(told_where(rejections, features, _shapes(found)))
    imported = not rejections and not order.dry_run
    if imported:
        _store(session, plan.grids, order)
    hints = (*_file_hints(found, plan.grids, rejections, order), *fit.hints)
    return _report(plan.grids, rejections, hints, order, total=len(features), imported=imported)


def _finished(session: Session, features: Sequence[Any]) -> Sequence[Any]:
    """Rows of tables say only part of a grid: the rest is what stands."""
    codes = codes_named(features)
    if not codes:
        return features
    return completed(features, stored_grids(session, {code[6:15] for code in codes}))


def _store(session: Session, grids: Sequence[PlannedGrid], order: ImportOrder) -> None:
    origin = Origin(order.datum, order.valid_from, changed_by=order.changed_by)
    write_grids(session, grids, origin)
    by_street: dict[str, Counter[str]] = {}
    for grid in grids:
        by_street.setdefault(grid.code.street_code, Counter())[grid.change.value] += 1
    for street_code, counts in sorted(by_street.items()):
        if counts.keys() == {Change.UNCHANGED.value}:
            continue
        announce(session, GRIDS, street_code)
        audit.record(
            session,
            chain=street_code,
            actor=order.actor,
            action="grids.imported",
            subject=f"street:{street_code}",
            detail={"datum": order.datum, "valid_from": order.valid_from.isoformat(), **counts},
        )


# -------------------------------------------------------------------------------------- surroundings


def _streets_named(draft: GridDraft) -> Iterator[str]:
    if draft.code is not None:
        yield draft.code.street_code
    ref = draft.parent_ref or ""
    if ref.isascii() and ref[:20].isdigit():
        if len(ref) in {9, 12}:
            yield ref[:9]
        elif len(ref) >= 20:
            yield ref[6:15]


def told_where(
    rejections: Sequence[Rejection], features: Sequence[Any], shapes: Mapping[int, BaseGeometry]
) -> Iterator[Rejection]:
    """The rejections with the feature's own id, and a place inside it where none was named."""
    for one in rejections:
        feature, at = features[one.index], one.at
        ref = feature.get("id") if isinstance(feature, dict) else None
        if at is None and one.index in shapes:
            inside = shapes[one.index].representative_point()
            at = (inside.x, inside.y)
        yield replace(one, feature_ref=None if ref is None else str(ref), at=at)


def _shapes(found: ReadFile) -> dict[int, BaseGeometry]:
    return {draft.index: draft.shape for draft in found.drafts if draft.shape is not None}


def _lost(found: ReadFile, features: Sequence[Any]) -> set[str]:
    """Names by which other features may call one that could not be read."""
    lost = {rejection.code for rejection in found.rejections if rejection.code}
    for rejection in found.rejections:
        feature = features[rejection.index]
        if isinstance(feature, dict) and feature.get("id") is not None:
            lost.add(str(feature["id"]))
    return lost


# -------------------------------------------------------------------------------------------- report


def _file_hints(
    found: ReadFile, grids: Sequence[PlannedGrid], rejections: Sequence[Rejection], order: ImportOrder
) -> Iterator[Reason]:
    if order.named_datum is not None and not _agrees(order.named_datum, order.datum):
        zh = f"文件自称坐标系 {order.named_datum}，而声明为 {order.datum}"
        en = f"the file names {order.named_datum} as its datum, but {order.datum} was declared"
        yield Reason("datum-contradicted", zh, en)
    suspicion = suspect_file(grids, order.datum)
    if suspicion is not None:
        yield suspicion
    outside = sum(rejection.reason.code == "outside-china" for rejection in rejections)
    if outside > _HINTED_SHARE * (len(found.drafts) + len(found.rejections)) and order.datum in set(Datum):
        zh = "多数坐标不在中国范围内：若为投影坐标（米），请以 EPSG 代码声明，如 EPSG:4549"
        en = "most positions are outside China: declare the EPSG code if they are projected, e.g. EPSG:4549"
        yield Reason("datum-projected", zh, en)
    flattened = sum(draft.has_heights for draft in found.drafts)
    if flattened:
        yield Reason(
            "heights-dropped", f"已舍去 {flattened} 个要素的高程", f"heights of {flattened} features dropped"
        )


def _agrees(named: str, declared: str) -> bool:
    """GCJ-02 and BD-09 have no code of their own: their files call themselves WGS 84 or CGCS2000."""
    if declared in {Datum.GCJ02, Datum.BD09}:
        return named in {Datum.WGS84, Datum.CGCS2000}
    return same_datum(named, declared)


def _report(
    grids: Sequence[PlannedGrid],
    rejections: Sequence[Rejection],
    hints: tuple[Reason, ...],
    order: ImportOrder,
    *,
    total: int,
    imported: bool,
) -> ImportReport:
    refused = {rejection.index for rejection in rejections}
    sound = [grid for grid in grids if grid.draft.index not in refused]
    counts = Counter(grid.change for grid in sound)
    codes: Mapping[int, str] = {grid.draft.index: str(grid.code) for grid in sound}
    return ImportReport(
        datum=order.datum,
        valid_from=order.valid_from,
        total=total,
        accepted=len(sound),
        created=counts[Change.CREATED],
        changed=counts[Change.CHANGED],
        unchanged=counts[Change.UNCHANGED],
        rejected=tuple(rejections),
        hints=hints,
        codes=tuple(codes.get(index) for index in range(total)),
        imported=imported,
    )
