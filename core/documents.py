"""PDF documents with Chinese text, by typst: a template and data in, bytes out; no network, no system files.

A template reads its data with `#let data = json(bytes(sys.inputs.data))` and sets `sys.inputs.font`. It sees
nothing but itself: its root is an empty folder and packages are not fetched. The font with Chinese characters
is the operating system's (set-up installs it); without it nothing is printed, for typst would print boxes.
"""

import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import typst

from core.clock import now
from core.errors import Unavailable

FONT = "Noto Sans CJK SC"


class FontMissing(Unavailable):
    """No font with Chinese characters is installed on the server, so no document can be made."""

    code = "font-missing"


def render_pdf(template: Path, data: Mapping[str, Any]) -> bytes:
    """The document as PDF. Raises: FontMissing."""
    document = _compiled(template, data, "pdf")
    assert isinstance(document, bytes)
    return document


def render_png(template: Path, data: Mapping[str, Any], *, dots_per_inch: float = 96.0) -> list[bytes]:
    """The same document as pictures, page by page. Raises: FontMissing."""
    pages = _compiled(template, data, "png", ppi=dots_per_inch)
    return pages if isinstance(pages, list) else [pages]


def _compiled(template: Path, data: Mapping[str, Any], form: Any, **options: Any) -> Any:
    fonts = _fonts()
    if FONT not in fonts.families():
        raise FontMissing(f"服务器缺少中文字体 {FONT} / install the package fonts-noto-cjk")
    inputs = {"data": json.dumps(data, ensure_ascii=False), "font": FONT}
    with tempfile.TemporaryDirectory() as empty:
        nowhere = Path(empty)
        return typst.compile(
            template.read_bytes(),
            root=nowhere,
            package_path=nowhere,
            package_cache_path=nowhere,
            font_paths=fonts,
            sys_inputs=inputs,
            timestamp=now().replace(microsecond=0),
            format=form,
            **options,
        )


@cache
def _fonts() -> typst.Fonts:
    """Found once: looking through the folders takes longer than a document."""
    return typst.Fonts()
