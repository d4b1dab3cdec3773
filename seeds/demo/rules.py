"""Local patrol rules of the demo street, beside the default: rules are rows, so every kind can have its own.

The figures show what can be set. They are not from a standard and not a recommendation.
"""

from datetime import date
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from patrol.models import PatrolPolicy
from patrol.policies import Policy
from seeds.demo.places import AREA, CAMPUS, COMMUNITY, STREET_CODE, VILLAGE

# A head cannot walk a fifth of a whole community in one round.
_OWN_THRESHOLDS: dict[str, dict[str, Any]] = {
    COMMUNITY: {"min_coverage_ratio": 0.02},
    AREA: {"min_coverage_ratio": 0.06},
    VILLAGE: {"min_coverage_ratio": 0.12, "min_metres": 1000},
    CAMPUS: {"max_constant_accuracy_fixes": 60},
}


def store_rules(session: Session, valid_from: date) -> None:
    """The policies of the demo street are there from `valid_from` on."""
    rows = [
        {
            "path": f"{STREET_CODE}/",
            "kind": kind,
            "valid_from": valid_from,
            "thresholds": {**Policy().thresholds(), **own},
        }
        for kind, own in _OWN_THRESHOLDS.items()
    ]
    session.execute(insert(PatrolPolicy), rows)
