"""Read-only SQL about households, each with the grid it lies in on a day."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from access.scope import Scope
from registry.people.models import Household
from registry.people.placing import OF_HOUSEHOLDS, at_their_doors
from registry.people.tags import special_on
from registry.placing import with_grids


def households_in(scope: Scope, day: date, *below: Scope) -> Select[Any]:
    """Households that stand on the day, as far as the scope shows them.

    Columns: household_id, street_code, is_special, and grid_code, grid_name, grid_level, grid_path,
    grid_is_manual of the grid on that day.
    """
    columns: list[Any] = [
        Household.household_id,
        Household.street_code,
        special_on(day).label("is_special"),
    ]
    statement: Select[Any] = select(*columns).where(standing(day))
    return with_grids(at_their_doors(statement), OF_HOUSEHOLDS, scope, day, *below)


def standing(day: date) -> ColumnElement[bool]:
    """Rows of `Household` that were not retired before or on the day."""
    return or_(Household.retired_on.is_(None), Household.retired_on > day)
