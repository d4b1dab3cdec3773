"""What is told to people as a stable code with a sentence in Chinese and in English."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

Sentences = Mapping[str, tuple[str, str]]  # by code: Chinese, English


@dataclass(frozen=True, slots=True)
class Coded:
    """A code with the figures that its sentences need."""

    SENTENCES: ClassVar[Sentences]

    code: str
    figures: Mapping[str, str] = field(default_factory=dict)

    @property
    def zh(self) -> str:
        return self.SENTENCES[self.code][0].format(**self.figures)

    @property
    def en(self) -> str:
        return self.SENTENCES[self.code][1].format(**self.figures)

    def members(self) -> dict[str, str]:
        return {"code": self.code, "zh": self.zh, "en": self.en}
