// How a client in this language says what it has shown of a venue: the line of tests/proof.h, whose list of operations is
// read here, so that a wrong word is an error.
import { readFileSync } from 'node:fs'

const page = readFileSync(new URL('../proof.h', import.meta.url), 'utf8')
const list = (name) => {
  const text = new RegExp(`#define PROOF_${name}\\(X\\)((?:[^\\n]*\\\\\\n)+[^\\n]*)`).exec(page)[1]
  return [...text.matchAll(/X\((\w+),/g)].map(([, word]) => word)
}
const orders = list('ORDERS')
const operations = new Set([...list('FEED'), ...orders, ...orders.map((o) => `${o}_ws`), ...list('ACCOUNT'), ...list('SESSION'), ...list('SURVIVAL')])
const kinds = new Set(list('KINDS'))

export function proof (venue, operation, kind, detail = '') {
  if (!operations.has(operation) || !kinds.has(kind)) throw new Error(`tests/proof.h has no ${operation} by ${kind}`)
  console.log(`# proof ${venue} ${operation} ${kind}${detail ? ` ${detail}` : ''}`)
}

// The venue has no such thing, whatever we build.
export function absent (venue, operation, reason) {
  if (!operations.has(operation)) throw new Error(`tests/proof.h has no ${operation}`)
  console.log(`# absent ${venue} ${operation} ${reason}`)
}
