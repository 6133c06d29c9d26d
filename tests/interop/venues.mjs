// An independent client (ccxt: REST and WebSocket) against the venue simulator: node tests/interop/venues.mjs NAME. Every
// line printed is a claim, "ok CLAIM" or "not ok CLAIM", or a proof (tests/proof.h). NODE_EXTRA_CA_CERTS names the
// simulator's CA; NAME_API_KEY, NAME_API_SECRET and NAME_API_PASSPHRASE are those of the account "main".
//
// What is tried is the same for every venue and stands in claims.mjs. What a venue has of its own is in venues/NAME.mjs,
// default export:
//
//   rest          base url of its REST side
//   make          ({ env, rest, secret }) -> the ccxt client, pointed at the simulator
//   targets       what is traded: [{ symbol: 'BTC/USDT', amount: 0.01 }], amount as ccxt takes it (contracts where the
//                 venue counts them); a symbol with ':' is a perpetual
//   without       { operation: reason } of tests/proof.h: not tried, with the reason
//   absent        { operation: reason }: the venue has no such thing: docs/venues.md says so
//   params        (operation, target) -> further parameters of ccxt for that call
//   forgetsUnfilled   orders that ended without an execution cannot be asked for any more
//   watchesAll    own orders are watched for all symbols at once
//   wsTakesNoSymbol   cancel and cancel-all over WebSocket
//   extra         [async (run) => {}]: claims of its own
import { Run } from './claims.mjs'

const [name] = process.argv.slice(2)
const venue = (await import(`./venues/${name}.mjs`)).default
const run = new Run(name, venue)
await run.all()
process.exit(run.failed ? 1 : 0)
