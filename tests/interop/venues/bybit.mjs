import ccxt from 'ccxt'
import { createHmac } from 'node:crypto'

const PUBLIC = 'wss://127.0.0.1:8442/v5/public'
const PRIVATE = 'wss://127.0.0.1:8443/v5'

// The venue's own refusals, by requests signed here.
async function call (run, { secret = run.env('API_SECRET'), at = Date.now(), window = '5000' } = {}) {
  const query = 'accountType=UNIFIED'
  const sign = createHmac('sha256', secret).update(`${at}${run.env('API_KEY')}${window}${query}`).digest('hex')
  const response = await fetch(`${run.rest}/v5/account/wallet-balance?${query}`, {
    headers: { 'X-BAPI-API-KEY': run.env('API_KEY'), 'X-BAPI-SIGN': sign, 'X-BAPI-TIMESTAMP': String(at), 'X-BAPI-RECV-WINDOW': window }
  })
  return { status: response.status, limit: response.headers.get('x-bapi-limit-status'), ...await response.json() }
}

const noSuchRequest = 'questions exist over REST only'

export default {
  rest: 'https://127.0.0.1:8441',
  targets: [{ symbol: 'BTC/USDT', amount: 0.01 }, { symbol: 'BTC/USDT:USDT', amount: 0.02 }],
  absent: {
    cancel_all_ws: 'no such operation of order entry over WebSocket',
    query_ws: noSuchRequest,
    open_orders_ws: noSuchRequest,
    executions_ws: noSuchRequest,
    balances_ws: noSuchRequest,
    renewal: 'logins are signatures: there is no token or key that grows old'
  },
  params (operation, target) {
    // Spot's market buy counts in quote unless it is told otherwise.
    if (/^place_market/.test(operation) && !target.symbol.includes(':')) return { marketUnit: 'baseCoin' }
    // ccxt wants to be told that the order may be one that it does not know of.
    if (operation === 'query') return { acknowledged: true }
    return {}
  },
  make ({ env, rest, secret }) {
    const exchange = new ccxt.pro.bybit({ apiKey: env('API_KEY'), secret, enableRateLimit: true, rateLimit: 60 }) // Ten orders a second.
    for (const side of ['spot', 'futures', 'v2', 'public', 'private']) exchange.urls.api[side] = rest
    exchange.urls.api.ws.public = { spot: `${PUBLIC}/spot`, linear: `${PUBLIC}/linear` }
    exchange.urls.api.ws.private = { spot: { unified: `${PRIVATE}/private` }, contract: `${PRIVATE}/private`, trade: `${PRIVATE}/trade` }
    exchange.options.fetchMarkets = { types: ['spot', 'linear'] }
    exchange.options.defaultType = 'spot'
    exchange.options.createMarketBuyOrderRequiresPrice = false
    exchange.options.watchPositions = { fetchPositionsSnapshot: false } // It would ask for inverse contracts too.
    exchange.has.fetchCurrencies = false // Of deposits and withdrawals, which the simulator has none of.
    return exchange
  },
  extra: [
    async function keys (run) {
      const good = await call(run)
      run.claim(good.retCode === 0 && Number(good.limit) >= 0, 'a request signed by hand is taken, with the limit in its headers', JSON.stringify(good))
      const wrong = await call(run, { secret: 'another secret' })
      run.shows('signing', wrong.retCode === 10004 && wrong.status === 200, 'a wrong signature is 10004', JSON.stringify(wrong))
      const late = await call(run, { at: Date.now() - 10000 })
      run.shows('errors', late.retCode === 10002, 'a timestamp of ten seconds ago is 10002', JSON.stringify(late))
      const ahead = await call(run, { at: Date.now() + 2000, window: '60000' })
      run.shows('errors', ahead.retCode === 10002, 'a clock that is two seconds fast is 10002, whatever the window', JSON.stringify(ahead))
    },
    async function contractsOverWebSocket (run) {
      const [, contract] = run.venue.targets
      await run.overWebSocket(contract)
    },
    async function contractStreams (run) {
      const { exchange } = run
      const [, { symbol, amount }] = run.venue.targets
      await run.attempt('book_delta', `${symbol}: the watched book moves and is never crossed`, async () => {
        for (let i = 0; i < 5; i++) {
          const book = await run.within(10000, exchange.watchOrderBook(symbol), 'the book is watched')
          if (!book || book.bids[0][0] >= book.asks[0][0]) return JSON.stringify(book?.bids[0])
        }
        return true
      })
      await run.attempt('mark_price', `${symbol}: mark and index are in the watched ticker`, async () => {
        const ticker = await run.within(10000, exchange.watchTicker(symbol), 'the ticker is watched')
        return (ticker?.markPrice > 0 && ticker.indexPrice > 0 && Number.isFinite(Number(ticker.info.fundingRate))) || JSON.stringify(ticker?.info)
      })
      await run.attempt('private_position', 'a position arrives on the private stream', async () => {
        const positions = run.watcher(() => exchange.watchPositions([symbol]))
        await new Promise((resolve) => setTimeout(resolve, 1000))
        await exchange.createOrder(symbol, 'market', 'buy', amount)
        for (let i = 0; i < 8; i++) {
          const all = await run.within(10000, positions(), 'a position arrives')
          if (!all) return 'nothing'
          if (all.some((p) => p.symbol === symbol && p.contracts > 0)) {
            await exchange.createOrder(symbol, 'market', 'sell', amount, undefined, { reduceOnly: true })
            return true
          }
        }
        return 'no such position'
      })
      await run.attempt('account_mode', 'hedge mode is switched on and off', async () => {
        await exchange.cancelAllOrders(symbol)
        for (const { contracts } of await exchange.fetchPositions([symbol])) {
          if (contracts > 0) await exchange.createOrder(symbol, 'market', 'sell', contracts, undefined, { reduceOnly: true })
        }
        await exchange.setPositionMode(true, symbol)
        const rows = (await exchange.privateGetV5PositionList({ category: 'linear', symbol: 'BTCUSDT' })).result.list
        await exchange.setPositionMode(false, symbol)
        return (rows.length === 2 && Number(rows[0].positionIdx) === 1) || JSON.stringify(rows)
      })
    },
    async function deadMan (run) {
      await run.attempt('dead_man', 'the switch is set', async () => {
        const answer = await run.exchange.cancelAllOrdersAfter(20000, { product: 'SPOT' })
        return Number(answer.retCode) === 0 || JSON.stringify(answer)
      })
    }
  ]
}
