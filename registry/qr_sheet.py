"""The sheet of QR codes that is printed, cut and put up: every token is computed anew, none is stored."""

import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import segno

from core.documents import render_pdf
from registry.models import Checkpoint
from registry.plates import Plate, PlateKeys, shown
from registry.queries import Found

TEMPLATE = Path(__file__).parent / "templates" / "checkpoint_sheet.typ"
_KINDS = {"outdoor": "室外点位", "indoor": "室内点位", "vertical": "楼道点位"}


def plate_url(base_url: str, token: str) -> str:
    """What the QR code holds, and what an NFC tag may hold."""
    return f"{base_url.rstrip('/')}/c/{token}"


def checkpoint_sheet(
    checkpoints: Sequence[Found[Checkpoint]], keys: PlateKeys, *, base_url: str, street: str, day: date
) -> bytes:
    """The plates as PDF, eight to an A4 page. Raises: FontMissing."""
    return render_pdf(TEMPLATE, sheet_data(checkpoints, keys, base_url=base_url, street=street, day=day))


def sheet_data(
    checkpoints: Sequence[Found[Checkpoint]], keys: PlateKeys, *, base_url: str, street: str, day: date
) -> dict[str, Any]:
    """What the template prints."""
    return {
        "title": f"{street}巡查点位牌",
        "street": street,
        "heading": "网格巡查点位",
        "printed": f"{day:%Y-%m-%d}",
        "plates": [_plate(found, keys, base_url) for found in checkpoints],
    }


def _plate(found: Found[Checkpoint], keys: PlateKeys, base_url: str) -> dict[str, Any]:
    checkpoint = found.place
    token = keys.token(Plate(checkpoint.checkpoint_id, checkpoint.short_code, checkpoint.generation))
    floor = f"{checkpoint.floor}层" if checkpoint.floor else ""
    entrance = f"{checkpoint.entrance}单元" if checkpoint.entrance else ""
    return {
        "qr": _qr_svg(plate_url(base_url, token)),
        "short_code": shown(checkpoint.short_code),
        "name": checkpoint.name,
        "place": " ".join(part for part in (found.home or "", entrance, floor) if part),
        "grid": found.grid.name if found.grid else "",
        "grid_code": found.grid.code if found.grid else "",
        "kind": _KINDS[checkpoint.kind],
        "generation": checkpoint.generation,
    }


def _qr_svg(content: str) -> str:
    """Level Q: a quarter of the code may be scratched or dirty."""
    image = io.BytesIO()
    segno.make_qr(content, error="q").save(image, kind="svg", xmldecl=False, border=2)
    return image.getvalue().decode()
