"""Tags of households: which stand on a day, and which make a household a special one.

The list of tags is data (`tag_kinds`): S1 says in three places who counts as special (7.1.3.1, 9.2.2.3, note
a of annex A), so each row says whether it counts, from a day on, and where it stands.
"""

from datetime import date

from sqlalchemy import ColumnElement, exists, or_

from registry.people.models import Household, HouseholdTag, TagKind

Day = date | ColumnElement[date]


def special_on(day: Day) -> ColumnElement[bool]:
    """Households that are special on the day: they have a tag, valid that day, that counts that day.

    A condition on `Household`. Several tags make one special household, not several.
    """
    return exists().where(
        HouseholdTag.household_id == Household.household_id,
        tag_stands_on(day),
        TagKind.code == HouseholdTag.tag,
        TagKind.is_special,
        kind_holds_on(day),
    )


def makes_special(day: Day) -> ColumnElement[bool]:
    """The same as a condition on `HouseholdTag`."""
    kind = exists().where(TagKind.code == HouseholdTag.tag, TagKind.is_special, kind_holds_on(day))
    return tag_stands_on(day) & kind


def tag_stands_on(day: Day) -> ColumnElement[bool]:
    """Rows of `HouseholdTag` that hold on the day."""
    return (HouseholdTag.valid_from <= day) & or_(
        HouseholdTag.valid_to.is_(None), HouseholdTag.valid_to > day
    )


def kind_holds_on(day: Day) -> ColumnElement[bool]:
    """Rows of `TagKind` that hold on the day."""
    return (TagKind.valid_from <= day) & or_(TagKind.valid_to.is_(None), TagKind.valid_to > day)
