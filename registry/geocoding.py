"""Positions of addresses from the table of addresses: no network, no guessing beyond what the table holds."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, not_, or_
from sqlalchemy.orm import Session

from access.scope import Scope
from registry.address_text import normalised, parts_of
from registry.models import Address
from registry.queries import Found, find_addresses
from registry.settling import divisions_in

_MIN_CONTAINED = 3  # shorter texts are in every address


class Match(StrEnum):
    """How far an address agrees with the one asked for."""

    EXACT = "exact"
    BUILDING = "building"
    NUMBER = "number"
    ROAD = "road"
    CONTAINED = "contained"


SCORES = {
    Match.EXACT: 1.0,
    Match.BUILDING: 0.9,
    Match.NUMBER: 0.7,
    Match.ROAD: 0.4,
    Match.CONTAINED: 0.3,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that may be meant."""

    found: Found[Address]
    match: Match
    score: float


@dataclass(frozen=True, slots=True)
class Geocoded:
    """What the text was compared as, and the candidates, best first."""

    normalised: str
    candidates: tuple[Candidate, ...]


def geocode(
    session: Session, scope: Scope, text: str, day: date, *, street: str | None, limit: int
) -> Geocoded:
    """Addresses of the scope that the text may mean: the closest kind of agreement that finds any.

    Exact, then the same building, the same road and number, the same road, and at last any address that
    holds the text. An address without a unit is a candidate for one with, and the other way round.
    """
    plain = normalised(text, divisions_in(session, text))
    if not plain:
        return Geocoded(plain, ())
    for match, clause in _ways(plain):
        rows = find_addresses(session, scope, day, clause, street=street, limit=limit)
        if rows:
            score = SCORES[match]
            return Geocoded(plain, tuple(Candidate(found, match, score) for found in rows))
    return Geocoded(plain, ())


def _ways(plain: str) -> list[tuple[Match, ColumnElement[bool]]]:
    parts = parts_of(plain)
    column = Address.normalised
    ways = [(Match.EXACT, column == plain)]
    if parts.to_building:
        ways.append((Match.BUILDING, _begins(parts.to_building)))
    if parts.to_number:
        ways.append((Match.NUMBER, _begins(parts.to_number)))
    if plain[-1].isdigit():
        # 文苑路12 is 文苑路12号 or 文苑路12幢, but never 文苑路120号.
        ways.append((Match.NUMBER, or_(_begins(plain + "号"), _begins(plain + "幢"))))
    if parts.road:
        ways.append((Match.ROAD, _begins(parts.road)))
    if len(plain) >= _MIN_CONTAINED:
        contained = and_(func.strpos(column, plain) > 0, not_(_begins(plain)))
        ways.append((Match.CONTAINED, contained))
    return ways


def _begins(prefix: str) -> ColumnElement[bool]:
    return Address.normalised.startswith(prefix, autoescape=True)
