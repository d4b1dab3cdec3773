/** A made-up street for decoration: jittered cells in the status colours, the same picture every time. */

export interface ArtCell {
  points: string
  colour: string
}

const COLUMNS = 8
const ROWS = 8
const SIZE = 100
const COLOURS = [
  '#7fb9c8',
  '#4c9db4',
  '#7fb9c8',
  '#f0c869',
  '#7fb9c8',
  '#a9cfd8',
  '#4c9db4',
  '#d98a70',
  '#7fb9c8',
  '#dcd6c8',
]

function noise(seed: number): number {
  const wave = Math.sin(seed * 127.1 + 311.7) * 43758.5453
  return wave - Math.floor(wave)
}

function corner(column: number, row: number): string {
  const seed = row * 31 + column * 7
  const x = (column + (noise(seed) - 0.5) * 0.5) * SIZE
  const y = (row + (noise(seed + 0.5) - 0.5) * 0.5) * SIZE
  return `${x.toFixed(0)},${y.toFixed(0)}`
}

export function artCells(): ArtCell[] {
  const cells: ArtCell[] = []
  for (let row = -1; row <= ROWS; row += 1) {
    for (let column = -1; column <= COLUMNS; column += 1) {
      const corners = [
        corner(column, row),
        corner(column + 1, row),
        corner(column + 1, row + 1),
        corner(column, row + 1),
      ]
      const colour = COLOURS[Math.floor(noise(row * 13 + column * 17 + 5) * COLOURS.length)] ?? '#7fb9c8'
      cells.push({ points: corners.join(' '), colour })
    }
  }
  return cells
}
