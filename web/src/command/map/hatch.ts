const SIZE = 12

/** A tile of diagonal strokes: grids without anybody in charge are told apart by texture, not by colour alone. */
export function hatchImage(): ImageData {
  const canvas = document.createElement('canvas')
  canvas.width = SIZE
  canvas.height = SIZE
  const brush = canvas.getContext('2d')
  if (!brush) return new ImageData(SIZE, SIZE)
  brush.strokeStyle = '#8d8776'
  brush.lineWidth = 1.4
  for (const shift of [-SIZE, 0, SIZE]) {
    brush.moveTo(shift, SIZE)
    brush.lineTo(shift + SIZE, 0)
  }
  brush.stroke()
  return brush.getImageData(0, 0, SIZE, SIZE)
}
