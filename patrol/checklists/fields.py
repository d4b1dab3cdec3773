"""The six service fields of DB32/T 2763-2015 chapter 7: what a patrol is made for (11.2.2).

The standard has headings, not codes: codes and short names are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class ServiceField(StrEnum):
    """One of the six; stored by value in `checklists.field` and `patrol_themes.themes`."""

    LIVELIHOOD = "livelihood"
    COMMUNITY = "community"
    CITY_MANAGEMENT = "city_management"
    SAFETY = "safety"
    PUBLIC_ORDER = "public_order"
    PARTY_WORK = "party_work"


@dataclass(frozen=True, slots=True)
class FieldName:
    """A service field for people, with its clause."""

    zh: str
    en: str
    clause: str


FIELDS: Mapping[ServiceField, FieldName] = MappingProxyType(
    {
        ServiceField.LIVELIHOOD: FieldName("民生帮扶", "livelihood", "7.1"),
        ServiceField.COMMUNITY: FieldName("社区服务", "community services", "7.2"),
        ServiceField.CITY_MANAGEMENT: FieldName("城市管理", "city management", "7.3"),
        ServiceField.SAFETY: FieldName("公共安全", "public safety", "7.4"),
        ServiceField.PUBLIC_ORDER: FieldName("社会稳定", "public order", "7.5"),
        ServiceField.PARTY_WORK: FieldName("党建服务", "party work", "7.6"),
    }
)
