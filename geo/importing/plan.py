"""What an import would do: place every draft in the tree, give codes, compare with what is stored. Pure.

Works level by level, so that parents have their codes before their children ask for one.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.errors import DomainError
from geo.codes import CodeLookups, GridCode, Reason, explain, parse
from geo.files.geojson import GridDraft, Rejection
from geo.numbering import Plot, allocate, allocate_below, allocate_merged
from geo.object_codes import DEFAULT_OBJECT_CODE

_UNMOVED_DEG = 1e-9


class Change(StrEnum):
    """What becomes of a draft."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class StoredGrid:
    """A grid in the database with its newest version."""

    grid_id: int
    code: GridCode
    level: int
    parent_id: int | None
    path: str
    is_retired: bool
    version: int
    name: str
    kind: str
    households: int | None
    attributes: Mapping[str, Any]
    shape: BaseGeometry | None
    valid_from: date
    version_id: int | None = None
    source_datum: str = ""
    changed_by: str = ""
    changed_at: datetime | None = None


@dataclass(slots=True)
class PlannedGrid:
    """A draft that found its place."""

    draft: GridDraft
    code: GridCode
    parent: "Place | None"
    stored: StoredGrid | None
    change: Change

    @property
    def level(self) -> int:
        return self.draft.level

    @property
    def shape(self) -> BaseGeometry | None:
        return self.draft.shape


Place = PlannedGrid | StoredGrid


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an import is planned against."""

    stored: Mapping[str, StoredGrid]  # by code; retired ones too, their codes are never given again
    lookups: CodeLookups
    may_write: Callable[[str], bool]  # below a path
    valid_from: date


@dataclass(slots=True)
class ImportPlan:
    """Every draft is either among the grids or among the rejections."""

    grids: list[PlannedGrid] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


def plan_import(drafts: Sequence[GridDraft], lost: Collection[str], around: Surroundings) -> ImportPlan:
    """Places and codes for the drafts; `lost` names features (by id or code) that could not even be read."""
    planner = _Planner(around, lost)
    planner.take(draft.code for draft in drafts if draft.code)
    circling = planner.refuse_circles(drafts)
    for level in range(1, 6):
        planner.place_level(
            [draft for draft in drafts if draft.level == level and draft.index not in circling]
        )
    planner.plan.grids.sort(key=lambda grid: grid.draft.index)
    return planner.plan


class _Refused(Exception):
    """One draft cannot be placed."""

    def __init__(self, pointer: str, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.pointer = pointer
        self.reason = Reason(code, zh, en)


_CODE, _PARENT = "/properties/code", "/properties/parent"


class _Planner:
    def __init__(self, around: Surroundings, lost: Collection[str]) -> None:
        self.plan = ImportPlan()
        self._around = around
        self._stored_by_id = {grid.grid_id: grid for grid in around.stored.values()}
        self._planned: dict[str, PlannedGrid] = {}  # by code
        self._by_ref: dict[str, PlannedGrid] = {}
        self._lost = set(lost)
        # By community and by street: thousands of communities must not each look through all codes.
        self._taken: dict[str, list[GridCode]] = defaultdict(list)
        self.take(grid.code for grid in around.stored.values())

    def take(self, codes: Iterable[GridCode]) -> None:
        """These codes are not free any more."""
        for code in codes:
            self._taken[code.community_code].append(code)
            self._taken[code.street_code].append(code)

    def refuse_circles(self, drafts: Sequence[GridDraft]) -> set[int]:
        """Drafts that are their own ancestors are rejected; their indices."""
        circling = _circling(drafts)
        zh, en = "上级关系成环", "following the parents leads back to this grid"
        for draft in drafts:
            if draft.index in circling:
                self._reject(draft, _PARENT, Reason("parent-cycle", zh, en))
        return circling

    def place_level(self, drafts: Sequence[GridDraft]) -> None:
        """Place all drafts of one level, those with a code first."""
        namespaces: dict[tuple[str, ...], list[tuple[GridDraft, Place | None]]] = defaultdict(list)
        for draft in drafts:
            try:
                if draft.code:
                    self._place(draft, draft.code, self._parent(draft))
                else:
                    parent = self._parent(draft)
                    namespaces[_namespace(draft, parent)].append((draft, parent))
            except _Refused as refused:
                self._reject(draft, refused.pointer, refused.reason)
        for namespace, waiting in namespaces.items():
            self._give_codes(namespace, waiting)

    # ------------------------------------------------------------------------------------------ codes

    def _give_codes(
        self, namespace: tuple[str, ...], waiting: Sequence[tuple[GridDraft, Place | None]]
    ) -> None:
        drafts = [draft for draft, _ in waiting]
        try:
            codes = _codes_for(namespace, drafts, waiting[0][1], self._taken)
        except DomainError as error:
            zh, _, en = str(error).partition(" / ")
            for draft in drafts:
                self._reject(draft, _CODE, Reason(error.code, zh, en or zh))
            return
        for draft, parent in waiting:
            code = codes[draft.index]
            try:
                if str(code) in self._around.stored:
                    zh = f"社区 {code.community_code} 已有一级网格 {code}，修改时请写明编码"
                    en = (
                        f"community {code.community_code} has its level-1 grid: give code {code} to change it"
                    )
                    raise _Refused(_CODE, "community-has-grid", zh, en)
                self._place(draft, code, parent)
                self.take([code])
            except _Refused as refused:
                self._reject(draft, refused.pointer, refused.reason)

    def _place(self, draft: GridDraft, code: GridCode, parent: Place | None) -> None:
        """The draft has this code and this parent. Raises: _Refused."""
        text = str(code)
        if text in self._planned:
            other = self._planned[text].draft.index
            zh, en = f"编码 {text} 与第 {other} 个要素重复", f"code {text} is also that of feature {other}"
            raise _Refused(_CODE, "code-repeated", zh, en)
        for group in explain(text, self._around.lookups):
            if group.reason:
                raise _Refused(_CODE, group.reason.code, group.reason.zh, group.reason.en)
        if not self._around.may_write(f"{code.street_code}/"):
            zh, en = f"您无权修改街道 {code.street_code}", f"you may not change street {code.street_code}"
            raise _Refused(_CODE, "street-forbidden", zh, en)
        _check_level(draft.level, code, parent)
        stored = self._around.stored.get(text)
        change = Change.CREATED if stored is None else _compared(draft, parent, stored, self._around)
        placed = PlannedGrid(draft, code, parent, stored, change)
        self._planned[text] = placed
        if draft.feature_ref is not None:
            self._by_ref.setdefault(draft.feature_ref, placed)
        self.plan.grids.append(placed)

    # ---------------------------------------------------------------------------------------- parents

    def _parent(self, draft: GridDraft) -> Place | None:
        """The grid above; None for level 1. Raises: _Refused."""
        if draft.level == 1:
            return None
        ref = draft.parent_ref or self._implied_parent(draft)
        if ref is None:
            zh, en = "缺少上级网格 parent", "the parent is missing"
            raise _Refused(_PARENT, "parent-missing", zh, en)
        found: Place | None = self._planned.get(ref) or self._around.stored.get(ref) or self._by_ref.get(ref)
        if found is None and ref in self._lost:
            zh, en = f"上级 {ref} 在本文件中未被接受", f"the parent {ref} was itself rejected in this file"
            raise _Refused(_PARENT, "parent-rejected", zh, en)
        if found is None:
            zh, en = (
                f"没有编码或要素 id 为 {ref} 的上级网格",
                f"there is no grid or feature {ref} to be the parent",
            )
            raise _Refused(_PARENT, "parent-unknown", zh, en)
        if isinstance(found, StoredGrid) and found.is_retired:
            zh, en = f"上级网格 {ref} 已停用", f"the parent {ref} is retired"
            raise _Refused(_PARENT, "parent-retired", zh, en)
        if found.level != draft.level - 1:
            zh = f"{draft.level} 级网格的上级应为 {draft.level - 1} 级，{ref} 为 {found.level} 级"
            en = f"the parent of level {draft.level} has level {draft.level - 1}, but {ref} has {found.level}"
            raise _Refused(_PARENT, "parent-level", zh, en)
        return found

    def _implied_parent(self, draft: GridDraft) -> str | None:
        """The parent's code where the draft's own code tells it."""
        code = draft.code
        if code is None:
            return None
        stored = self._around.stored.get(str(code))
        if stored is not None and stored.parent_id in self._stored_by_id:
            return str(self._stored_by_id[stored.parent_id].code)
        if code.suffix:
            return str(code).rpartition("-")[0]
        if draft.level == 2:
            return code.object_code + code.community_code + "00"
        return None

    def _reject(self, draft: GridDraft, pointer: str, reason: Reason) -> None:
        code = str(draft.code) if draft.code else None
        self.plan.rejections.append(Rejection(draft.index, code, pointer, reason))
        self._lost.update(ref for ref in (code, draft.feature_ref) if ref)


# ------------------------------------------------------------------------------------------ pure rules


def _circling(drafts: Sequence[GridDraft]) -> set[int]:
    """Indices of drafts from which the parents lead back to the draft itself."""
    by_ref: dict[str, GridDraft] = {}
    for draft in drafts:
        for ref in (str(draft.code) if draft.code else None, draft.feature_ref):
            if ref is not None:
                by_ref.setdefault(ref, draft)
    above = {draft.index: by_ref[draft.parent_ref] for draft in drafts if draft.parent_ref in by_ref}
    done: set[int] = set()
    circling: set[int] = set()
    for draft in drafts:
        path: list[int] = []
        at = draft.index
        while at in above and at not in done:
            done.add(at)
            path.append(at)
            at = above[at].index
        if at in path:
            circling.update(path[path.index(at) :])
    return circling


def _namespace(draft: GridDraft, parent: Place | None) -> tuple[str, ...]:
    """Where a draft's number comes from; drafts of one namespace are numbered together. Raises: _Refused."""
    if parent is not None and draft.level >= 4:
        return ("below", str(parent.code))
    if parent is not None:
        object_code = draft.object_code or parent.code.object_code
        return ("sequence", object_code, parent.code.community_code)
    division = draft.parent_ref or ""
    if division.isascii() and division.isdigit() and len(division) in {9, 12}:
        return (
            "merged" if len(division) == 9 else "community",
            draft.object_code or DEFAULT_OBJECT_CODE,
            division,
        )
    zh = "一级网格无编码时，parent 应为 12 位社区代码，或（合并多个社区时）9 位街道代码"
    en = "without a code, the parent of level 1 is its community (12 digits) or, merging several, street (9)"
    raise _Refused(_PARENT, "division-missing", zh, en)


def _codes_for(
    namespace: tuple[str, ...],
    drafts: Sequence[GridDraft],
    parent: Place | None,
    taken: Mapping[str, Collection[GridCode]],
) -> Mapping[int, GridCode]:
    """Codes by feature index. Raises: SequenceExhausted, InvalidGridCode."""
    match namespace:
        case ("community", object_code, community):
            return {draft.index: parse(f"{object_code}{community}00") for draft in drafts}
        case ("merged", object_code, street):
            used = taken.get(street, ())
            return allocate_merged(_plots(drafts), object_code=object_code, street_code=street, taken=used)
        case ("sequence", object_code, community):
            used = taken.get(community, ())
            return allocate(_plots(drafts), object_code=object_code, community_code=community, taken=used)
        case _:
            assert parent is not None
            used = taken.get(parent.code.community_code, ())
            return allocate_below(parent.code, [draft.index for draft in drafts], taken=used)


def _plots(drafts: Sequence[GridDraft]) -> list[Plot]:
    plots = []
    for draft in drafts:
        assert draft.shape is not None  # levels 1 to 3 have one, or were rejected on reading
        _, south, _, north = draft.shape.bounds
        plots.append(Plot(draft.index, draft.shape.centroid.x, draft.shape.centroid.y, north - south))
    return plots


def _check_level(level: int, code: GridCode, parent: Place | None) -> None:
    """The code is one that a grid of this level below this parent can have. Raises: _Refused."""
    if level == 1 and not (code.is_undivided and not code.suffix):
        zh, en = "一级网格的序号应为 00，且无后缀", "a level-1 grid has sequence 00 and no suffix"
    elif level in {2, 3} and (code.is_undivided or code.suffix):
        zh, en = "二、三级网格的序号应为 01–99，且无后缀", "levels 2 and 3 have sequence 01-99 and no suffix"
    elif level in {2, 3} and parent and code.community_code != parent.code.community_code:
        zh = f"编码中的社区 {code.community_code} 与上级网格的社区不同"
        en = f"community {code.community_code} of the code is not the parent's"
    elif level >= 4 and (not parent or str(code).rpartition("-")[0] != str(parent.code)):
        zh, en = "四、五级编码应为上级编码加三位后缀", "levels 4 and 5 carry the parent's code and a suffix"
    else:
        return
    raise _Refused(_CODE, "code-level", zh, en)


def _compared(draft: GridDraft, parent: Place | None, stored: StoredGrid, around: Surroundings) -> Change:
    """Whether the draft says something new of a grid that exists. Raises: _Refused."""
    if stored.is_retired:
        zh, en = "该编码已停用，不再使用", "this code is retired and never used again"
        raise _Refused(_CODE, "code-retired", zh, en)
    parent_id = parent.stored.grid_id if isinstance(parent, PlannedGrid) and parent.stored else None
    if isinstance(parent, StoredGrid):
        parent_id = parent.grid_id
    if (draft.level, parent_id) != (stored.level, stored.parent_id):
        zh, en = "已有网格的级别和上级不能更改", "level and parent of an existing grid cannot change"
        raise _Refused(_CODE, "identity-changed", zh, en)
    if _same(draft, stored):
        return Change.UNCHANGED
    if around.valid_from <= stored.valid_from:
        zh = f"当前版本自 {stored.valid_from} 起有效，新版本的生效日期必须更晚"
        en = f"the current version holds from {stored.valid_from}; a new one must start later"
        raise _Refused(_CODE, "valid-from-too-early", zh, en)
    return Change.CHANGED


def _same(draft: GridDraft, stored: StoredGrid) -> bool:
    said = (draft.name, draft.kind, draft.households, draft.attributes)
    if said != (stored.name, stored.kind, stored.households, stored.attributes):
        return False
    if draft.shape is None or stored.shape is None:
        return draft.shape is stored.shape
    return _same_shape(draft.shape, stored.shape)


def _same_shape(one: BaseGeometry, other: BaseGeometry) -> bool:
    """A boundary that moved by less than 0.1 mm, through a file in another datum, did not change."""
    if one.equals_exact(other, normalize=True):
        return True
    if shapely.get_num_coordinates(one) != shapely.get_num_coordinates(other):
        return False
    if not np.allclose(one.bounds, other.bounds, rtol=0, atol=_UNMOVED_DEG):
        return False
    return bool(shapely.hausdorff_distance(one, other) <= _UNMOVED_DEG)
