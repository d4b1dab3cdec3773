import { formatLength, formatNumber, formatShare } from './index'
import { i18n } from '../i18n'

/** A measured or required value of a patrol check with its unit, in words. */
export function formatMeasure(value: number | string | null, unit: string | null): string {
  if (value === null) return '—'
  if (typeof value === 'string') return value
  const { t } = i18n.global
  switch (unit) {
    case 'ratio':
      return formatShare(value)
    case 'percent':
      return `${formatNumber(value)} %`
    case 'm':
      return formatLength(value)
    case 's':
      return value < 120 ? t('unit.seconds', { n: formatNumber(value) }) : minutes(value / 60)
    case 'min':
    case 'minutes':
      return minutes(value)
    case 'h':
    case 'hours':
      return t('unit.hours', { n: formatNumber(value, 1) })
    case 'fixes':
      return t('unit.fixes', { n: formatNumber(value) })
    case 'm/s':
    case 'mps':
      return `${formatNumber(value, 1)} m/s`
    default:
      return unit ? `${formatNumber(value, 1)} ${unit}` : formatNumber(value, 2)
  }
}

function minutes(value: number): string {
  return i18n.global.t('unit.minutes', { n: formatNumber(value, value < 10 ? 1 : 0) })
}
