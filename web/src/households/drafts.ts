import type { Household, Resident } from './types'

/** What the forms send. */

export interface HouseholdEdit {
  entrance: string
  floor: string
  room: string
  kind: Household['kind']
  code: string
}

export interface ResidentEdit {
  household: string
  name?: string
  relation: Resident['relation']
  residence: Resident['residence']
  joined_on: string | null
  id_number?: string | null
  phone?: string | null
}

const orNull = (text: string): string | null => text.trim() || null

/** The whole household as it is to be: what the form does not show stays as it is. */
export function draftOf(household: Household, edit: HouseholdEdit): Record<string, unknown> {
  const { address, building, street, source, confirmed_at, grid } = household
  const sited = address ?? building ? {} : { position: household.position }
  return {
    street,
    address,
    building,
    ...sited,
    grid: grid?.manual ? grid.code : null,
    source,
    confirmed_at,
    entrance: orNull(edit.entrance),
    floor: orNull(edit.floor),
    room: orNull(edit.room),
    code: orNull(edit.code),
    kind: edit.kind,
  }
}

export interface ResidentFields {
  name: string
  relation: Resident['relation'] | ''
  residence: Resident['residence']
  joinedOn: string
  idNumber: string
  phone: string
}

/** A name and numbers that are left empty stay as they are: the form shows them masked and cannot repeat them. */
export function residentDraft(household: string, fields: ResidentFields): ResidentEdit {
  const name = fields.name.trim()
  const idNumber = fields.idNumber.replace(/\s/g, '')
  const phone = fields.phone.trim()
  return {
    household,
    relation: fields.relation || null,
    residence: fields.residence,
    joined_on: fields.joinedOn || null,
    ...(name ? { name } : {}),
    ...(idNumber ? { id_number: idNumber } : {}),
    ...(phone ? { phone } : {}),
  }
}

/** Where the household is: address or building, then door. */
export function doorOf(household: Pick<Household, 'address_text' | 'building_name' | 'entrance' | 'floor' | 'room'>): {
  place: string
  door: string
} {
  const { address_text: address, building_name: building, entrance, floor, room } = household
  return { place: address ?? building ?? '', door: [entrance, floor, room].filter(Boolean).join('-') }
}

/** Whether a text to find looks like somebody's number: such a one must not travel in an address. */
export function looksPersonal(text: string): boolean {
  return /\d{10,}/.test(text.replace(/[\s-]/g, ''))
}
