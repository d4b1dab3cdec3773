"""What can be wrong with samples; docs/problems.md lists the codes."""

from core.errors import Conflict, Forbidden


class NothingToDraw(Conflict):
    """No household here was collected lately: there is nothing to draw from."""

    code = "nothing-to-draw"


class SampleConflict(Conflict):
    """A sample with this id was drawn from another area or in another size."""

    code = "sample-conflict"


class OwnCollection(Forbidden):
    """Nobody checks a household whose data they collected or changed."""

    code = "own-collection"
