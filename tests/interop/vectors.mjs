// Requests signed by an independent client (../shared/vectors/signed_requests.json), against what
// `trading_engine --print-request` would send. Where bytes differ, parameters are compared by name, and the signature is recomputed
// here over what is sent. vectors.json says how each venue's requests are made and judged: a new venue is an entry there.
//
//   signature   scheme (below), header that carries the key, header that carries the signature
//   not_ours    parameters of the client that we do not send, each with its reason
//   only_ours   parameters that only we send, each with its reason
//   paths       the client's path -> ours, where another request does the same
//   headers     headers that must be equal besides the key
//   client_writes  values that the client puts its own way -> as the venue has them
//   byte_for_byte  how many calls must be equal to the byte, at least
// Where the time is the only difference (the client of the vectors wrote milliseconds where the venue has seconds), our request is
// signed again here with the client's time: then its bytes must be the client's.
import { readFileSync, writeFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { createHmac, createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { proof } from './proof.mjs'

const file = '../shared/vectors/signed_requests.json'
if (!existsSync(file)) {
  console.log('ok vectors # skipped: no ../shared')
  process.exit(0)
}
const { clock_ms: clock, creds, requests } = JSON.parse(readFileSync(file))
const { calls, venues } = JSON.parse(readFileSync('tests/interop/vectors.json'))
const folder = mkdtempSync(join(tmpdir(), 'tickpipe-vectors-'))
const wanted = process.argv.slice(2)
let failed = 0

const claim = (is, text) => {
  console.log(`${is ? 'ok' : 'not ok'} ${text}`)
  failed += is ? 0 : 1
}

function print (name, venue, call) {
  const order = { ...calls[call] }
  if (order.client_order_id) order.client_order_id = venue.client_id
  if (order.op === 'place' || order.exchange_order_id || venue.lists_by_instrument) order.instrument = venue.instrument
  const path = join(folder, 'order.json')
  writeFileSync(path, JSON.stringify(order))
  const instance = name.toUpperCase()
  const keys = { API_KEY: creds.apiKey, API_SECRET: creds.secret, API_PASSPHRASE: creds.password }
  const env = { ...process.env, TICKPIPE_CONFIG_DIR: 'config' }
  for (const [key, value] of Object.entries(keys)) env[`${instance}_${key}`] = value
  const out = execFileSync('bin/trading_engine', [instance, '--print-request', path, '--at-ms', String(clock), '--nonce', String(clock), '--transport', 'rest'],
    { env, stdio: ['ignore', 'pipe', 'pipe'] })
  return out.toString().trim().split('\n').map((line) => JSON.parse(line))
}

const hmac = (hash, key, text, form) => createHmac(hash, key).update(text).digest(form)
// What a call shows: its own operation, and that the request is signed as the venue wants it.
const shows = {
  limit_buy: 'place_limit',
  market_sell: 'place_market',
  ioc: 'place_ioc',
  postonly: 'place_post_only',
  cancel: 'cancel',
  query: 'query',
  open: 'open_orders',
  balance: 'balances',
  trades: 'executions',
  cancelall: 'cancel_all'
}
const pathOf = (request) => request.url.replace(/^https:\/\/[^/]*/, '')
const schemes = {
  hex_sha256_of_parameters: (r) => {
    const [payload, signature] = ((r.url.split('?')[1] ?? '') + (r.body ?? '')).split('&signature=')
    return hmac('sha256', creds.secret, payload, 'hex') === signature
  },
  base64_sha512_of_path_and_nonce: (r, s) => {
    const hash = createHash('sha256').update(new URLSearchParams(r.body).get('nonce') + r.body).digest()
    return hmac('sha512', Buffer.from(creds.secret, 'base64'), Buffer.concat([Buffer.from(pathOf(r)), hash]), 'base64') === r.headers[s.header]
  },
  hex_sha256_of_time_key_window: (r, s) => {
    const payload = r.method === 'GET' ? r.url.split('?')[1] ?? '' : r.body ?? ''
    return hmac('sha256', creds.secret, r.headers[s.time] + creds.apiKey + r.headers[s.window] + payload, 'hex') === r.headers[s.header]
  },
  base64_sha256_of_time_method_path: (r, s) => {
    const key = s.is_secret_base64 ? Buffer.from(creds.secret, 'base64') : creds.secret
    return hmac('sha256', key, r.headers[s.time] + r.method + pathOf(r) + (r.body ?? ''), 'base64') === r.headers[s.header]
  }
}

// Query, form and JSON alike: name=value, sorted. A list of one object is that object.
function parameters (request, left, spelled = {}) {
  const body = request.body ?? ''
  let pairs = [...new URLSearchParams(request.url.split('?')[1] ?? '')]
  if (/^[[{]/.test(body)) {
    const parsed = JSON.parse(body)
    pairs = pairs.concat(Object.entries(Array.isArray(parsed) && parsed.length === 1 ? parsed[0] : parsed))
  } else {
    pairs = pairs.concat([...new URLSearchParams(body)])
  }
  return pairs.filter(([name]) => name !== 'signature' && !left[name]).map(([k, v]) => `${k}=${spelled[v] ?? v}`).sort().join('&')
}

function isSameButTime (venue, have, want, headers) {
  const { time, header, is_secret_base64: isBase64 } = venue.signature
  if (!time || !header || have.method !== want.method || have.url !== want.url || (have.body ?? '') !== (want.body ?? '')) return false
  const key = isBase64 ? Buffer.from(creds.secret, 'base64') : creds.secret
  const signature = hmac('sha256', key, want.headers[time] + have.method + pathOf(have) + (have.body ?? ''), 'base64')
  return schemes[venue.signature.scheme](have, venue.signature) &&
    headers.every((h) => (h === header ? signature : have.headers[h]) === want.headers[h])
}

function judge (venue, have, want) {
  const headers = [venue.signature.key, venue.signature.header, ...(venue.headers ?? [])].filter((h) => h)
  const isSameBytes = have.method === want.method && have.url === want.url && (have.body ?? '') === (want.body ?? '') &&
    headers.every((h) => have.headers[h] === want.headers[h])
  if (isSameBytes) return 'byte for byte'
  if (isSameButTime(venue, have, want, headers)) return 'byte for byte but for the time'
  const path = want.url.replace(/\?.*/, '').replace(/^https:\/\/[^/]*/, '')
  const isSameCall = have.method === want.method && pathOf(have).replace(/\?.*/, '') === (venue.paths?.[path] ?? path) &&
    new URL(have.url).host === new URL(want.url).host
  const isSameMeaning = parameters(have, venue.only_ours ?? {}) === parameters(want, venue.not_ours ?? {}, venue.client_writes)
  const isSigned = have.headers[venue.signature.key] === creds.apiKey && schemes[venue.signature.scheme](have, venue.signature)
  return isSameCall && isSameMeaning && isSigned ? 'the same request, signed over what is sent' : ''
}

for (const [name, venue] of Object.entries(venues)) {
  if (wanted.length && !wanted.includes(name)) continue
  let equal = 0
  for (const want of requests[venue.vectors]) {
    if (want.error) continue
    let how = ''; let said = ''
    try {
      const [have] = print(name, venue, want.call)
      how = judge(venue, have, want)
      said = `${have.method} ${have.url} ${have.body ?? ''} # wanted ${want.method} ${want.url} ${want.body ?? ''}`
    } catch (e) {
      said = `# ${e.stderr?.toString().trim() || e.message.split('\n')[0]}`
    }
    equal += how === 'byte for byte' ? 1 : 0
    claim(how, `${name} ${want.call}: ${how || said}`)
    if (how) for (const operation of [shows[want.call], 'signing']) proof(name, operation, 'vector', `ccxt's ${want.call}, ${how}`)
  }
  claim(equal >= venue.byte_for_byte, `${name}: ${equal} requests are equal to the byte, ${venue.byte_for_byte} must be`)
}
rmSync(folder, { recursive: true })
process.exit(failed ? 1 : 0)
