/** A form, which the server describes as JSON Schema 2020-12, as fields that can be drawn; and its answers. */

export interface Words {
  zh: string
  en: string
}

export interface Choice extends Words {
  value: unknown
}

interface FieldBase extends Words {
  name: string
  isRequired: boolean
}

export type Field = FieldBase &
  (
    | { kind: 'text'; maxLength: number | null; isLong: boolean }
    | { kind: 'number'; isWhole: boolean; minimum: number | null; maximum: number | null }
    | { kind: 'day' }
    | { kind: 'flag' }
    | { kind: 'choice'; choices: Choice[]; otherwise: unknown }
    | { kind: 'choices'; choices: Choice[] }
    | { kind: 'group'; fields: Field[] }
    | { kind: 'list'; fields: Field[]; maxItems: number }
    | { kind: 'words'; maxItems: number }
  )

export type Answers = Record<string, unknown>
type Schema = Record<string, unknown>

const LONG = 120 // characters that need more than one line
const MANY = 20

export function fieldsOf(definition: Schema): Field[] {
  return objectFields(definition, (definition.$defs ?? {}) as Record<string, Schema>)
}

// In the order in which the form was written: the server keeps it.
function objectFields(schema: Schema, defs: Record<string, Schema>): Field[] {
  const required = (schema.required ?? []) as string[]
  return Object.entries((schema.properties ?? {}) as Record<string, Schema>).map(([name, part]) =>
    fieldOf(name, part, required.includes(name), defs),
  )
}

function fieldOf(name: string, given: Schema, isRequired: boolean, defs: Record<string, Schema>): Field {
  const schema = resolved(given, defs)
  const base = { name, isRequired, zh: textOf(schema.zh) ?? name, en: textOf(schema.en) ?? textOf(schema.zh) ?? name }
  const choices = choicesOf(schema)
  if (choices) return { ...base, kind: 'choice', choices, otherwise: schema.default }
  switch (schema.type) {
    case 'boolean':
      return { ...base, kind: 'flag' }
    case 'integer':
    case 'number':
      return {
        ...base,
        kind: 'number',
        isWhole: schema.type === 'integer',
        minimum: numberOf(schema.minimum),
        maximum: numberOf(schema.maximum),
      }
    case 'object':
      return { ...base, kind: 'group', fields: objectFields(schema, defs) }
    case 'array':
      return arrayField(base, schema, defs)
    default: {
      if (schema.format === 'date') return { ...base, kind: 'day' }
      const maxLength = numberOf(schema.maxLength)
      return { ...base, kind: 'text', maxLength, isLong: maxLength === null || maxLength > LONG }
    }
  }
}

function arrayField(base: FieldBase, schema: Schema, defs: Record<string, Schema>): Field {
  const items = resolved((schema.items ?? {}) as Schema, defs)
  const choices = choicesOf(items)
  if (choices) return { ...base, kind: 'choices', choices }
  const maxItems = numberOf(schema.maxItems) ?? MANY
  if (items.type === 'object') return { ...base, kind: 'list', fields: objectFields(items, defs), maxItems }
  return { ...base, kind: 'words', maxItems }
}

function resolved(schema: Schema, defs: Record<string, Schema>): Schema {
  const name = textOf(schema.$ref)?.replace('#/$defs/', '')
  if (name === undefined) return schema
  const { $ref: _, ...own } = schema
  return { ...resolved(defs[name] ?? {}, defs), ...own }
}

function choicesOf(schema: Schema): Choice[] | null {
  if (Array.isArray(schema.oneOf) && schema.oneOf.every((one) => isSchema(one) && 'const' in one)) {
    return (schema.oneOf as Schema[]).map((one) => ({
      value: one.const,
      zh: textOf(one.zh) ?? String(one.const),
      en: textOf(one.en) ?? String(one.const),
    }))
  }
  if (!Array.isArray(schema.enum)) return null
  return schema.enum.map((value) => ({ value, zh: String(value), en: String(value) }))
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

// ---------------------------------------------------------------------------------------------------- answers

/** What to send: nothing that was left empty, but for what the form must have. */
export function answersOf(fields: readonly Field[], given: Answers): Answers {
  const told = fields.flatMap((field): [string, unknown][] => {
    const value = cleaned(field, given[field.name])
    return value === undefined ? [] : [[field.name, value]]
  })
  return Object.fromEntries(told)
}

function cleaned(field: Field, value: unknown): unknown {
  switch (field.kind) {
    case 'text':
    case 'day':
      return textOf(value)?.trim() || undefined
    case 'number': {
      const number = value === '' || value === null || value === undefined ? Number.NaN : Number(value)
      return Number.isFinite(number) ? number : undefined
    }
    case 'flag':
      return typeof value === 'boolean' ? value : undefined
    case 'choice':
      return value ?? undefined
    case 'choices':
      return kept(field, Array.isArray(value) ? value : [])
    case 'words':
      return kept(
        field,
        (Array.isArray(value) ? value : []).flatMap((one: unknown) => textOf(one)?.trim() || []),
      )
    case 'group': {
      const answers = answersOf(field.fields, (value ?? {}) as Answers)
      // An empty group is sent where the form wants it, so that the server names what is missing inside.
      return Object.keys(answers).length || field.isRequired ? answers : undefined
    }
    case 'list':
      return kept(
        field,
        (Array.isArray(value) ? value : []).map((one) => answersOf(field.fields, one as Answers)),
      )
  }
}

function kept(field: Field, items: unknown[]): unknown[] | undefined {
  return items.length || (field.isRequired && field.kind !== 'choices') ? items : undefined
}

/** A new item of a list, with what the form proposes. */
export function freshItem(fields: readonly Field[]): Answers {
  return Object.fromEntries(
    fields.flatMap((field) => (field.kind === 'choice' && field.otherwise !== undefined ? [[field.name, field.otherwise]] : [])),
  )
}

/** JSON pointers of what the form must have and was not given, like the server's own. */
export function missingIn(fields: readonly Field[], answers: Answers, at = '/answers'): string[] {
  return fields.flatMap((field) => {
    const where = `${at}/${field.name}`
    const value = answers[field.name]
    if (value === undefined) return field.isRequired ? [where] : []
    if (field.kind === 'group') return missingIn(field.fields, value as Answers, where)
    if (field.kind !== 'list') return []
    return (value as Answers[]).flatMap((one, index) => missingIn(field.fields, one, `${where}/${index}`))
  })
}

export interface Told extends Words {
  name: string
  value: Words
}

const HUMAN: Record<string, Words> = { true: { zh: '是', en: 'yes' }, false: { zh: '否', en: 'no' } }

/** Answers in words, in the order of the form; inner fields follow their own names. */
export function toldIn(fields: readonly Field[], answers: Answers): Told[] {
  return fields.flatMap((field) => {
    const value = answers[field.name]
    if (value === undefined || value === null) return []
    if (field.kind === 'group') return toldIn(field.fields, value as Answers)
    return [{ name: field.name, zh: field.zh, en: field.en, value: wordsOf(field, value) }]
  })
}

function wordsOf(field: Field, value: unknown): Words {
  if (field.kind === 'choice' || field.kind === 'choices') {
    const chosen = (Array.isArray(value) ? value : [value]).map((one) => field.choices.find((choice) => choice.value === one) ?? plain(one))
    return joined(chosen, '、', ', ')
  }
  if (field.kind === 'list') {
    return joined(
      (value as Answers[]).map((one) => joined(toldIn(field.fields, one).map((told) => told.value), '，', ', ')),
      '；',
      '; ',
    )
  }
  return Array.isArray(value) ? joined(value.map(plain), '；', '; ') : plain(value)
}

function plain(value: unknown): Words {
  return HUMAN[String(value)] ?? { zh: String(value), en: String(value) }
}

function joined(words: readonly Words[], zh: string, en: string): Words {
  return { zh: words.map((one) => one.zh).join(zh), en: words.map((one) => one.en).join(en) }
}
