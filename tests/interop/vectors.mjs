// Requests signed by an independent client (../shared/vectors/signed_requests.json), against what
// `trading_engine --print-request` would send. Where bytes differ, the signature is recomputed here over what is sent.
import { readFileSync, writeFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { createHmac, createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const file = '../shared/vectors/signed_requests.json'
if (!existsSync(file)) {
  console.log('ok vectors # skipped: no ../shared')
  process.exit(0)
}
const { clock_ms: clock, creds, requests } = JSON.parse(readFileSync(file))
const folder = mkdtempSync(join(tmpdir(), 'tickpipe-vectors-'))
let failed = 0

const id = 'abcDEF0123456789'
const exchangeId = '1234567890'
const limit = { op: 'place', side: 'buy', type: 'limit', time_in_force: 'gtc', price: '43210.12', quantity: '0.001', client_order_id: id }
const calls = {
  limit_buy: limit,
  market_sell: { op: 'place', side: 'sell', type: 'market', quantity: '0.002', client_order_id: id },
  ioc: { ...limit, side: 'sell', time_in_force: 'ioc' },
  postonly: { ...limit, price: '43000', post_only: true },
  cancel: { op: 'cancel', exchange_order_id: exchangeId },
  query: { op: 'query', exchange_order_id: exchangeId },
  open: { op: 'open_orders' },
  balance: { op: 'balances' },
  trades: { op: 'executions' },
  cancelall: { op: 'cancel_all' }
}
const venues = { binance: 'BTC-USDT', kraken: 'BTC-USD' }

function print (venue, order) {
  const path = join(folder, 'order.json')
  writeFileSync(path, JSON.stringify({ instrument: venues[venue], ...order }))
  const name = venue.toUpperCase()
  const out = execFileSync('bin/trading_engine', [name, '--print-request', path, '--at-ms', String(clock), '--nonce', String(clock), '--transport', 'rest'], {
    env: { ...process.env, TICKPIPE_CONFIG_DIR: 'config', [`${name}_API_KEY`]: creds.apiKey, [`${name}_API_SECRET`]: creds.secret }, stdio: ['ignore', 'pipe', 'ignore']
  })
  return out.toString().trim().split('\n').map((line) => JSON.parse(line))
}

const parameters = (request) => {
  const [, query = ''] = request.url.split('?')
  const all = [...new URLSearchParams(query), ...new URLSearchParams(request.body ?? '')].map(([k, v]) => `${k}=${v}`)
  return all.filter((p) => !p.startsWith('signature=') && p !== 'acknowledged=true').sort().join('&')
}

function isSignedRight (venue, request) {
  const { pathname, search } = new URL(request.url)
  if (venue === 'binance') {
    const text = (search.slice(1) + (request.body ?? ''))
    const [payload, signature] = text.split('&signature=')
    return createHmac('sha256', creds.secret).update(payload).digest('hex') === signature
  }
  const nonce = new URLSearchParams(request.body).get('nonce')
  const hash = createHash('sha256').update(nonce + request.body).digest()
  const want = createHmac('sha512', Buffer.from(creds.secret, 'base64')).update(Buffer.concat([Buffer.from(pathname), hash])).digest('base64')
  return request.headers['API-Sign'] === want
}

const keyHeader = { binance: 'X-MBX-APIKEY', kraken: 'API-Key' }
for (const venue of Object.keys(venues)) {
  for (const want of requests[venue]) {
    const order = calls[want.call]
    let how = ''
    try {
      const [have] = print(venue, order)
      const sameBytes = have.url === want.url && (have.body ?? '') === (want.body ?? '') &&
        (venue !== 'kraken' || have.headers['API-Sign'] === want.headers['API-Sign'])
      const sameMeaning = have.method === want.method && new URL(have.url).pathname === new URL(want.url).pathname &&
        parameters(have) === parameters(want) && have.headers[keyHeader[venue]] === creds.apiKey && isSignedRight(venue, have)
      if (sameBytes && have.method === want.method) how = 'byte for byte'
      else if (sameMeaning) how = 'the same request, signed over what is sent (order of parameters, and ccxt\'s own acknowledged=true, apart)'
      else how = ''
      console.log(`${how ? 'ok' : 'not ok'} ${venue} ${want.call}${how ? `: ${how}` : `: ${have.method} ${have.url} ${have.body ?? ''} # wanted ${want.method} ${want.url} ${want.body ?? ''}`}`)
    } catch (e) {
      console.log(`not ok ${venue} ${want.call} # ${e.message.split('\n')[0]}`)
    }
    failed += how ? 0 : 1
  }
}
rmSync(folder, { recursive: true })
process.exit(failed ? 1 : 0)
