import ccxt from 'ccxt'
import { createHmac, createHash } from 'node:crypto'

export default {
  rest: 'https://127.0.0.1:8411',
  targets: [{ symbol: 'BTC/USDT', amount: 0.01 }],
  watchesAll: true, // Later frames of an order name no symbol, so ccxt wakes only who watches them all.
  wsTakesNoSymbol: true,
  absent: {
    place_fok: 'the venue documents no FOK',
    place_fok_ws: 'the venue documents no FOK',
    query_ws: 'no such request of WebSocket v2',
    open_orders_ws: 'no such request of WebSocket v2; the channel executions has them in its snapshot',
    executions_ws: 'no such request of WebSocket v2; the channel executions has the last ones in its snapshot',
    balances_ws: 'no such request of WebSocket v2; the channel balances has them in its snapshot'
  },
  without: {
    batch: 'AddOrderBatch is never sent by us, the simulator has none'
  },
  make ({ env, rest, secret }) {
    const exchange = new ccxt.pro.kraken({ apiKey: env('API_KEY'), secret, enableRateLimit: false })
    exchange.urls.api.public = exchange.urls.api.private = rest
    exchange.urls.api.ws.publicV2 = 'wss://127.0.0.1:8412/v2'
    exchange.urls.api.ws.privateV2 = 'wss://127.0.0.1:8413/v2'
    return exchange
  },
  extra: [
    async function reusedNonce (run) {
      const path = '/0/private/Balance'
      const nonce = String(Date.now() * 1000 + 999999)
      const send = async () => {
        const body = `nonce=${nonce}`
        const hash = createHash('sha256').update(nonce + body).digest()
        const sign = createHmac('sha512', Buffer.from(run.env('API_SECRET'), 'base64')).update(Buffer.concat([Buffer.from(path), hash])).digest('base64')
        const response = await fetch(run.rest + path, {
          method: 'POST',
          body,
          headers: { 'API-Key': run.env('API_KEY'), 'API-Sign': sign, 'Content-Type': 'application/x-www-form-urlencoded' }
        })
        return await response.json()
      }
      const first = await send()
      const second = await send()
      run.claim(first.error.length === 0, 'a fresh nonce is taken', JSON.stringify(first))
      run.shows('errors', second.error[0] === 'EAPI:Invalid nonce', 'a reused nonce is refused', JSON.stringify(second))
    }
  ]
}
