"""Setting a day of the work calendar: it holds for everybody, so whoever sets it answers for everything."""

from datetime import date

from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import EVERYWHERE, Actor, scope_of
from core.errors import Forbidden
from core.work_calendar import Day, DayKind, put_day


def set_day(
    session: Session, actor: Actor, day: date, kind: DayKind, name: str, *, is_provisional: bool
) -> Day:
    """The day is of this kind for the whole deployment. Raises: Forbidden."""
    if not scope_of(actor, Action.MANAGE_POLICIES).covers(EVERYWHERE):
        detail = "工作日历适用于整个系统，须由系统管理员设置 / the calendar holds for the whole deployment"
        raise Forbidden(detail, action=Action.MANAGE_POLICIES.value)
    wanted = Day(day, kind, name, actor.label, is_provisional)
    put_day(session, wanted, actor=actor.label)
    return wanted
