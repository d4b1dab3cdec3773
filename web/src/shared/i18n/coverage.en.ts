/** Words of the heatmap on the command map. */
const coverageEn = {
  switch: 'The map shows',
  compliance: 'Week',
  coverage: 'Coverage',
  daysLabel: 'Of the last days',
  days: '{n} days',
  totals: 'Coverage',
  list: 'All grids',
  inside: 'The grids inside',
  zoom: 'Zoom to it',
  cell: 'The cell you clicked',
  lastVisit: 'Last visit: {date}',
  stateMeans: {
    covered: 'A patrol that counts passed in the last {n} days.',
    not_covered: 'No patrol that counts passed in the last {n} days.',
    unknown: 'No patrol that counts passed in the last {n} days, but one may have while nothing was recorded: not the same as not patrolled.',
  },
  export: { xlsx: 'Export Excel', csv: 'Export CSV' },
  visits: '{n} visit | {n} visits',
  dwell: '{time} in all',
  unconfirmed: '{n} unconfirmed, not counted',
  cellsOf: '{n} / {of} cells',
  unknownCells: '{n} cells unknown, which is not the same as not patrolled',
  withoutHouseholds: '{n} buildings without a number count as 0',
  emptyTitle: 'Nothing to cover',
  emptyText: 'Floors and counters have no ground of their own.',
  state: { covered: 'covered', not_covered: 'not covered', unknown: 'unknown' },
  legend: {
    title: 'Visits to each cell',
    explain:
      'Each hexagon is an H3 cell, finer when you zoom in. The darker, the more patrols that count passed; hatched where the phone recorded nothing then; sand where no patrol that counts has been.',
  },
  share: {
    cells: 'Ground',
    checkpoints: 'Checkpoints',
    buildings: 'Buildings',
    households: 'Households in them',
    registered_households: 'Met at the door',
  },
}
export default coverageEn
