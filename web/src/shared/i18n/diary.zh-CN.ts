/** Words of the diary. */
const diaryZh = {
  title: '民情日志',
  subtitle: '由巡查、走访等记录自动汇成，只需补一句备注',
  week: '这一周的日子',
  hasEntries: '有记录',
  allDay: '全天',
  emptyTitle: '这一天没有记录',
  emptyText: '巡查、走访和检查记录下来后，会自动出现在这里。',
  remark: '备注',
  remarkHint: '记录里没有的，写一两句',
  save: '保存备注',
  saving: '正在保存…',
  saved: '已保存',
  tooOld: '这一天太早，备注不能再改。',
  summary: '小结',
  weekSummary: '这一周',
  export: '导出',
  exportDay: '这一天',
  exportWeek: '这一周',
  pdf: 'PDF（可签字）',
  excel: 'Excel 表格',
  exporting: '正在生成…',
}

export const diaryProblemsZh = {
  'remark-conflict': '同一时刻已写了别的备注，您这份已另存。请再保存一次。',
  'font-missing': '服务器缺少中文字体，暂时不能生成 PDF，请联系管理员。',
}

export default diaryZh
