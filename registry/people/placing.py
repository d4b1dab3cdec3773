"""Where a household is: at its own position, else at its address, else at its building."""

from typing import Any

from sqlalchemy import ColumnElement, Select, func
from sqlalchemy.orm import aliased

from registry.models import Address, Building
from registry.people.models import Household
from registry.placing import Whereabouts

Door = aliased(Address, name="door")
House = aliased(Building, name="house")

OF_HOUSEHOLDS = Whereabouts(
    Household.street_code,
    (Household.geom, Door.geom, House.geom),
    (Household.manual_grid_id, Door.manual_grid_id, House.manual_grid_id),
)


def at_their_doors(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """The statement over households with the tables that OF_HOUSEHOLDS looks at, for `with_grids`."""
    return statement.outerjoin(Door, Door.address_id == Household.address_id).outerjoin(
        House, House.building_id == building_id()
    )


def building_id() -> ColumnElement[Any]:
    """The building of a household: the one it names, else that of its address."""
    return func.coalesce(Household.building_id, Door.building_id)
