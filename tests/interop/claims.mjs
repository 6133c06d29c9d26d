// The claims that hold for every venue: struct of one run, see venues.mjs.
import { absent, proof } from './proof.mjs'

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export class Run {
  constructor (name, venue) {
    this.name = name
    this.venue = venue
    this.rest = venue.rest
    this.failed = 0
    this.env = (key) => process.env[`${name.toUpperCase()}_${key}`]
    this.exchange = this.make()
  }

  make (options = {}) {
    return this.venue.make({ env: this.env, rest: this.rest, secret: this.env('API_SECRET'), ...options })
  }

  claim (holds, text, detail = '') {
    console.log(`${holds ? 'ok' : 'not ok'} ${this.name}: ${text}${holds ? '' : ` # ${detail}`}`)
    this.failed += holds ? 0 : 1
    return !!holds
  }

  // A claim that shows an operation of tests/proof.h.
  shows (operation, holds, text, detail = '') {
    if (this.claim(holds, text, detail)) proof(this.name, operation, 'client', `ccxt: ${text}`)
    return !!holds
  }

  // False, with a line that says why, where the venue's file excludes the operation.
  tries (operation) {
    const reason = this.venue.without?.[operation] ?? this.venue.absent?.[operation]
    if (reason) console.log(`# ${this.name}: ${operation} is not tried: ${reason}`)
    return !reason
  }

  params (operation, target, more = {}) {
    return { ...more, ...this.venue.params?.(operation, target) }
  }

  async refused (call, pattern, text, operation) {
    try {
      await call()
      return this.claim(false, text, 'it was accepted')
    } catch (e) {
      const holds = pattern.test(String(e.message)) || pattern.test(e.constructor.name)
      return operation ? this.shows(operation, holds, text, e.message) : this.claim(holds, text, e.message)
    }
  }

  async within (ms, promise, text) {
    let timer
    const late = new Promise((resolve) => { timer = setTimeout(() => resolve(null), ms) })
    try {
      const value = await Promise.race([promise, late])
      if (value === null) this.claim(false, text, `nothing within ${ms} ms`)
      return value ?? null
    } catch (e) {
      this.claim(false, text, e.message)
      return null
    } finally {
      clearTimeout(timer)
    }
  }

  // One claim of its own about an optional part: an exception is its failure, not the run's.
  async attempt (operation, text, call) {
    if (!this.tries(operation)) return
    try {
      const detail = await call()
      this.shows(operation, detail === true, text, typeof detail === 'string' ? detail : JSON.stringify(detail))
    } catch (e) {
      this.claim(false, text, e.message)
    }
  }

  async all () {
    for (const [operation, reason] of Object.entries(this.venue.absent ?? {})) absent(this.name, operation, reason)
    try {
      for (const target of this.venue.targets) {
        await this.trade(target)
        await this.place(target)
        await this.change(target)
      }
      await this.account()
      const [target] = this.venue.targets
      await this.watchPublic(target)
      await this.watchPrivate(target)
      await this.overWebSocket(target)
      const stranger = this.make({ secret: Buffer.from('wrong secret of the right form 00').toString('base64') })
      await this.refused(() => stranger.fetchBalance(), /sign|AuthenticationError/i, 'a wrong secret is refused', 'signing')
      for (const extra of this.venue.extra ?? []) await extra(this)
    } catch (e) {
      this.claim(false, 'the run goes through', e.stack)
    }
    try {
      await this.exchange.close()
    } catch (e) {
      console.log(`# ${this.name}: close: ${e.message}`)
    }
  }

  // Far below the market, and near enough for the venue's price band.
  async farBid (target) {
    const book = await this.exchange.fetchOrderBook(target.symbol)
    return Number(this.exchange.priceToPrecision(target.symbol, book.bids[0][0] * 0.9))
  }

  async state (order, target) {
    if (order.status === 'closed' || order.status === 'canceled') return order
    return await this.exchange.fetchOrder(order.id, target.symbol, this.params('query', target))
  }

  // How an order ended; where the venue forgets those without an execution, that it did is the answer.
  async end (order, target) {
    try {
      return await this.exchange.fetchOrder(order.id, target.symbol, this.params('query', target))
    } catch (e) {
      if (!this.venue.forgetsUnfilled || e.constructor.name !== 'OrderNotFound') throw e
      return { status: 'canceled', filled: 0 }
    }
  }

  // ---- REST ----

  async trade (target) {
    const { exchange } = this
    const { symbol, amount } = target
    const isSwap = symbol.includes(':')
    const words = (text) => `${symbol}: ${text}`
    const market = (await exchange.loadMarkets())[symbol]
    this.shows('instruments', market && (isSwap ? market.swap && market.linear : market.spot) && market.active !== false, words('markets load'))
    this.claim(market.precision.price > 0 && market.precision.amount > 0, words('precision of price and amount is told'))

    const book = await exchange.fetchOrderBook(symbol)
    this.shows('book_snapshot', book.bids.length > 5 && book.asks.length > 5 && book.bids[0][0] < book.asks[0][0], words('the book is there and not crossed'),
      `${book.bids.length} bids ${book.bids[0]}, ${book.asks.length} asks ${book.asks[0]}`)

    const before = await exchange.fetchBalance(this.params('balances', target))
    const { base, quote } = market
    this.shows('balances', before[quote].free > 0 && (isSwap || before[base].free > 0), words('balances are there'), JSON.stringify(before.info))

    const far = Number(exchange.priceToPrecision(symbol, book.bids[0][0] * 0.9))
    const resting = await exchange.createOrder(symbol, 'limit', 'buy', amount, far, this.params('place_limit', target))
    this.shows('place_limit', !!resting.id, words('a limit order is taken'))
    const open = await exchange.fetchOpenOrders(symbol, undefined, undefined, this.params('open_orders', target))
    const seen = open.find((o) => o.id === resting.id)
    this.shows('open_orders', seen && seen.price === far && seen.amount === amount && !seen.filled, words('it is among the open orders'), JSON.stringify(open.map((o) => o.info)))
    const value = far * amount * (market.contractSize ?? 1)
    const held = await exchange.fetchBalance(this.params('balances', target))
    const hold = before[quote].free - held[quote].free
    this.claim(isSwap ? hold > 0 && hold < value * 1.05 : Math.abs(hold / value - 1) < 0.01, words('its funds are held'), `${before[quote].free} ${held[quote].free}`)

    const taken = await exchange.createOrder(symbol, 'market', 'buy', amount, ...this.marketPrice(target, book), this.params('place_market', target))
    const filled = await this.state(taken, target)
    this.shows('place_market', filled.filled === amount && filled.status === 'closed', words('a market order is filled'), JSON.stringify(filled.info))
    this.shows('query', (await exchange.fetchOrder(taken.id, symbol, this.params('query', target))).id === taken.id, words('an order is asked for by its id'))

    await exchange.cancelOrder(resting.id, symbol, this.params('cancel', target))
    const left = await exchange.fetchOpenOrders(symbol, undefined, undefined, this.params('open_orders', target))
    this.shows('cancel', !left.some((o) => o.id === resting.id), words('a cancelled order is gone'))
    await this.refused(() => exchange.cancelOrder(resting.id, symbol, this.params('cancel', target)), /unknown order|not exist|not found|OrderNotFound|already/i, words('cancelling again is refused'), 'errors')
    await this.refused(() => exchange.createOrder(symbol, 'limit', 'buy', target.tooMuch ?? amount * 10000, far, this.params('place_limit', target)), /insufficient|InsufficientFunds|InvalidOrder/i, words('an order without funds is refused'), 'errors')

    const trades = await exchange.fetchMyTrades(symbol, undefined, undefined, this.params('executions', target))
    const own = trades.filter((t) => t.order === taken.id)
    this.shows('executions', own.length > 0 && Math.abs(own.reduce((s, t) => s + t.amount, 0) - amount) < 1e-9 && own.every((t) => t.fee && t.fee.cost > 0),
      words('its trades are told, with fees'), JSON.stringify(own.map((t) => t.info)))
    if (isSwap) return
    const after = await exchange.fetchBalance(this.params('balances', target))
    this.claim(after[base].total > before[base].total && after[quote].total < before[quote].total, words('the balances moved'))
  }

  // Some clients want a price to reckon the cost of a market buy with.
  marketPrice (target, book) {
    return target.marketNeedsPrice ? [book.asks[0][0]] : [undefined]
  }

  async place (target) {
    const { exchange } = this
    const { symbol, amount } = target
    const words = (text) => `${symbol}: ${text}`
    const far = await this.farBid(target)
    for (const [operation, option, text] of [['place_ioc', 'IOC', 'an IOC order that finds nothing ends'], ['place_fok', 'FOK', 'a FOK order that finds too little ends']]) {
      await this.attempt(operation, words(text), async () => {
        const placed = await exchange.createOrder(symbol, 'limit', 'buy', amount, far, this.params(operation, target, { timeInForce: option }))
        const end = await this.end(placed, target)
        return (['canceled', 'expired', 'rejected'].includes(end.status) && !end.filled) || end.info
      })
    }
    await this.attempt('place_post_only', words('a post-only order rests, one that would take is refused'), async () => {
      const post = await exchange.createOrder(symbol, 'limit', 'buy', amount, far, this.params('place_post_only', target, { postOnly: true }))
      const ask = (await exchange.fetchOrderBook(symbol)).asks[0][0]
      const high = Number(exchange.priceToPrecision(symbol, ask * 1.01))
      let refusal = ''
      try {
        const crossing = await exchange.createOrder(symbol, 'limit', 'buy', amount, high, this.params('place_post_only', target, { postOnly: true }))
        const end = await exchange.fetchOrder(crossing.id, symbol, this.params('query', target))
        refusal = ['canceled', 'rejected', 'expired'].includes(end.status) && !end.filled ? 'post only' : `it is ${end.status}`
      } catch (e) {
        refusal = `${e.constructor.name} ${e.message}`
      }
      await exchange.cancelOrder(post.id, symbol, this.params('cancel', target))
      return /post.?only|immediately match|OrderImmediatelyFillable|InvalidOrder|OrderNotFound/i.test(refusal) || refusal
    })
    if (!symbol.includes(':')) return
    await this.attempt('place_reduce_only', words('a reduce-only order closes the position and never turns it'), async () => {
      const [position] = await exchange.fetchPositions([symbol], this.params('positions', target))
      const size = position.contracts
      const end = await this.state(await exchange.createOrder(symbol, 'market', 'sell', size, undefined, this.params('place_reduce_only', target, { reduceOnly: true })), target)
      if (end.filled !== size) return end.info
      try {
        const more = await this.state(await exchange.createOrder(symbol, 'market', 'sell', amount, undefined, this.params('place_reduce_only', target, { reduceOnly: true })), target)
        return !more.filled || 'the second one is filled'
      } catch (e) {
        return true
      }
    })
  }

  async change (target) {
    const { exchange } = this
    const { symbol, amount } = target
    const words = (text) => `${symbol}: ${text}`
    const far = await this.farBid(target)
    const lower = Number(exchange.priceToPrecision(symbol, far * 0.99))
    const isOpen = async (id) => (await exchange.fetchOpenOrders(symbol, undefined, undefined, this.params('open_orders', target))).find((o) => o.id === id)
    if (exchange.has.editOrder) {
      await this.attempt('amend', words('an order is amended'), async () => {
        const placed = await exchange.createOrder(symbol, 'limit', 'buy', amount, far, this.params('place_limit', target))
        const edited = await exchange.editOrder(placed.id, symbol, 'limit', 'buy', amount, lower, this.params('amend', target))
        const seen = await isOpen(placed.id) ?? await isOpen(edited.id) // Some make a new order of it.
        const holds = (seen && seen.price === lower) || JSON.stringify(edited.info)
        await exchange.cancelOrder(seen?.id ?? placed.id, symbol, this.params('cancel', target))
        return holds
      })
    }
    if (exchange.has.createOrders) {
      await this.attempt('batch', words('two orders are placed at once'), async () => {
        const one = { symbol, type: 'limit', side: 'buy', amount, params: this.params('batch', target) }
        const placed = await exchange.createOrders([{ ...one, price: far }, { ...one, price: lower }])
        let holds = placed.length === 2
        for (const { id } of placed) {
          holds = holds && !!(await isOpen(id))
          await exchange.cancelOrder(id, symbol, this.params('cancel', target))
        }
        return holds || JSON.stringify(placed.map((o) => o.info))
      })
    }
    if (exchange.has.cancelAllOrders) {
      await this.attempt('cancel_all', words('all orders are cancelled at once'), async () => {
        await exchange.createOrder(symbol, 'limit', 'buy', amount, far, this.params('place_limit', target))
        await exchange.createOrder(symbol, 'limit', 'buy', amount, lower, this.params('place_limit', target))
        await exchange.cancelAllOrders(symbol, this.params('cancel_all', target))
        await wait(200)
        const open = await exchange.fetchOpenOrders(symbol, undefined, undefined, this.params('open_orders', target))
        return open.length === 0 || JSON.stringify(open.map((o) => o.info))
      })
    }
  }

  async account () {
    const { exchange } = this
    if (exchange.has.fetchTime) {
      await this.attempt('server_time', 'the venue tells its time', async () => Math.abs(await exchange.fetchTime() - Date.now()) < 5000)
    }
    const swap = this.venue.targets.find(({ symbol }) => symbol.includes(':'))
    if (!swap) return
    const { symbol, amount } = swap
    await this.attempt('positions', `${symbol}: a position is told with its side, entry and size`, async () => {
      const order = await exchange.createOrder(symbol, 'market', 'sell', amount, undefined, this.params('place_market', swap))
      const positions = await exchange.fetchPositions([symbol], this.params('positions', swap))
      await exchange.createOrder(symbol, 'market', 'buy', amount, undefined, this.params('place_reduce_only', swap, { reduceOnly: true }))
      const [position] = positions.filter((p) => p.contracts > 0)
      return (!!order.id && position?.side === 'short' && position.contracts === amount && position.entryPrice > 0) || JSON.stringify(positions.map((p) => p.info))
    })
    if (exchange.has.fetchFundingRate) {
      await this.attempt('funding', `${symbol}: the funding rate is told`, async () => {
        const rate = await exchange.fetchFundingRate(symbol)
        return (Number.isFinite(rate.fundingRate) && (rate.fundingTimestamp ?? rate.nextFundingTimestamp) > 0) || JSON.stringify(rate.info)
      })
    }
    if (exchange.has.fetchFundingHistory) {
      await this.attempt('funding_payments', `${symbol}: funding payments are listed`, async () => Array.isArray(await exchange.fetchFundingHistory(symbol)))
    }
  }

  // ---- WebSocket ----

  async watchPublic (target) {
    const { exchange } = this
    const { symbol } = target
    let updates = 0
    let sound = true
    for (let i = 0; i < 5; i++) {
      const book = await this.within(10000, exchange.watchOrderBook(symbol), 'the book is watched')
      if (!book) return
      updates++
      sound = sound && book.bids.length > 0 && book.asks.length > 0 && book.bids[0][0] < book.asks[0][0]
    }
    this.shows('book_delta', updates === 5 && sound, 'the watched book moves and is never crossed')
    await this.attempt('trades', 'trades are watched', async () => {
      const trades = await this.within(15000, exchange.watchTrades(symbol), 'trades are watched')
      return (trades?.length > 0 && trades.every((t) => t.price > 0 && t.amount > 0 && ['buy', 'sell'].includes(t.side))) || trades?.map((t) => t.info)
    })
    await this.attempt('best_quote', 'the best bid and ask are watched', async () => {
      const ticker = exchange.has.watchBidsAsks
        ? Object.values(await this.within(10000, exchange.watchBidsAsks([symbol]), 'quotes are watched') ?? {})[0]
        : await this.within(10000, exchange.watchTicker(symbol), 'the ticker is watched')
      return (ticker && ticker.bid > 0 && ticker.bid < ticker.ask) || JSON.stringify(ticker?.info)
    })
  }

  // Reads from a private stream until one of its messages says it.
  async until (watch, holds, text, operation) {
    let seen = []
    for (let i = 0; i < 8; i++) {
      const next = await this.within(10000, watch(), text)
      if (!next) return false
      seen = seen.concat(next)
      if (holds(next)) return operation ? this.shows(operation, true, text) : this.claim(true, text)
    }
    return this.claim(false, text, JSON.stringify(seen.map?.((o) => o.info ?? o)))
  }

  // A watch that is always pending: what arrives between two calls of ccxt is not lost.
  watcher (call) {
    let pending = call()
    pending.catch(() => {}) // Closing the client ends it.
    return () => {
      const now = pending
      return now.then((value) => {
        pending = call()
        pending.catch(() => {})
        return value
      })
    }
  }

  async watchPrivate (target) {
    const { exchange } = this
    const { symbol, amount } = target
    const scope = this.venue.watchesAll ? undefined : symbol
    const orders = this.watcher(() => exchange.watchOrders(scope, undefined, undefined, this.params('private_order', target)))
    const trades = exchange.has.watchMyTrades && this.tries('private_execution')
      ? this.watcher(() => exchange.watchMyTrades(scope, undefined, undefined, this.params('private_execution', target)))
      : null
    const balances = exchange.has.watchBalance && this.tries('private_balance') ? this.watcher(() => exchange.watchBalance(this.params('private_balance', target))) : null
    await wait(1500)
    const placed = await exchange.createOrder(symbol, 'limit', 'buy', amount, await this.farBid(target), this.params('place_limit', target))
    if (!await this.until(orders, (all) => all.some((o) => o.id === placed.id), 'a new order arrives on the private stream')) return
    await exchange.cancelOrder(placed.id, symbol, this.params('cancel', target))
    await this.until(orders, (all) => all.some((o) => o.id === placed.id && o.status === 'canceled'), 'its cancellation arrives on the private stream', 'private_order')
    const book = await exchange.fetchOrderBook(symbol)
    const taken = await exchange.createOrder(symbol, 'market', 'buy', amount, ...this.marketPrice(target, book), this.params('place_market', target))
    if (trades) await this.until(trades, (all) => all.some((t) => t.order === taken.id && t.amount > 0), 'an execution arrives on the private stream', 'private_execution')
    if (balances) await this.until(balances, (all) => Object.keys(all.total ?? {}).length > 0, 'a balance arrives on the private stream', 'private_balance')
  }

  async overWebSocket (target) {
    const { exchange } = this
    const { symbol, amount } = target
    if (!exchange.has.createOrderWs) return
    const far = await this.farBid(target)
    const lower = Number(exchange.priceToPrecision(symbol, far * 0.99))
    const open = async () => await exchange.fetchOpenOrders(symbol, undefined, undefined, this.params('open_orders', target))
    const cancelWs = (id) => this.venue.wsTakesNoSymbol ? exchange.cancelOrderWs(id) : exchange.cancelOrderWs(id, symbol, this.params('cancel_ws', target))
    const placed = await this.within(10000, exchange.createOrderWs(symbol, 'limit', 'buy', amount, far, this.params('place_limit_ws', target)), 'an order is placed over WebSocket')
    if (!placed) return
    this.shows('place_limit_ws', !!placed.id, 'an order is placed over WebSocket')
    let id = placed.id
    if (exchange.has.editOrderWs) {
      await this.attempt('amend_ws', 'and amended over WebSocket', async () => {
        const edited = await this.within(10000, exchange.editOrderWs(id, symbol, 'limit', 'buy', amount, lower, this.params('amend_ws', target)), 'and amended over WebSocket')
        const seen = (await open()).find((o) => [id, edited?.id].includes(o.id))
        id = seen?.id ?? id
        return seen?.price === lower || JSON.stringify(seen?.info)
      })
    }
    await this.within(10000, cancelWs(id), 'and cancelled over WebSocket')
    this.shows('cancel_ws', !(await open()).some((o) => o.id === id), 'and is cancelled over WebSocket')
    for (const [operation, type, params, text] of [
      ['place_market_ws', 'market', {}, 'a market order over WebSocket is filled'],
      ['place_ioc_ws', 'limit', { timeInForce: 'IOC' }, 'an IOC order over WebSocket ends'],
      ['place_fok_ws', 'limit', { timeInForce: 'FOK' }, 'a FOK order over WebSocket ends'],
      ['place_post_only_ws', 'limit', { postOnly: true }, 'a post-only order over WebSocket rests']]) {
      await this.attempt(operation, text, async () => {
        const price = type === 'market' ? this.marketPrice(target, await exchange.fetchOrderBook(symbol))[0] : far
        const order = await exchange.createOrderWs(symbol, type, 'buy', amount, price, this.params(operation, target, params))
        const end = await exchange.fetchOrder(order.id, symbol, this.params('query', target))
        if (operation === 'place_post_only_ws') {
          await exchange.cancelOrder(order.id, symbol, this.params('cancel', target))
          return end.status === 'open' || JSON.stringify(end.info)
        }
        return (type === 'market' ? end.filled === amount : !end.filled && end.status !== 'open') || JSON.stringify(end.info)
      })
    }
    if (exchange.has.cancelAllOrdersWs) {
      await this.attempt('cancel_all_ws', 'all orders are cancelled over WebSocket', async () => {
        await exchange.createOrder(symbol, 'limit', 'buy', amount, far, this.params('place_limit', target))
        await exchange.cancelAllOrdersWs(this.venue.wsTakesNoSymbol ? undefined : symbol, this.params('cancel_all_ws', target))
        await wait(200)
        return (await open()).length === 0
      })
    }
    for (const [operation, has, call, holds] of [
      ['query_ws', exchange.has.fetchOrderWs, () => exchange.fetchOrderWs(placed.id, symbol), (o) => o.id === placed.id],
      ['open_orders_ws', exchange.has.fetchOpenOrdersWs, () => exchange.fetchOpenOrdersWs(symbol), (o) => Array.isArray(o)],
      ['executions_ws', exchange.has.fetchMyTradesWs, () => exchange.fetchMyTradesWs(symbol), (t) => t.length > 0],
      ['balances_ws', exchange.has.fetchBalanceWs, () => exchange.fetchBalanceWs(), (b) => Object.keys(b.total ?? {}).length > 0 || b.info?.balances?.length > 0]]) {
      if (has) await this.attempt(operation, `${operation.replace('_ws', '').replace('_', ' ')} over WebSocket`, async () => holds(await call()))
    }
  }
}
