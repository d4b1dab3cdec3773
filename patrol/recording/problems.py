"""What can be wrong with what a phone delivers; docs/problems.md lists the codes."""

from core.errors import Conflict, NotFound


class PatrolUnknown(NotFound):
    """This patrol has not arrived yet; what you sent is kept and filed when it does."""

    code = "patrol-unknown"


class PatrolOfAnother(NotFound):
    """This patrol is not yours; sign in as the person who walked it."""

    code = "patrol-of-another"


class PatrolConflict(Conflict):
    """A patrol with this id began otherwise."""

    code = "patrol-conflict"


class SegmentConflict(Conflict):
    """A segment with this id holds something else."""

    code = "segment-conflict"


class PatrolFinished(Conflict):
    """The patrol was finished before."""

    code = "patrol-finished"


class PatrolFull(Conflict):
    """This patrol holds as many positions as one can; what you sent is kept."""

    code = "patrol-full"


class CheckInConflict(Conflict):
    """A check-in with this id says something else."""

    code = "check-in-conflict"


class GapConflict(Conflict):
    """A gap with this id says something else."""

    code = "gap-conflict"


class CheckpointUnknown(NotFound):
    """There is no such checkpoint in the street of this patrol; what you sent is kept."""

    code = "checkpoint-unknown"
