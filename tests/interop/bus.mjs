// A subscriber in another language that knows nothing but docs/events.md: its tables are read here, at run time, and every
// event is decoded by them. Checks market data against the simulated venue's own REST book, and order events against its
// ledger. Prints "ok CLAIM" / "not ok CLAIM".
import { readFileSync } from 'node:fs'
import * as zmq from 'zeromq'

const page = readFileSync('docs/events.md', 'utf8')
let failed = 0

function claim (holds, text, detail = '') {
  console.log(`${holds ? 'ok' : 'not ok'} events.md: ${text}${holds ? '' : ` # ${detail}`}`)
  failed += holds ? 0 : 1
}

const cells = (line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim())

// The rows of the first table after a heading.
function table (heading) {
  const from = page.indexOf(`\n${heading}`)
  if (from < 0) throw new Error(`no heading ${heading}`)
  const lines = page.slice(from + 1).split('\n').slice(1)
  const rows = []
  for (const line of lines) {
    if (line.startsWith('|')) rows.push(cells(line))
    else if (rows.length > 0 || line.startsWith('#')) break
  }
  return rows.slice(2)
}

const fieldsOf = (rows) => rows.map(([offset, size, name, kind, ctype]) => ({
  offset: Number(offset), size: Number(size), name: name.replaceAll('`', ''), kind: kind.replace(/\[.*/, ''), count: Number(/\[(\d+)\]/.exec(kind)?.[1] ?? 0), ctype
}))

const header = fieldsOf(table('## Header'))
const types = new Map(table('## Events').map(([type, , name]) => [Number(type), /\[(\w+)\]/.exec(name)[1]]))
const layouts = new Map([...types.values()].map((name) => [name, fieldsOf(table(`### ${name}`))]))
const enums = new Map(table('## Enumerations').map(([kind, , values]) => [kind, new Map(values.split(', ').map((value) => value.split(' ')).map(([n, text]) => [Number(n), text]))]))
const level = fieldsOf(table('### Entry `level`'))
const sequence = fieldsOf(table('### Entry `sequence`'))

function number (buffer, offset, ctype) {
  switch (ctype) {
    case 'uint8_t': return buffer.readUInt8(offset)
    case 'int8_t': return buffer.readInt8(offset)
    case 'uint16_t': return buffer.readUInt16LE(offset)
    case 'int16_t': return buffer.readInt16LE(offset)
    case 'uint32_t': return buffer.readUInt32LE(offset)
    case 'int32_t': return buffer.readInt32LE(offset)
    case 'uint64_t': return buffer.readBigUInt64LE(offset)
    case 'int64_t': return buffer.readBigInt64LE(offset)
    default: throw new Error(`C type ${ctype}`)
  }
}

function read (buffer, fields, base = 0) {
  const event = {}
  for (const field of fields) {
    const at = base + field.offset
    if (field.kind === 'level' || field.kind === 'sequence' || field.kind === 'scope') continue
    if (field.kind === 'text') event[field.name] = buffer.toString('utf8', at, at + field.size).replace(/\0.*$/s, '')
    else {
      const value = number(buffer, at, field.ctype)
      event[field.name] = enums.has(field.kind) ? enums.get(field.kind).get(value) : value
    }
  }
  return event
}

function decode (buffer) {
  const name = types.get(buffer.readUInt16LE(0))
  if (!name) return null
  const event = { ...read(buffer, header), ...read(buffer, layouts.get(name)), event: name }
  if (event.size !== buffer.length) throw new Error(`${name}: size ${event.size}, ${buffer.length} bytes`)
  const levels = layouts.get(name).find((field) => field.kind === 'level')
  if (levels) {
    const at = (i) => read(buffer, level, levels.offset + 16 * i)
    event.bids = Array.from({ length: event.bid_count }, (_, i) => at(i))
    event.asks = Array.from({ length: event.ask_count }, (_, i) => at(event.bid_count + i))
  }
  if (name === 'heartbeat') {
    const entries = layouts.get(name).find((field) => field.kind === 'sequence')
    event.sequences = Array.from({ length: event.sequence_count }, (_, i) => read(buffer, sequence, entries.offset + 16 * i))
  }
  return event
}

// The message that the page gives to test a decoder with.
{
  const after = page.slice(page.indexOf('## A message to test a decoder with'))
  const hex = /```\n([\s\S]*?)```/.exec(after)[1].split('\n').map((line) => line.slice(4)).join('').replace(/\s/g, '')
  const shown = JSON.parse(/```json\n([\s\S]*?)```/.exec(after)[1])
  const event = decode(Buffer.from(hex, 'hex'))
  claim(event.event === shown.type && String(event.seq) === shown.seq && event.bids.length === shown.bids.length &&
    event.bids[0].price === BigInt(Math.round(Number(shown.bids[0][0]) * 1e8)) && event.asks[0].qty === 0n,
  'the page\'s own message decodes to what the page says')
}

const books = new Map() // instrument -> { definition, bids, asks }
const last = new Map() // publisher/epoch/type -> seq
const seen = { gaps: 0, events: 0, unknown: 0, orders: 0 }
// order_id -> { filled, sum of last_qty, exchange order ids }: a replace can be a new order at the venue.
const ours = new Map()
let running = true

function count (event) {
  if (event.event === 'heartbeat') {
    for (const { type, seq } of event.sequences) {
      const key = `${event.publisher}/${event.epoch}/${type}`
      if (last.has(key) && last.get(key) !== seq) seen.gaps++
      last.set(key, seq)
    }
    return
  }
  const key = `${event.publisher}/${event.epoch}/${event.type}`
  if (last.has(key) && event.seq !== last.get(key) + 1n && !(event.flags & 1)) seen.gaps++
  last.set(key, event.seq)
}

function apply (event) {
  const key = String(event.instrument)
  if (event.event === 'instrument') {
    books.set(key, { ...(books.get(key) ?? {}), definition: event })
  } else if (event.event === 'book_snapshot' && books.has(key)) {
    const book = books.get(key)
    book.bids = new Map(event.bids.map(({ price, qty }) => [price, qty]))
    book.asks = new Map(event.asks.map(({ price, qty }) => [price, qty]))
  } else if (event.event === 'book_delta' && books.get(key)?.bids) {
    const book = books.get(key)
    for (const [side, levels] of [[book.bids, event.bids], [book.asks, event.asks]]) {
      for (const { price, qty } of levels) qty === 0n ? side.delete(price) : side.set(price, qty)
    }
  }
}

function prefix (name) {
  const type = [...types].find(([, n]) => n === name)[0]
  return Buffer.from([type & 0xff, type >> 8])
}

// XSUB: subscriptions are messages (1 and the prefix), and a state_request goes the same way.
async function listen (endpoint, names, take, wants) {
  const socket = new zmq.XSubscriber({ receiveHighWaterMark: 100000, linger: 0 })
  socket.connect(endpoint)
  for (const name of [...names, 'heartbeat']) await socket.send(Buffer.concat([Buffer.from([1]), prefix(name)]))
  const loop = (async () => {
    for await (const [message] of socket) {
      const event = decode(message)
      if (!event) { seen.unknown++; continue }
      seen.events++
      count(event)
      take(event)
      if (!running) break
    }
  })().catch((e) => { if (running) claim(false, 'every event decodes', e.message) })
  if (wants) {
    await new Promise((resolve) => setTimeout(resolve, 700))
    const fields = layouts.get('state_request')
    const request = Buffer.alloc(104)
    const put = (name, value, all) => {
      const field = all.find((f) => f.name === name)
      if (field.size === 8) request.writeBigUInt64LE(BigInt(value), field.offset)
      else request.writeUIntLE(value, field.offset, field.size)
    }
    put('type', 3, header)
    put('version', 2, header)
    put('size', 104, header)
    put('request_id', 77, fields)
    put('page_max', 256, fields)
    put('kind', [...enums.get('state_request_kind')].find(([, text]) => text === wants)[0], fields)
    await socket.send(request)
  }
  return { socket, loop }
}

const sockets = [
  await listen('tcp://127.0.0.1:6001', ['instrument', 'book_snapshot', 'book_delta', 'best_quote', 'trade', 'feed_status', 'recovery_end'], apply, 'snapshot'),
  await listen('tcp://127.0.0.2:6001', ['instrument', 'book_snapshot', 'book_delta', 'best_quote', 'trade', 'feed_status', 'recovery_end'], apply, 'snapshot'),
  await listen('tcp://127.0.0.1:6002', ['order_event'], (event) => {
    if (event.event !== 'order_event' || event.order_id === 0n || event.flags & 1) return
    seen.orders++
    const order = ours.get(event.order_id) ?? { filled: 0n, told: 0n, ids: new Set(), fromStart: event.kind === 'accepted' }
    if (['partially_filled', 'filled'].includes(event.kind)) order.told += event.last_qty
    if (event.exchange_order_id) order.ids.add(event.exchange_order_id)
    order.filled = event.filled_qty
    ours.set(event.order_id, order)
  })
]
await new Promise((resolve) => setTimeout(resolve, 12000))
claim(seen.events > 500 && seen.unknown === 0, 'market data and order events are decoded', JSON.stringify(seen))
claim(seen.orders > 20, 'order events arrive', String(seen.orders))
claim(seen.gaps === 0, 'no sequence number is missing', String(seen.gaps))

await fetch('http://127.0.0.1:8400/quiesce', { method: 'POST' })
await new Promise((resolve) => setTimeout(resolve, 2500))
const byName = new Map([...books.values()].map((book) => [`${book.definition.venue} ${book.definition.name}`, book]))
const book = byName.get('binance BTC-USDT')
claim(books.size === 4, 'all four instruments are defined', [...byName.keys()].join())
const text = (price) => (Number(price) / 1e8).toFixed(2)
const rest = await (await fetch('https://127.0.0.1:8401/api/v3/depth?symbol=BTCUSDT&limit=20')).json()
const side = (map, sign) => [...map].sort(([a], [b]) => sign * (a < b ? -1 : 1)).slice(0, 20).map(([p, q]) => `${text(p)} ${(Number(q) / 1e8).toFixed(5)}`)
const same = (ours, theirs) => JSON.stringify(ours) === JSON.stringify(theirs.map(([p, q]) => `${Number(p).toFixed(2)} ${Number(q).toFixed(5)}`))
claim(same(side(book.bids, -1), rest.bids) && same(side(book.asks, 1), rest.asks), 'the book rebuilt from the bus is the venue\'s own, 20 levels a side', `${side(book.bids, -1)[0]} / ${rest.bids[0]}`)
const ledger = await (await fetch('http://127.0.0.1:8400/ledger?venue=binance')).json()
const orders = new Map(ledger.accounts[0].orders.map((order) => [order.order_id, order]))
let compared = 0
let wrong = ''
for (const [id, order] of ours) {
  const venue = [...order.ids].map((exchangeId) => orders.get(exchangeId))
  if (!order.fromStart || venue.includes(undefined)) continue // Begun before we listened.
  compared++
  const executed = venue.reduce((sum, one) => sum + BigInt(Math.round(Number(one.executed) * 1e8)), 0n)
  if (executed !== order.filled || order.told > executed) wrong = `${id}: venue ${executed}, filled ${order.filled}, told ${order.told}`
}
claim(compared > 10 && !wrong, 'executed quantities are the venue\'s own', wrong || String(compared))
running = false
for (const { socket } of sockets) socket.close()
process.exit(failed ? 1 : 0)
