#include "position_server/position_settings.h"

#define AT(member) offsetof(struct position_settings, member)

/* clang-format off */
const struct config_key position_server_keys[] = {
    { "REPORTING", "CURRENCY", CONFIG_TEXT, AT(reporting), "USDT", 0, 0, NULL, 0,
      "Everything is also told in this asset, converted along marked pairs." },
    { "REPORTING", "EQUALS", CONFIG_TEXT, AT(equals), "", 0, 0, NULL, 0,
      "Assets that count as another, less a haircut in parts per million: USD=USDT:500 USDC=USDT:200. Unsaid, they differ." },
    { "REPORTING", "MARK_MAX_AGE_MS", CONFIG_INT, AT(mark_max_age_ms), "5000", 100, 600000, NULL, 0,
      "A mark older than this is stale: what it would value is shown as unmarked, not as zero." },
    { "LEDGER", "FILE", CONFIG_TEXT, AT(ledger_file), "", 0, 0, NULL, 0,
      "SQLite file; empty: DATA_DIR/position_server.ledger." },
    { "LEDGER", "COMMIT_MS", CONFIG_INT, AT(commit_ms), "10", 1, 1000, NULL, 0,
      "Executions are committed together this often; only then do engines hear that they are applied." },
    { "LEDGER", "REPLAY_MS", CONFIG_INT, AT(replay_ms), "200", 10, 10000, NULL, 0,
      "Missing executions are asked for this often." },
    { "LEDGER", "SETTLE_MS", CONFIG_INT, AT(settle_ms), "2000", 100, 600000, NULL, 0,
      "Without executions for so long, a difference to the venue's balance is real and is shown." },
    { "BOOKS", "INSTRUMENTS_MAX", CONFIG_INT, AT(instruments_max), "64", 2, 1024, NULL, 0,
      "Most instruments over all venues; memory is taken at start." },
};
/* clang-format on */
const size_t position_server_key_count = COUNT(position_server_keys);
