import ccxt from 'ccxt'
import { createHmac } from 'node:crypto'

const WS = 'wss://127.0.0.1:8452/ws/v5'

// The venue's own refusals, by requests signed here.
async function call (run, { secret = run.env('API_SECRET'), passphrase = run.env('API_PASSPHRASE'), at = Date.now() } = {}) {
  const path = '/api/v5/account/balance'
  const time = new Date(at).toISOString()
  const sign = createHmac('sha256', secret).update(`${time}GET${path}`).digest('base64')
  const response = await fetch(run.rest + path, {
    headers: { 'OK-ACCESS-KEY': run.env('API_KEY'), 'OK-ACCESS-SIGN': sign, 'OK-ACCESS-TIMESTAMP': time, 'OK-ACCESS-PASSPHRASE': passphrase }
  })
  return { status: response.status, ...await response.json() }
}

export default {
  rest: 'https://127.0.0.1:8451',
  targets: [{ symbol: 'BTC/USDT', amount: 0.01 }, { symbol: 'BTC/USDT:USDT', amount: 2 }],
  absent: {
    cancel_all_ws: 'mass-cancel is for options with market maker protection only',
    query_ws: 'questions exist over REST only',
    open_orders_ws: 'questions exist over REST only',
    executions_ws: 'questions exist over REST only',
    balances_ws: 'questions exist over REST only'
  },
  without: {
    cancel_all: 'ccxt has none for this venue'
  },
  params (operation, target) {
    // tdMode of an account in "Spot and futures" mode; ccxt takes cross for swaps by itself.
    if (operation === 'place_market' && !target.symbol.includes(':')) return { tgtCcy: 'base_ccy' }
    return {}
  },
  make ({ env, rest, secret }) {
    const exchange = new ccxt.pro.okx({ apiKey: env('API_KEY'), secret, password: env('API_PASSPHRASE'), enableRateLimit: false })
    exchange.urls.api.rest = rest
    exchange.urls.api.ws = WS
    exchange.options.fetchMarkets = { types: ['spot', 'swap'] }
    exchange.options.createMarketBuyOrderRequiresPrice = false
    return exchange
  },
  extra: [
    async function keys (run) {
      const good = await call(run)
      run.claim(good.code === '0', 'a request signed by hand is taken', JSON.stringify(good))
      const wrong = await call(run, { secret: 'another secret' })
      run.shows('signing', wrong.code === '50113' && wrong.status === 401, 'a wrong signature is 50113', JSON.stringify(wrong))
      const phrase = await call(run, { passphrase: 'another phrase' })
      run.shows('errors', phrase.code === '50105', 'a wrong passphrase is 50105', JSON.stringify(phrase))
      const late = await call(run, { at: Date.now() - 31000 })
      run.shows('errors', late.code === '50102', 'a timestamp of half a minute ago is 50102', JSON.stringify(late))
    },
    async function swapOverWebSocket (run) {
      const [, swap] = run.venue.targets
      await run.overWebSocket(swap)
    },
    async function swapStreams (run) {
      const { exchange } = run
      const [, { symbol, amount }] = run.venue.targets
      await run.attempt('mark_price', 'the mark price is watched', async () => {
        const mark = await run.within(10000, exchange.watchMarkPrice(symbol), 'the mark price is watched')
        return mark?.markPrice > 0 || JSON.stringify(mark?.info)
      })
      await run.attempt('funding', 'the funding rate is watched', async () => {
        const rate = await run.within(10000, exchange.watchFundingRate(symbol), 'the funding rate is watched')
        return Number.isFinite(rate?.fundingRate) || JSON.stringify(rate?.info)
      })
      await run.attempt('private_position', 'a position arrives on the private stream', async () => {
        const positions = run.watcher(() => exchange.watchPositions([symbol]))
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
    },
    async function deadMan (run) {
      const { exchange } = run
      await run.attempt('dead_man', 'the switch is armed and disarmed', async () => {
        const at = async (ms) => Number((await exchange.cancelAllOrdersAfter(ms)).data[0].triggerTime)
        return (await at(20000) > Date.now() + 15000 && await at(0) === 0) || 'no such time'
      })
    }
  ]
}
