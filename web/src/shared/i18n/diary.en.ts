/** Words of the diary; the keys are those of the Chinese file. */
const diaryEn = {
  title: 'Diary',
  subtitle: 'Made of what is recorded anyway; add a remark if you like',
  week: 'Days of this week',
  hasEntries: 'something recorded',
  allDay: 'all day',
  emptyTitle: 'Nothing on this day',
  emptyText: 'Patrols, visits and checks appear here by themselves once they are recorded.',
  remark: 'Remark',
  remarkHint: 'What the records do not say',
  save: 'Save the remark',
  saving: 'Saving…',
  saved: 'Saved',
  tooOld: 'This day is too long ago; its remark stays as it is.',
  summary: 'Summary',
  weekSummary: 'This week',
  export: 'Export',
  exportDay: 'This day',
  exportWeek: 'This week',
  pdf: 'PDF (to be signed)',
  excel: 'Excel table',
  exporting: 'Being made…',
}

export const diaryProblemsEn = {
  'remark-conflict': 'Another remark was made at the same moment; yours is kept aside. Save again.',
  'font-missing': 'The server has no Chinese font, so no PDF can be made; tell an administrator.',
}

export default diaryEn
