// An independent client (ccxt: REST and WebSocket) against the venue simulator, on each venue. Every line printed is a claim:
// "ok CLAIM" or "not ok CLAIM". Run by tests/check.d; NODE_EXTRA_CA_CERTS names the simulator's CA.
import ccxt from 'ccxt'
import { createHmac, createHash } from 'node:crypto'

const [venueName] = process.argv.slice(2)
const env = (name) => process.env[`${venueName.toUpperCase()}_${name}`]
let failed = 0

function claim (holds, text, detail = '') {
  console.log(`${holds ? 'ok' : 'not ok'} ${venueName}: ${text}${holds ? '' : ` # ${detail}`}`)
  failed += holds ? 0 : 1
}

async function refused (call, pattern, text) {
  try {
    await call()
    claim(false, text, 'it was accepted')
  } catch (e) {
    claim(pattern.test(String(e.message)) || pattern.test(e.constructor.name), text, e.message)
  }
}

const venues = {
  binance: {
    rest: 'https://127.0.0.1:8401',
    make (options = {}) {
      const exchange = new ccxt.pro.binance({ apiKey: env('API_KEY'), secret: env('API_SECRET'), enableRateLimit: false, ...options })
      exchange.urls.api.public = exchange.urls.api.private = this.rest + '/api/v3'
      exchange.urls.api.v1 = this.rest + '/api/v1'
      exchange.urls.api.ws.spot = 'wss://127.0.0.1:8402/ws'
      exchange.urls.api.ws['ws-api'].spot = 'wss://127.0.0.1:8403/ws-api/v3'
      // Margin and withdrawal data live on hosts of their own, which are not part of spot trading.
      exchange.has.fetchCurrencies = false
      exchange.options.fetchCurrencies = false
      exchange.options.fetchMargins = false
      exchange.options.fetchMarkets = { types: ['spot'] }
      exchange.options.defaultType = 'spot'
      return exchange
    },
    async staleTimestamp (exchange) {
      const query = `timestamp=${Date.now() - 60000}&recvWindow=5000`
      const signature = createHmac('sha256', env('API_SECRET')).update(query).digest('hex')
      const response = await fetch(`${this.rest}/api/v3/account?${query}&signature=${signature}`, { headers: { 'X-MBX-APIKEY': env('API_KEY') } })
      const body = await response.json()
      claim(response.status === 400 && body.code === -1021, 'a stale timestamp is refused with -1021', JSON.stringify(body))
    }
  },
  kraken: {
    rest: 'https://127.0.0.1:8411',
    make (options = {}) {
      const exchange = new ccxt.pro.kraken({ apiKey: env('API_KEY'), secret: env('API_SECRET'), enableRateLimit: false, ...options })
      exchange.urls.api.public = exchange.urls.api.private = this.rest
      exchange.urls.api.ws.publicV2 = 'wss://127.0.0.1:8412/v2'
      exchange.urls.api.ws.privateV2 = 'wss://127.0.0.1:8413/v2'
      return exchange
    },
    async reusedNonce () {
      const path = '/0/private/Balance'
      const nonce = String(Date.now() * 1000 + 999999)
      const send = async () => {
        const body = `nonce=${nonce}`
        const hash = createHash('sha256').update(nonce + body).digest()
        const sign = createHmac('sha512', Buffer.from(env('API_SECRET'), 'base64')).update(Buffer.concat([Buffer.from(path), hash])).digest('base64')
        const response = await fetch(this.rest + path, {
          method: 'POST',
          body,
          headers: { 'API-Key': env('API_KEY'), 'API-Sign': sign, 'Content-Type': 'application/x-www-form-urlencoded' }
        })
        return await response.json()
      }
      const first = await send()
      const second = await send()
      claim(first.error.length === 0, 'a fresh nonce is taken', JSON.stringify(first))
      claim(second.error[0] === 'EAPI:Invalid nonce', 'a reused nonce is refused', JSON.stringify(second))
    }
  }
}

const symbol = 'BTC/USDT'
const venue = venues[venueName]
const exchange = venue.make()

async function trade () {
  const markets = await exchange.loadMarkets()
  const market = markets[symbol]
  claim(market && market.spot && market.active, 'markets load')
  claim(market.precision.price > 0 && market.precision.amount > 0, 'precision of price and amount is told')

  const book = await exchange.fetchOrderBook(symbol)
  claim(book.bids.length > 5 && book.asks.length > 5 && book.bids[0][0] < book.asks[0][0], 'the book is there and not crossed', `${book.bids.length} bids ${book.bids[0]}, ${book.asks.length} asks ${book.asks[0]}`)

  const before = await exchange.fetchBalance()
  claim(before.BTC.free > 0 && before.USDT.free > 0, 'balances are there')

  const bid = book.bids[0][0]
  const far = Number(exchange.priceToPrecision(symbol, bid * 0.9))
  const resting = await exchange.createOrder(symbol, 'limit', 'buy', 0.01, far)
  claim(!!resting.id, 'a limit order is taken')
  const open = await exchange.fetchOpenOrders(symbol)
  const seen = open.find((o) => o.id === resting.id)
  claim(seen && seen.price === far && seen.amount === 0.01 && seen.filled === 0, 'it is among the open orders', JSON.stringify(open.map((o) => o.info)))
  const held = await exchange.fetchBalance()
  claim(Math.abs((before.USDT.free - held.USDT.free) / (far * 0.01) - 1) < 0.01, 'its funds are held', `${before.USDT.free} ${held.USDT.free}`)

  const market1 = await exchange.createOrder(symbol, 'market', 'buy', 0.01)
  const filled = market1.status === 'closed' ? market1 : await exchange.fetchOrder(market1.id, symbol)
  claim(filled.filled === 0.01 && filled.status === 'closed', 'a market order is filled', JSON.stringify(filled.info))

  const ioc = await exchange.createOrder(symbol, 'limit', 'buy', 0.01, far, { timeInForce: 'IOC' })
  const iocEnd = await exchange.fetchOrder(ioc.id, symbol)
  claim(['canceled', 'expired'].includes(iocEnd.status) && iocEnd.filled === 0, 'an IOC order that finds nothing ends', JSON.stringify(iocEnd.info))

  const post = await exchange.createOrder(symbol, 'limit', 'buy', 0.01, far, { postOnly: true })
  claim(!!post.id, 'a post-only order rests')
  const ask = (await exchange.fetchOrderBook(symbol)).asks[0][0]
  await refused(async () => {
    const crossing = await exchange.createOrder(symbol, 'limit', 'buy', 0.01, Number(exchange.priceToPrecision(symbol, ask * 1.01)), { postOnly: true })
    const end = await exchange.fetchOrder(crossing.id, symbol)
    if (end.status === 'canceled') throw new Error('Post only order')
  }, /post.?only|immediately match|OrderImmediatelyFillable|InvalidOrder/i, 'a post-only order that would take is refused')

  await exchange.cancelOrder(resting.id, symbol)
  await exchange.cancelOrder(post.id, symbol)
  const left = await exchange.fetchOpenOrders(symbol)
  claim(!left.some((o) => o.id === resting.id || o.id === post.id), 'cancelled orders are gone')
  await refused(() => exchange.cancelOrder(resting.id, symbol), /unknown order|OrderNotFound/i, 'cancelling again is refused')
  await refused(() => exchange.createOrder(symbol, 'limit', 'buy', 100, far), /insufficient|InsufficientFunds/i, 'an order without funds is refused')

  const trades = await exchange.fetchMyTrades(symbol)
  const own = trades.filter((t) => t.order === market1.id)
  claim(own.length > 0 && Math.abs(own.reduce((s, t) => s + t.amount, 0) - 0.01) < 1e-9 && own.every((t) => t.fee && t.fee.cost > 0), 'its trades are told, with fees', JSON.stringify(own.map((t) => t.info)))
  const after = await exchange.fetchBalance()
  claim(after.BTC.total > before.BTC.total && after.USDT.total < before.USDT.total, 'the balances moved')
}

async function within (ms, promise, text) {
  let timer
  const late = new Promise((resolve) => { timer = setTimeout(() => resolve(null), ms) })
  try {
    const value = await Promise.race([promise, late])
    if (value === null) claim(false, text, `nothing within ${ms} ms`)
    return value ?? null
  } catch (e) {
    claim(false, text, e.message)
    return null
  } finally {
    clearTimeout(timer)
  }
}

// Kraken's later frames of an order name no symbol, so ccxt wakes only who watches them all.
const watchOwn = () => exchange.watchOrders(venueName === 'kraken' ? undefined : symbol)

async function watch () {
  let updates = 0
  let sound = true
  for (let i = 0; i < 5; i++) {
    const book = await within(10000, exchange.watchOrderBook(symbol), 'the book is watched')
    if (!book) return
    updates++
    sound = sound && book.bids.length > 0 && book.asks.length > 0 && book.bids[0][0] < book.asks[0][0]
  }
  claim(updates === 5 && sound, 'the watched book moves and is never crossed')
  const rest = await exchange.fetchOrderBook(symbol)
  const far = Number(exchange.priceToPrecision(symbol, rest.bids[0][0] * 0.9))
  const orders = watchOwn()
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const placed = await exchange.createOrder(symbol, 'limit', 'buy', 0.01, far)
  const seen = await within(10000, orders, 'own orders are watched')
  if (seen) claim(seen.some((o) => o.id === placed.id), 'a new order arrives on the private stream', JSON.stringify(seen.map((o) => o.info)))
  let pending = watchOwn()
  await exchange.cancelOrder(placed.id, symbol)
  for (let i = 0; i < 5; i++) {
    const next = await within(10000, pending, 'its end is watched')
    pending = watchOwn()
    pending.catch(() => {}) // Closing the client ends it.
    if (!next) return
    if (next.some((o) => o.id === placed.id && o.status === 'canceled')) {
      claim(true, 'its cancellation arrives on the private stream')
      return
    }
  }
  claim(false, 'its cancellation arrives on the private stream', 'five updates without it')
}

async function orderEntryOverWebSocket () {
  const rest = await exchange.fetchOrderBook(symbol)
  const far = Number(exchange.priceToPrecision(symbol, rest.bids[0][0] * 0.9))
  const placed = await within(10000, exchange.createOrderWs(symbol, 'limit', 'buy', 0.01, far), 'an order is placed over WebSocket')
  if (!placed) return
  claim(!!placed.id, 'an order is placed over WebSocket')
  await within(10000, venueName === 'kraken' ? exchange.cancelOrderWs(placed.id) : exchange.cancelOrderWs(placed.id, symbol), 'and cancelled over WebSocket')
  const open = await exchange.fetchOpenOrders(symbol)
  claim(!open.some((o) => o.id === placed.id), 'and is cancelled over WebSocket')
}

try {
  await trade()
  await watch()
  await orderEntryOverWebSocket()
  const stranger = venue.make({ secret: Buffer.from('wrong secret of the right form 00').toString('base64') })
  await refused(() => stranger.fetchBalance(), /signature|AuthenticationError/i, 'a wrong secret is refused')
  if (venue.staleTimestamp) await venue.staleTimestamp(exchange)
  if (venue.reusedNonce) await venue.reusedNonce()
} catch (e) {
  claim(false, 'the run goes through', e.stack)
}
await exchange.close()
process.exit(failed ? 1 : 0)
