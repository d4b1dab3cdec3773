"""What can be wrong with an appeal or a decision; docs/problems.md lists the codes."""

from core.errors import Conflict, Forbidden, NotFound


class AppealUnknown(NotFound):
    """There is no such appeal, or you may not see it."""

    code = "appeal-unknown"


class AppealConflict(Conflict):
    """An appeal with this id says something else."""

    code = "appeal-conflict"


class AppealOpen(Conflict):
    """There is an open appeal about this patrol; decide on that."""

    code = "appeal-open"


class AppealOverlaps(Conflict):
    """Something of yours stands at this time already: appeal for that patrol, or wait for that decision."""

    code = "appeal-overlaps"


class AppealTooLate(Conflict):
    """The patrol is too long ago for an appeal."""

    code = "appeal-too-late"


class AppealWithdrawn(Conflict):
    """The worker has withdrawn this appeal."""

    code = "appeal-withdrawn"


class AlreadyDecided(Conflict):
    """This has been decided on already."""

    code = "already-decided"


class NothingToReview(Conflict):
    """This patrol does not wait for a review."""

    code = "nothing-to-review"


class OwnPatrol(Forbidden):
    """Nobody decides on an own patrol, nor on one walked in their place."""

    code = "own-patrol"
