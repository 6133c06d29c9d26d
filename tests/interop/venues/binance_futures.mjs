import ccxt from 'ccxt'
import { createHmac } from 'node:crypto'

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const signed = async (run, method, path, params, age = 0) => {
  const query = new URLSearchParams({ ...params, timestamp: Date.now() - age, recvWindow: 5000 }).toString()
  const signature = createHmac('sha256', run.env('API_SECRET')).update(query).digest('hex')
  const response = await fetch(`${run.rest}${path}?${query}&signature=${signature}`, { method, headers: { 'X-MBX-APIKEY': run.env('API_KEY') } })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

const noEntry = 'over WebSocket the venue has place, modify, cancel and status of one order, balances and positions'

export default {
  rest: 'https://127.0.0.1:8421',
  absent: {
    cancel_all_ws: noEntry,
    batch_ws: noEntry,
    open_orders_ws: noEntry,
    executions_ws: noEntry
  },
  without: {
    place_post_only_ws: 'ccxt sends its own word postOnly along, which the venue refuses; the engine places GTX',
    batch: 'neither side has batchOrders: the engine places one order at a time'
  },
  targets: [{ symbol: 'BTC/USDT:USDT', amount: 0.01, tooMuch: 900 }],
  make ({ env, rest, secret }) {
    const exchange = new ccxt.pro.binanceusdm({ apiKey: env('API_KEY'), secret, enableRateLimit: false })
    for (const scope of ['fapiPublic', 'fapiPrivate']) {
      exchange.urls.api[scope] = rest + '/fapi/v1'
      exchange.urls.api[scope + 'V2'] = rest + '/fapi/v2'
      exchange.urls.api[scope + 'V3'] = rest + '/fapi/v3'
    }
    exchange.urls.api.ws.future = 'wss://127.0.0.1:8422/ws'
    exchange.urls.api.ws['ws-api'].future = 'wss://127.0.0.1:8423/ws-fapi/v1'
    // Margin and withdrawal data live on hosts of their own, which are not part of futures trading.
    exchange.has.fetchCurrencies = false
    exchange.options.fetchCurrencies = false
    exchange.options.fetchMargins = false
    exchange.options.watchTrades = { name: 'aggTrade' } // @trade is not documented for futures.
    return exchange
  },
  extra: [
    async function staleTimestamp (run) {
      const { status, body } = await signed(run, 'GET', '/fapi/v3/account', {}, 60000)
      run.shows('errors', status === 400 && body.code === -1021, 'a stale timestamp is refused with -1021', JSON.stringify(body))
    },
    async function usedWeight (run) {
      const { headers } = await signed(run, 'GET', '/fapi/v1/openOrders', { symbol: 'BTCUSDT' })
      const { headers: later } = await signed(run, 'GET', '/fapi/v3/positionRisk', { symbol: 'BTCUSDT' })
      const [before, after] = [headers, later].map((h) => Number(h.get('x-mbx-used-weight-1m')))
      run.shows('rate_limit', before > 0 && after > before, 'the used weight is told and grows', `${before} ${after}`)
    },
    async function deadMan (run) {
      const { exchange } = run
      const [{ symbol, amount }] = run.venue.targets
      await run.attempt('dead_man', `${symbol}: a countdown that runs out cancels the orders`, async () => {
        const order = await exchange.createOrder(symbol, 'limit', 'buy', amount, await run.farBid(run.venue.targets[0]))
        const { body } = await signed(run, 'POST', '/fapi/v1/countdownCancelAll', { symbol: 'BTCUSDT', countdownTime: 1000 })
        await wait(2500)
        const end = await exchange.fetchOrder(order.id, symbol)
        return (String(body.countdownTime) === '1000' && ['canceled', 'expired'].includes(end.status)) || JSON.stringify([body, end.info])
      })
    },
    async function streams (run) {
      const { exchange } = run
      const [target] = run.venue.targets
      const { symbol, amount } = target
      await run.attempt('mark_price', `${symbol}: the mark price is watched`, async () => {
        const mark = await run.within(10000, exchange.watchMarkPrice(symbol), 'the mark price is watched')
        return (mark?.markPrice > 0 && mark.indexPrice > 0) || JSON.stringify(mark?.info)
      })
      await run.attempt('private_position', `${symbol}: a position arrives on the private stream`, async () => {
        const positions = run.watcher(() => exchange.watchPositions([symbol]))
        await wait(1500)
        await exchange.createOrder(symbol, 'market', 'buy', amount)
        const holds = (all) => all.some((p) => p.symbol === symbol && p.contracts > 0)
        const came = await run.until(positions, holds, `${symbol}: a position of the private stream`)
        const [position] = await exchange.fetchPositionsWs([symbol])
        await exchange.createOrder(symbol, 'market', 'sell', position.contracts, undefined, { reduceOnly: true })
        return (came && position.contracts >= amount) || JSON.stringify(position.info)
      })
    },
    async function accountMode (run) {
      const { exchange } = run
      await run.attempt('account_mode', 'one-way positions', async () => (await exchange.fetchPositionMode()).hedged === false)
    }
  ]
}
