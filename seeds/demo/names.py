"""Made-up names of people: common surnames and given names, combined by chance, each full name once."""

import numpy as np

# The commonest first: they are drawn more often.
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁沈任姚卢钟姜崔谭陆"
    "汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯史陶黎贺顾毛郝龚邵万钱严戴莫孔向汤"
)
GIVEN_NAMES = """
伟 芳 敏 静 磊 洋 勇 艳 杰 娟 涛 明 超 霞 平 刚 辉 玲 波 燕 斌 莉 鹏 慧 峰 颖 军 丽
建国 建华 志强 志明 文斌 文静 海燕 海涛 春梅 秀兰 秀英 玉兰 玉梅 桂芳 桂英 丽华 丽娟
晓燕 晓东 晓明 小红 小军 国庆 国强 永康 永胜 家豪 家明 子轩 子涵 雨欣 雨桐 思远 思琪
俊杰 俊峰 宇航 浩然 雅婷 雅琴 佳怡 佳宁 梦瑶 欣怡 婷婷 丹丹 红梅 卫东 卫国 爱华 爱萍
长江 金凤 银花 凤英 月娥 素珍 惠芳 美玲 淑华 德胜 德明 庆祥 福生 根宝 宝华 兴旺 正平
"""


def draw_names(count: int, rng: np.random.Generator) -> list[str]:
    """So many different full names."""
    weights = 1 / np.arange(8, 8 + len(SURNAMES))
    surnames = rng.choice(list(SURNAMES), size=3 * count, p=weights / weights.sum())
    given = rng.choice(GIVEN_NAMES.split(), size=3 * count)
    different = list(dict.fromkeys(f"{surname}{name}" for surname, name in zip(surnames, given, strict=True)))
    return different[:count]
