"""What can be wrong with a question about coverage."""

from core.errors import Invalid


class TooManyCells(Invalid):
    """These are too many cells for one reply; ask for a coarser resolution or a smaller grid."""

    code = "too-many-cells"
