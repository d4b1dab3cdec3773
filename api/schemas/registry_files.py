"""Tables of households and residents on the wire: what an import did, what a full export is for."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.schemas.residents import WhyIn
from registry.people.files import RowRejection
from registry.people.importing import ResidentsReport


class RowRejectionOut(BaseModel):
    """Why a row cannot be imported; `row` is the number in the spreadsheet, the name is masked."""

    row: int
    name: str | None
    field: str
    code: str
    zh: str
    en: str

    @classmethod
    def of(cls, one: RowRejection) -> "RowRejectionOut":
        reason = one.reason
        return cls(row=one.row, name=one.name, field=one.field, code=reason.code, zh=reason.zh, en=reason.en)


class CountsOut(BaseModel):
    """How many."""

    created: int
    changed: int
    unchanged: int


class ResidentsReportOut(BaseModel):
    """What was imported, or would be; nothing is while `rejected_rows` is not 0.

    Of many rejections the first thousand are told.
    """

    file: str
    street: str
    dry_run: bool
    total: int
    households: CountsOut
    residents: CountsOut
    tags: int
    rejected: list[RowRejectionOut]
    rejected_rows: int
    imported: bool
    notes: list[dict[str, str]]

    @classmethod
    def of(cls, report: ResidentsReport, *, file: str, dry_run: bool) -> "ResidentsReportOut":
        def counts(of: Mapping[str, int]) -> CountsOut:
            return CountsOut(**{event: of.get(event, 0) for event in ("created", "changed", "unchanged")})

        return cls(
            file=file,
            street=report.street,
            dry_run=dry_run,
            total=report.total,
            households=counts(report.households),
            residents=counts(report.residents),
            tags=report.tags,
            rejected=[RowRejectionOut.of(one) for one in report.rejected],
            rejected_rows=report.rejected_rows,
            imported=report.imported,
            notes=[{"code": note.code, "zh": note.zh, "en": note.en} for note in report.notes],
        )


class FullExportIn(WhyIn):
    """Which households are wanted in full, and why; `other` needs a note."""

    grid: Annotated[str, Field(max_length=40)] | None = None
    format: Literal["xlsx", "csv"] = "xlsx"
