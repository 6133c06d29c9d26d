import ccxt from 'ccxt'
import { createHmac } from 'node:crypto'

const noEntry = 'the venue takes orders by REST and FIX only'

export default {
  rest: 'https://127.0.0.1:8431',
  targets: [{ symbol: 'BTC/USDT', amount: 0.01 }],
  forgetsUnfilled: true,
  absent: {
    place_limit_ws: noEntry,
    place_market_ws: noEntry,
    place_ioc_ws: noEntry,
    place_fok_ws: noEntry,
    place_post_only_ws: noEntry,
    cancel_ws: noEntry,
    amend_ws: noEntry,
    cancel_all_ws: noEntry,
    batch_ws: noEntry,
    query_ws: noEntry,
    open_orders_ws: noEntry,
    executions_ws: noEntry,
    balances_ws: noEntry,
    amend: 'FIX alone can: the engine cancels, waits for the true end and orders anew',
    batch: 'FIX alone has batches',
    dead_man: 'FIX alone has cancel on disconnect'
  },
  without: {
    private_balance: 'the balance channel does not tell every change: accounts are asked for'
  },
  make ({ env, rest, secret }) {
    const exchange = new ccxt.pro.coinbaseexchange({ apiKey: env('API_KEY'), secret, password: env('API_PASSPHRASE') })
    exchange.urls.api.public = exchange.urls.api.private = rest
    exchange.urls.api.ws = 'wss://127.0.0.1:8432'
    return exchange
  },
  extra: [
    async function wrongCredentials (run) {
      const stranger = run.make()
      stranger.password = 'another phrase'
      await run.refused(() => stranger.fetchBalance(), /Passphrase|AuthenticationError/i, 'a wrong passphrase is refused', 'signing')
      const late = run.make()
      late.nonce = () => Math.floor(Date.now() / 1000) - 60
      await run.refused(() => late.fetchBalance(), /timestamp|InvalidNonce/i, 'a stale timestamp is refused', 'signing')
      for (const [client, text] of [[stranger, 'a wrong passphrase'], [late, 'a stale timestamp']]) {
        await run.refused(() => client.watchOrders('BTC/USDT'), /Authentication|timestamp|Passphrase|closed|1008/i, `${text} brings no user channel`, 'login')
        await client.close()
      }
    },
    async function pages (run) {
      const { exchange } = run
      const far = await run.farBid({ symbol: 'BTC/USDT' })
      const ids = []
      for (let i = 0; i < 5; i++) ids.push((await exchange.createOrder('BTC/USDT', 'limit', 'buy', 0.001, far)).id)
      const seen = []
      let after
      for (let i = 0; i < 5; i++) {
        const path = `/orders?limit=2${after ? `&after=${after}` : ''}`
        const timestamp = String(Date.now() / 1000)
        const sign = createHmac('sha256', Buffer.from(run.env('API_SECRET'), 'base64')).update(timestamp + 'GET' + path).digest('base64')
        const response = await fetch(run.rest + path, {
          headers: { 'CB-ACCESS-KEY': run.env('API_KEY'), 'CB-ACCESS-SIGN': sign, 'CB-ACCESS-TIMESTAMP': timestamp, 'CB-ACCESS-PASSPHRASE': run.env('API_PASSPHRASE') }
        })
        const page = await response.json()
        seen.push(...page.map(({ id }) => id))
        after = response.headers.get('cb-after')
        if (page.length < 2) break
      }
      run.shows('open_orders', ids.every((id) => seen.filter((s) => s === id).length === 1), 'pages of two tell each order once', JSON.stringify({ ids, seen }))
      await exchange.cancelAllOrders('BTC/USDT')
    },
    async function clientOrderId (run) {
      const { exchange } = run
      const far = await run.farBid({ symbol: 'BTC/USDT' })
      const clientOrderId = '1985ca2d-61ef-49f1-bfce-6c39d8462914'
      const placed = await exchange.createOrder('BTC/USDT', 'limit', 'buy', 0.001, far, { clientOrderId })
      const found = await exchange.fetchOrder(undefined, 'BTC/USDT', { clientOrderId })
      run.claim(found.id === placed.id && found.clientOrderId === clientOrderId, 'an order is found by its client id', JSON.stringify(found.info))
      await exchange.cancelOrder(undefined, 'BTC/USDT', { clientOrderId })
      const left = await exchange.fetchOpenOrders('BTC/USDT')
      run.claim(!left.some((o) => o.id === placed.id), 'and cancelled by it')
      await run.refused(() => exchange.createOrder('BTC/USDT', 'limit', 'buy', 0.001, far, { clientOrderId: 'no uuid' }), /client_oid/, 'a client id that is no UUID is refused', 'errors')
    }
  ]
}
