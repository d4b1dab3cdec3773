"""What a diary tells of checklists: what was in order in one line, everything else one by one."""

import uuid
from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy.orm import Session

from core.clock import local_date
from patrol.checklists.lists import HANDLED, OK
from patrol.checklists.queries import FindingView, findings_of_person
from patrol.checklists.wording import incomplete
from patrol.diary.entries import PROVIDERS, Entry, Span


def tell_findings(session: Session, person_id: uuid.UUID, span: Span) -> Iterator[Entry]:
    """What was looked at and found in these days."""
    in_order: dict[tuple[uuid.UUID, str, str], list[FindingView]] = defaultdict(list)
    for view in findings_of_person(session, person_id, span.starts_at, span.ends_at):
        if view.result == OK:
            day = str(local_date(view.at))
            in_order[view.patrol_id, view.checklist.code, day].append(view)
        else:
            yield _finding(view)
    for views in in_order.values():
        yield _round(views)


def _round(views: list[FindingView]) -> Entry:
    last = max(views, key=lambda view: view.at)
    checked = len({view.item.code for view in views})
    name = last.checklist
    return _entry(
        last,
        kind="check",
        zh=f"按《{name.zh}》检查 {checked} 项，未发现问题。",
        en=f"Checked {checked} items of “{name.en}”: nothing amiss.",
        figures={"items_checked": checked},
    )


def _finding(view: FindingView) -> Entry:
    aspect_zh = f"（{view.aspect.zh}）" if view.aspect else ""
    aspect_en = f" ({view.aspect.en})" if view.aspect else ""
    handled = view.result == HANDLED
    done_zh, done_en = ("已现场处理", "put right on the spot") if handled else ("上报", "to be reported")
    note_zh, note_en = (f"：{view.note}", f": {view.note}") if view.note else ("", "")
    missing = incomplete(view)
    rest_zh, rest_en = (missing.zh, f" {missing.en}") if missing else ("", "")
    return _entry(
        view,
        kind="finding",
        zh=f"在{view.grid_name}发现{view.item.zh}问题{aspect_zh}，{done_zh}{note_zh}。{rest_zh}",
        en=f"{view.item.en.capitalize()}{aspect_en} in {view.grid_name}, {done_en}{note_en}.{rest_en}",
        figures={"items_checked": 1, "handled" if handled else "reported": 1},
    )


def _entry(view: FindingView, *, kind: str, zh: str, en: str, figures: dict[str, int]) -> Entry:
    return Entry(
        kind=kind,
        day=local_date(view.at),
        at=view.at,
        until=None,
        zh=zh,
        en=en,
        path=view.grid_path,
        grid_code=view.grid_code,
        grid_name=view.grid_name,
        item_id=view.finding_id if kind == "finding" else view.patrol_id,
        figures=figures,
    )


PROVIDERS["finding"] = tell_findings
