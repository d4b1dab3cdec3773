"""What is to be seen below the account `head2`: in the first two weeks some sound rounds go another way.

So that every reason a patrol can be given is there for the demo accounts to look at, whatever the luck of the
planner. The weeks are always the same ones and complete, so the past does not depend on the day of loading.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from access.roles import Role
from core.clock import Week, local_date
from seeds.demo.outings import Manner, Outing
from seeds.demo.workers import Crew, Duty, Worker

PLATED_GRID = "文苑路四网格"  # has an outdoor checkpoint
_FIRST_NUMBER = 3_000_000  # beyond those of the planner
_AT_PLATES = (Manner.FAR_PLATE, Manner.BY_PLATES)
_ONCE = (
    Manner.KILLED, Manner.NO_PERMISSION, Manner.FLAT, Manner.NO_FIX, Manner.PAUSED, Manner.CLOCK_OFF,
    Manner.CLOCK_WRONG,
)  # fmt: skip
_A_WEEK_LESS = timedelta(days=6, hours=23.5)
_APART = timedelta(hours=2)


def members_below_head(crew: Crew) -> list[Duty]:
    """The duties of the members in the areas of the account `head2`, but for the account `member`."""
    head, member = crew.accounts["head2"], crew.accounts["member"]
    areas = {duty.grid for duty in crew.duties if duty.worker is head}
    return [
        duty
        for duty in crew.duties
        if duty.role is Role.MEMBER and duty.grid and duty.grid.parent in areas and duty.worker is not member
    ]


def tell_stories(outings: Sequence[Outing], crew: Crew, today: date) -> list[Outing]:
    """The outings with the stories in place of, and beside, some sound ones."""
    before = Week.of_day(today).shifted(-1).starts_at
    duties = members_below_head(crew)
    usual = sorted(
        (
            one
            for one in outings
            if one.manner is Manner.SOUND and one.duty in duties and one.received_at < before
        ),
        key=lambda one: (one.starts_at, one.number),
    )
    usual = [one for one in usual if not one.offline_hours]
    plated = [one for one in usual if one.grid.name == PLATED_GRID]
    others = [one for one in usual if one.grid.name != PLATED_GRID]
    changed = dict(zip(plated, _AT_PLATES, strict=False))
    changed |= dict(zip(others, _ONCE, strict=False))
    told = {one.number: replace(one, manner=manner) for one, manner in changed.items()}
    rest = [one for one in others if one.number not in told]
    lent = _lent(rest, usual)
    told[lent.number] = lent
    rest = [one for one in rest if one.number != lent.number]
    beside = _together(rest, outings, duties)
    copy = _copied([one for one in rest if one is not beside.original], outings)
    return [*(told.get(one.number, one) for one in outings), beside, copy]


def _lent(rest: Sequence[Outing], usual: Sequence[Outing]) -> Outing:
    """Somebody whose own phone is broken takes that of a colleague who is back already."""
    for later in reversed(rest):
        for earlier in usual:
            is_another = earlier.duty.worker is not later.duty.worker
            is_same_day = local_date(earlier.starts_at) == local_date(later.starts_at)
            if is_another and is_same_day and earlier.ends_at < later.starts_at:
                return replace(later, manner=Manner.LENT, phone_of=earlier.duty.worker)
    raise LookupError("no two were out on one day")


def _together(rest: Sequence[Outing], outings: Sequence[Outing], duties: Sequence[Duty]) -> Outing:
    """A colleague walks beside somebody, each with a phone that records."""
    for one in reversed(rest):
        for duty in duties:
            if duty.worker is not one.duty.worker and _is_free(duty.worker, one, outings):
                begun = one.starts_at + timedelta(seconds=20)
                beside = replace(one, number=_FIRST_NUMBER, duty=duty, starts_at=begun)
                return replace(beside, manner=Manner.TOGETHER, original=one)
    raise LookupError("everybody is out")


def _copied(rest: Sequence[Outing], outings: Sequence[Outing]) -> Outing:
    """Somebody shows the positions of a week ago once more, half an hour earlier."""
    for one in rest:
        again = replace(one, number=_FIRST_NUMBER + 1, starts_at=one.starts_at + _A_WEEK_LESS)
        if _is_free(one.duty.worker, again, outings):
            return replace(again, manner=Manner.COPIED, original=one)
    raise LookupError("nobody has time")


def _is_free(worker: Worker, then: Outing, outings: Sequence[Outing]) -> bool:
    own: Iterator[Outing] = (one for one in outings if one.duty.worker is worker)
    return all(one.ends_at + _APART < then.starts_at or then.ends_at + _APART < one.starts_at for one in own)
