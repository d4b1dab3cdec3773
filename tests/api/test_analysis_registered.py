"""Coverage of what the register holds beside buildings: organisations, shops, facilities (4.1)."""

from collections.abc import Callable
from datetime import date

from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from geo.models import Grid
from registry.organisations.models import Organisation
from tests import make

LONG_AGO = date(2026, 1, 1)


def site(session: Session, name: str, kind: str, lon: float | None, **columns: object) -> None:
    session.add(
        Organisation(
            organisation_id=make.fixed_uuid(name),
            street_code=make.STREET,
            name=name,
            kind=kind,
            category="other",
            geom=make.point(lon, 32.105) if lon else None,
            source_datum="EPSG:4490",
            source="test",
            attributes={},
            revision=1,
            changed_by="test",
            **columns,
        )
    )


def test_they_are_counted_where_they_or_their_buildings_lie(
    session: Session, client: Callable[[Actor], TestClient]
) -> None:
    """What lies nowhere lowers the share of each level, what lies in a lane alone that of level 3."""
    tree = make.street_tree(session)
    session.execute(update(Grid).where(Grid.grid_id == tree.a21.grid_id).values(retired_on=LONG_AGO))
    home = make.building(session, name="店铺楼", code="S1", lon=118.905)
    site(session, "随楼", "shop", None, building_id=home.building_id)
    site(session, "格外", "shop", 118.99)
    site(session, "已撤", "shop", 118.902, retired_on=LONG_AGO)
    site(session, "格内", "facility", 118.902)
    site(session, "未分", "facility", 118.915)
    session.flush()
    operator = client(make.actor(session, role=Role.OPERATOR))
    found = operator.get("/v1/analysis/coverage", params={"street": make.STREET}).json()
    assert found["registered"] == {"organisations": 0, "shops": 2, "facilities": 2}
    assert [level["registered"]["facilities"] for level in found["levels"]] == [2, 2, 1]
    shares = [level["registered_shares"] for level in found["levels"]]
    assert shares[2] == {"organisations": None, "shops": 0.5, "facilities": 0.5}
