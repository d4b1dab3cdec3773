"""What can be wrong with households and residents; docs/problems.md lists the codes."""

from core.errors import Conflict, Forbidden, TooMany


class HouseholdCodeTaken(Conflict):
    """Another household of this street has this code already."""

    code = "household-code-taken"


class HouseholdRetired(Conflict):
    """This household was retired and is not changed any more."""

    code = "household-retired"


class HouseholdOutside(Forbidden):
    """This would put the household outside the grids that you look after; ask the command centre."""

    code = "household-outside"


class ResidentKnown(Conflict):
    """Somebody with this ID number lives in this street already."""

    code = "resident-known"


class ResidentErased(Conflict):
    """What named this person was erased; the record is not changed any more."""

    code = "resident-erased"


class ResidentElsewhere(Conflict):
    """This person is kept in another household; move them, with a day."""

    code = "resident-elsewhere"


class TooManyLooks(TooMany):
    """You have looked at personal data too often within the hour; wait."""

    code = "too-many-looks"

    def __init__(self, wait_s: int) -> None:
        told = f"一小时内查看过多，请 {-(-wait_s // 60)} 分钟后再试 / too many looks, wait {wait_s} s"
        super().__init__(told, retry_after_s=wait_s)
