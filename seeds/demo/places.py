"""What the demo street is made of: real communities (division table), made-up places below them.

Community names and codes come from the division table. Roads and compounds are plausible inventions; no
boundary, number or person here describes reality.
"""

from dataclasses import dataclass

STREET_CODE = "320113007"
OBJECT_CODE = "990000"

RESIDENTIAL, COMMERCIAL, CAMPUS, VILLAGE = "residential", "commercial", "campus", "village"  # level 3
COMMUNITY, AREA, FLOOR, COUNTER = "community", "area", "floor", "counter"  # levels 1, 2, 4 and 5

# How much ground a level-3 grid of a kind takes, relative to a residential one.
GROUND = {RESIDENTIAL: 1.0, COMMERCIAL: 0.8, CAMPUS: 1.7, VILLAGE: 1.9}

# DB32/T 2763-2015 5.2.4: about 300 households in a level-3 grid, about 100 where they live scattered.
HOUSEHOLDS = {RESIDENTIAL: 330, COMMERCIAL: 270, CAMPUS: 290, VILLAGE: 105}

# The mall is one level-3 grid; its floors are level 4, its counters level 5.
MALL_NAME = "亚东广场一网格"
MALL_FLOORS = {"B1": "亚东广场地下一层", "F1": "亚东广场一层", "F2": "亚东广场二层", "F3": "亚东广场三层"}
MALL_SHOPS = {
    "B1": ("生鲜", "熟食", "粮油", "水果", "日杂", "糕点"),
    "F1": ("珠宝", "钟表", "化妆品", "眼镜", "手机", "茶叶"),
    "F2": ("女装", "男装", "童装", "鞋帽", "箱包"),
    "F3": ("火锅", "面馆", "奶茶", "书店", "影院"),
}


@dataclass(frozen=True, slots=True)
class Area:
    """A level-2 grid: the road or compound its level-3 grids are named after, and how many there are.

    `crowded` are households that were added to its first level-3 grid without its being subdivided.
    """

    road: str
    kind: str
    grids: int
    crowded: int = 0


# By community code, in the order in which the plan hands out ground: west to east, north to south.
COMMUNITIES: dict[str, tuple[Area, ...]] = {
    "320113007009": (  # 文澜社区
        Area("文澜路", CAMPUS, 3),
        Area("学海路", CAMPUS, 3),
        Area("学典路", CAMPUS, 2),
        Area("文澜新寓", RESIDENTIAL, 3),
    ),
    "320113007008": (  # 羊山湖社区
        Area("羊山北路", RESIDENTIAL, 4),
        Area("湖畔花园", RESIDENTIAL, 3),
        Area("羊山公园", VILLAGE, 2),
        Area("学衡路", CAMPUS, 3),
    ),
    "320113007001": (  # 仙林新村社区
        Area("文苑路", RESIDENTIAL, 4),
        Area("新村东路", RESIDENTIAL, 3),
        Area("新村西路", RESIDENTIAL, 4),
        Area("梅园里", RESIDENTIAL, 3),
    ),
    "320113007003": (  # 杉湖路社区
        Area("杉湖东路", RESIDENTIAL, 3),
        Area("杉湖西路", RESIDENTIAL, 3),
        Area("杉湖广场", COMMERCIAL, 3),
        Area("学则路", COMMERCIAL, 3),
    ),
    "320113007007": (  # 仙龙湾社区
        Area("龙湾一街", RESIDENTIAL, 3),
        Area("龙湾二街", RESIDENTIAL, 3),
        Area("龙湾山庄", RESIDENTIAL, 3),
        Area("灵山北路", VILLAGE, 2),
    ),
    "320113007002": (  # 仙鹤社区
        Area("仙鹤门", RESIDENTIAL, 3),
        Area("仙隐北路", RESIDENTIAL, 3),
        Area("仙隐南路", RESIDENTIAL, 4, crowded=570),
        Area("鹤鸣里", RESIDENTIAL, 3),
    ),
    "320113007004": (  # 亚东社区
        Area("亚东花园", RESIDENTIAL, 4),
        Area("亚东广场", COMMERCIAL, 3),
        Area("文范路", RESIDENTIAL, 3),
        Area("枫林苑", RESIDENTIAL, 3),
    ),
    "320113007005": (  # 咏梅社区
        Area("咏梅山庄", RESIDENTIAL, 4),
        Area("学思路", CAMPUS, 2),
        Area("守敬路", RESIDENTIAL, 4),
    ),
    "320113007006": (  # 和园社区
        Area("和园东区", RESIDENTIAL, 3),
        Area("和园西区", RESIDENTIAL, 3),
        Area("元化路", COMMERCIAL, 2),
        Area("学森路", CAMPUS, 3),
    ),
    "320113007010": (  # 汇通社区
        Area("汇通路", COMMERCIAL, 3),
        Area("齐民路", RESIDENTIAL, 3),
        Area("九乡河西", VILLAGE, 2),
        Area("广志路", RESIDENTIAL, 3),
        Area("青田垄", VILLAGE, 2),
    ),
}
