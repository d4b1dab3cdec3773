"""What can be wrong with findings, themes and checklists; docs/problems.md lists the codes."""

from core.errors import Conflict, Invalid, NotFound


class FindingInvalid(Invalid):
    """This finding cannot be read or filed; it is kept for a person to look at."""

    code = "finding-invalid"


class FindingConflict(Conflict):
    """A finding with this id says something else."""

    code = "finding-conflict"


class ThemesConflict(Conflict):
    """At this very moment the patrol was said to have other themes."""

    code = "themes-conflict"


class ChecklistUnknown(NotFound):
    """There is no such checklist, or it does not concern you."""

    code = "checklist-unknown"
