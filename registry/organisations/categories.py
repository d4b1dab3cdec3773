"""What organisations, shops and facilities are: kinds, and one list of categories for all of them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

OrganisationKind = Literal["organisation", "shop", "facility"]
Category = Literal[
    "government", "public_institution", "company", "school", "kindergarten", "hospital", "social_body",
    "property_company", "retail", "restaurant", "hotel", "entertainment", "repair", "beauty", "clinic",
    "net_cafe", "workshop", "service", "fire_equipment", "public_toilet", "waste_station", "playground",
    "parking", "power", "water", "gas", "community_room", "other",
]  # fmt: skip

ZH: Mapping[Category, str] = MappingProxyType(
    {
        "government": "机关",
        "public_institution": "事业单位",
        "company": "企业",
        "school": "学校",
        "kindergarten": "幼儿园",
        "hospital": "医院",
        "social_body": "社会组织",
        "property_company": "物业企业",
        "retail": "零售",
        "restaurant": "餐饮",
        "hotel": "住宿",
        "entertainment": "娱乐",
        "repair": "维修",
        "beauty": "美容美发",
        "clinic": "诊所药店",
        "net_cafe": "网吧",
        "workshop": "作坊",
        "service": "服务",
        "fire_equipment": "消防设施",
        "public_toilet": "公共厕所",
        "waste_station": "垃圾站点",
        "playground": "健身游乐设施",
        "parking": "停车设施",
        "power": "供电设施",
        "water": "供排水设施",
        "gas": "燃气设施",
        "community_room": "社区用房",
        "other": "其他",
    }
)
# What people write in tables.
CATEGORY_WORDS: Mapping[str, str] = MappingProxyType({word: category for category, word in ZH.items()})
KIND_WORDS: Mapping[str, str] = MappingProxyType(
    {"单位": "organisation", "组织": "organisation", "商铺": "shop", "店铺": "shop", "设施": "facility"}
)
