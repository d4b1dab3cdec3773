"""What can be wrong with a place; docs/problems.md lists the codes."""

from core.errors import Conflict, Invalid, NotFound


class PlaceCodeTaken(Conflict):
    """Another place of this street has this code already."""

    code = "place-code-taken"


class AddressTaken(Conflict):
    """This address stands in the table already."""

    code = "address-taken"


class PlaceRetired(Conflict):
    """This place was retired and is not changed any more."""

    code = "place-retired"


class PlateUnknown(NotFound):
    """No checkpoint of yours has this plate; it may have been replaced."""

    code = "plate-unknown"


class NothingToPrint(NotFound):
    """There is no checkpoint to print."""

    code = "nothing-to-print"


class UnreadablePlaces(Invalid):
    """This file cannot be read as a table or GeoJSON of places."""

    code = "unreadable-places"
