/** 地图上覆盖热力图的文字。 */
const coverageZh = {
  switch: '地图显示',
  compliance: '达标',
  coverage: '覆盖',
  daysLabel: '最近多少天',
  days: '{n} 天',
  totals: '覆盖情况',
  list: '查看各网格',
  inside: '其中各网格',
  zoom: '在地图上放大',
  cell: '所点单元',
  lastVisit: '最近一次到访：{date}',
  stateMeans: {
    covered: '最近 {n} 天有计入的巡查经过。',
    not_covered: '最近 {n} 天没有计入的巡查经过。',
    unknown: '最近 {n} 天没有计入的巡查经过，但可能在手机没有记录时到过，不等于没有巡查。',
  },
  export: { xlsx: '导出 Excel', csv: '导出 CSV' },
  visits: '到访 {n} 次',
  dwell: '停留 {time}',
  unconfirmed: '另有 {n} 次待确认，不计入',
  cellsOf: '{n} / {of} 个单元',
  unknownCells: '{n} 个单元情况不明，不等于没有巡查',
  withoutHouseholds: '{n} 栋楼户数不详，按 0 计',
  emptyTitle: '没有可统计的覆盖',
  emptyText: '楼层和柜台等专属网格没有自己的地面。',
  state: { covered: '已到访', not_covered: '未到访', unknown: '情况不明' },
  legend: {
    title: '每个单元到访次数',
    explain:
      '每个六边形是一个 H3 单元，放大地图后更细。颜色越深，期间内计入的巡查经过得越多；斜线表示当时手机没有记录，情况不明；沙色表示没有计入的巡查到过。',
  },
  share: {
    cells: '地面',
    checkpoints: '点位',
    buildings: '楼栋',
    households: '楼栋内户数',
    registered_households: '入户见面',
  },
}
export default coverageZh
