"""What the figures mean, for the people who read them."""

from geo.codes import Reason

EVIDENCE = Reason(
    "what-counts-as-a-visit",
    "只计算判定有效或经认可的巡查；待核查或未达标的巡查单列为“待确认”，被驳回的不显示。",
    "Only patrols judged valid or accepted are counted; those in doubt or short of a figure are shown apart "
    "as unconfirmed, rejected ones not at all.",
)
STATES = (
    Reason("covered", "所选日期内有计入的巡查经过", "a patrol that counts passed within these days"),
    Reason(
        "unknown",
        "没有计入的巡查经过，但有巡查在轨迹中断期间可能到过，不等于未巡查",
        "no patrol that counts passed, but one may have while nothing was recorded: not the same as not "
        "patrolled",
    ),
    Reason("not_covered", "所选日期内没有巡查到过", "no patrol passed within these days"),
)
DENOMINATORS = (
    Reason(
        "cells",
        "分母：中心落在网格内的全部 H3 第 11 级蜂窝单元（约 2150 平方米），含水面等无法步行处",
        "of all H3 cells of resolution 11 (about 2,150 m2) whose centre lies in the grid, water and other "
        "ground that nobody can walk included",
    ),
    Reason(
        "checkpoints",
        "分母：期末位于网格内的在用巡查点位；分子：期内计入的巡查以点位牌或轨迹证明到过的点位",
        "of the checkpoints in use that lie in the grid on the last day; visited are those where patrols "
        "that count proved to have been, by plate or by track",
    ),
    Reason(
        "buildings",
        "分母：期末位于网格内的楼栋；分子：所在或相邻蜂窝单元有计入巡查经过的楼栋（约 50 米内）",
        "of the buildings in the grid on the last day; near a pass are those in a covered cell or beside one "
        "(within about 50 m)",
    ),
    Reason(
        "households",
        "分母：上述楼栋登记的户数；户数不详的楼栋按 0 计，另列数目",
        "of the households that the buildings are entered with; buildings without a number count as 0 and "
        "are told beside",
    ),
    Reason(
        "registered_households",
        "分母：期末位于网格内的在册住户；分子：期内入户见到人的住户，一户只计一次",
        "of the registered households in the grid on the last day; visited are those where somebody was met "
        "at the door, each once",
    ),
)
