"""What is still missing of a finding, in a sentence."""

from dataclasses import dataclass

from patrol.checklists.queries import FindingView


@dataclass(frozen=True, slots=True)
class Missing:
    """A code with a sentence in both languages."""

    code: str
    zh: str
    en: str


def incomplete(finding: FindingView) -> Missing | None:
    """Why the finding is not complete; None when it is."""
    named = [photo for photo in finding.photos if photo.slot == "after"]
    if finding.lacks_after_photo:
        if not named:
            zh, en = "缺少处理后照片。", "A photo of the result is missing."
            return Missing("after-photo-missing", zh, en)
        zh = f"处理后照片尚未上传（0/{len(named)}）。"
        return Missing("after-photo-awaited", zh, f"Photos of the result: 0 of {len(named)} have arrived.")
    arrived = sum(photo.arrived for photo in finding.photos)
    if arrived < len(finding.photos):
        zh = f"照片 {arrived}/{len(finding.photos)}，其余等待上传。"
        en = f"{arrived} of {len(finding.photos)} photos have arrived."
        return Missing("photos-awaited", zh, en)
    return None
