#include "risk_monitor/risk_settings.h"

#define AT(member) offsetof(struct risk_settings, member)

/* clang-format off */
const struct config_key risk_monitor_keys[] = {
    { "LIMITS", "CURRENCY", CONFIG_TEXT, AT(currency), "USDT", 0, 0, NULL, 0,
      "The reporting currency of position_server, in which the limits are." },
    { "LIMITS", "MAX_GROSS_EXPOSURE", CONFIG_DECIMAL, AT(gross_exposure_max), NULL, 1, INT64_MAX, NULL, CONFIG_REQUIRED,
      "Sum of absolute position values, spot and derivatives; above it everything is killed. Unset refuses start." },
    { "LIMITS", "MAX_DAILY_LOSS", CONFIG_DECIMAL, AT(daily_loss_max), NULL, 1, INT64_MAX, NULL, CONFIG_REQUIRED,
      "Loss of the UTC day, fees and funding included; above it everything is killed. Unset refuses start." },
    { "LIMITS", "MAX_DRAWDOWN", CONFIG_DECIMAL, AT(drawdown_max), NULL, 1, INT64_MAX, NULL, CONFIG_REQUIRED,
      "Fall from the best PnL of the UTC day; above it everything is killed. Unset refuses start." },
    { "LIMITS", "MAX_NET_DELTA", CONFIG_TEXT, AT(net_delta_max), "", 0, 0, NULL, 0,
      "Most base units, long or short, that spot and derivatives of all accounts may come to together: BTC:2 ETH:40. Above one of them everything is killed." },
    { "SILENCE", "ENGINE_MS", CONFIG_INT, AT(engine_silence_ms), "1000", 200, 60000, NULL, 0,
      "An engine silent for so long: its venue is halted; clears itself." },
    { "SILENCE", "ENGINE_DEAD_MS", CONFIG_INT, AT(engine_dead_ms), "10000", 1000, 3600000, NULL, 0,
      "An engine silent for so long: its orders are cancelled by CANCEL_COMMAND." },
    { "SILENCE", "POSITIONS_MS", CONFIG_INT, AT(positions_silence_ms), "5000", 200, 60000, NULL, 0,
      "position_server silent for so long: everything is halted until its replay is complete; clears itself." },
    { "SILENCE", "UNMARKED_MS", CONFIG_INT, AT(unmarked_ms), "5000", 100, 600000, NULL, 0,
      "Exposure without a fresh mark or conversion for so long: everything is halted; clears itself." },
    { "SILENCE", "RECONCILIATION_MS", CONFIG_INT, AT(reconciliation_ms), "10000", 0, 3600000, NULL, 0,
      "A balance or a derivative's position that differs from the venue's for so long without executions: its venue is halted; 0: never." },
    { "SILENCE", "CANCEL_COMMAND", CONFIG_TEXT, AT(cancel_command), "", 0, 0, NULL, 0,
      "Program started as PROGRAM VENUE CONFIG --cancel-all for a dead engine; empty: trading_engine beside this one." },
};
/* clang-format on */
const size_t risk_monitor_key_count = COUNT(risk_monitor_keys);
