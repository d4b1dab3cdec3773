"""What can be wrong with what a phone delivers about visits; docs/problems.md lists the codes."""

from core.errors import Conflict, Forbidden, Invalid, NotFound


class VisitInvalid(Invalid):
    """The visit cannot be read; it is kept for a person to look at."""

    code = "visit-invalid"


class VisitConflict(Conflict):
    """A visit with this id says something else; what you sent is kept beside it."""

    code = "visit-conflict"


class HouseholdUnknown(NotFound):
    """This household has not arrived yet; what you sent is kept and filed when it does."""

    code = "household-unknown"


class VisitOutOfScope(Forbidden):
    """The household was not in a grid of yours on the day of the visit; what you sent is kept."""

    code = "visit-out-of-scope"


class VisitFormUnknown(Invalid):
    """This version of the form is not known here; what you sent is kept and filed when it is."""

    code = "visit-form-unknown"


class AnswersInvalid(Invalid):
    """The answers do not fit the form; they are kept for a person to look at."""

    code = "answers-invalid"


class VisitUnknown(NotFound):
    """This visit has not arrived yet; what you sent is kept and filed when it does."""

    code = "visit-unknown"


class VisitOfAnother(NotFound):
    """This visit is not yours; only who made it corrects it."""

    code = "visit-of-another"


class CorrectionTooLate(Conflict):
    """The visit is too long ago to be corrected; what you sent is kept."""

    code = "correction-too-late"


class VisitFormInvalid(Invalid):
    """This cannot be a visit form."""

    code = "visit-form-invalid"


class VisitFormTaken(Conflict):
    """This version of the form exists and says something else; give the change a new version."""

    code = "visit-form-taken"
