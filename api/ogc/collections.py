"""The collections of /ogc, as data.

One per level beside one of all levels: a desk GIS makes a map layer of a collection, and polygons of several
levels in one layer cover each other and can be told apart only by a filter, which its users must know of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Text, bindparam

from access.roles import Action
from access.scope import Actor, Scope, scope_of
from core.errors import NotFound
from geo.collections import GRIDS, FeatureSource, Property
from geo.tiles.grids import GRID_LAYER
from patrol.layers import COMPLIANCE_LAYER, WEEK

WEEK_TEXT = "week_text"
PLANE_LEVELS = (1, 2, 3)
ALL_LEVELS = (1, 2, 3, 4, 5)


class NoSuchCollection(NotFound):
    """There is no such collection, or you may not see it."""

    code = "no-such-collection"


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """What /ogc/collections offers: features of some levels, for those who may do the action somewhere."""

    name: str
    title: str
    description: str
    levels: tuple[int, ...]
    source: FeatureSource
    action: Action


def visible_to(actor: Actor) -> list[Collection]:
    """The collections in which this actor may see anything."""
    return [one for one in COLLECTIONS.values() if not scope_of(actor, one.action).is_empty]


def find(actor: Actor, name: str) -> tuple[Collection, Scope]:
    """The collection and the part of it that the actor may see. Raises: NoSuchCollection."""
    collection = COLLECTIONS.get(name)
    scope = Scope(()) if collection is None else scope_of(actor, collection.action)
    if collection is None or (scope.is_empty and collection.action is not Action.READ_GRIDS):
        raise NoSuchCollection
    return collection, scope


def _with_compliance() -> FeatureSource:
    added = [
        Property(
            column.name,
            column,
            "string" if column.name == "status" else "integer",
            COMPLIANCE_LAYER.fields[column.name],
        )
        for column in COMPLIANCE_LAYER.columns
        if column.name not in GRID_LAYER.fields
    ]
    week = Property("week", bindparam(WEEK_TEXT, type_=Text), "string", "ISO week of the figures")
    return FeatureSource(
        (*GRIDS.properties, week, *added), COMPLIANCE_LAYER.joins, frozenset({WEEK, WEEK_TEXT})
    )


def _collections() -> Mapping[str, Collection]:
    compliance = _with_compliance()
    grids = "网格边界与属性，按日期 / boundaries and attributes of grids on a day, today by default"
    standing = "一周巡查达标情况，按日期所在周 / patrols of the week of the day, this week by default"

    def of_grids(name: str, title: str, *levels: int) -> Collection:
        return Collection(name, title, grids, levels, GRIDS, Action.READ_GRIDS)

    def of_weeks(name: str, title: str, *levels: int) -> Collection:
        return Collection(name, title, standing, levels, compliance, Action.READ_COMPLIANCE)

    made = [
        of_grids("grids", "网格（全部级别） / grids of all levels", *ALL_LEVELS),
        *(of_grids(f"grids-level-{n}", f"{n} 级网格 / grids of level {n}", n) for n in PLANE_LEVELS),
        of_weeks("coverage", "巡查达标（1–3 级） / compliance, levels 1 to 3", *PLANE_LEVELS),
        *(of_weeks(f"coverage-level-{n}", f"{n} 级达标 / compliance, level {n}", n) for n in PLANE_LEVELS),
    ]
    return MappingProxyType({one.name: one for one in made})


COLLECTIONS = _collections()
