import ccxt from 'ccxt'
import { createHmac } from 'node:crypto'

export default {
  rest: 'https://127.0.0.1:8401',
  absent: {
    batch: 'the venue has none for spot',
    batch_ws: 'the venue has none for spot',
    dead_man: 'the venue has none for spot'
  },
  without: {
    place_post_only_ws: 'ccxt sends its own word postOnly along, which the venue refuses; the engine places LIMIT_MAKER'
  },
  targets: [{ symbol: 'BTC/USDT', amount: 0.01 }],
  make ({ env, rest, secret }) {
    const exchange = new ccxt.pro.binance({ apiKey: env('API_KEY'), secret, enableRateLimit: false })
    exchange.urls.api.public = exchange.urls.api.private = rest + '/api/v3'
    exchange.urls.api.v1 = rest + '/api/v1'
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
  extra: [
    async function staleTimestamp (run) {
      const query = `timestamp=${Date.now() - 60000}&recvWindow=5000`
      const signature = createHmac('sha256', run.env('API_SECRET')).update(query).digest('hex')
      const response = await fetch(`${run.rest}/api/v3/account?${query}&signature=${signature}`, { headers: { 'X-MBX-APIKEY': run.env('API_KEY') } })
      const body = await response.json()
      run.shows('errors', response.status === 400 && body.code === -1021, 'a stale timestamp is refused with -1021', JSON.stringify(body))
    }
  ]
}
