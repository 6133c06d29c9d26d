# run_stack.sh - the demo's pipeline for runs that break it on purpose. Sourced, from the top of the tree.
#
# The configuration is the demo's, copied beside the run directory, with limits of loss that a long run of busy quotes does
# not reach: what is tried here is recovery, not the limits.

# In a network of its own where that is allowed; IN_PRIVATE_NET=no keeps it in this one, where bin/tickpipe can watch it.
. tests/private_net.sh
private_net "tests/integration/${0##*/}" "$@"

export TICKPIPE_RUN_DIR=${TICKPIPE_RUN_DIR:-run/${0##*/}}
config_from=${TICKPIPE_CONFIG_DIR:-config/demo}
export TICKPIPE_CONFIG_DIR=$TICKPIPE_RUN_DIR.config
. ops/demo_stack.sh

failed=0
claim() { # CLAIM COMMAND...
    local text=$1
    shift
    if "$@"; then
        echo "ok $text"
    else
        echo "not ok $text"
        failed=1
    fi
}

make_config() {
    rm -rf "$TICKPIPE_CONFIG_DIR"
    mkdir -p "$TICKPIPE_CONFIG_DIR"
    cp "$config_from"/*.ini "$TICKPIPE_CONFIG_DIR"
    sed -i -e 's/^MAX_DAILY_LOSS=.*/MAX_DAILY_LOSS=1000000/' -e 's/^MAX_DRAWDOWN=.*/MAX_DRAWDOWN=1000000/' \
        "$TICKPIPE_CONFIG_DIR"/{risk_monitor,trading_engine_*}.ini
    [ -z "${SEED:-}" ] || sed -i "s/^SEED=.*/SEED=$SEED/" "$TICKPIPE_CONFIG_DIR/venue_simulator.ini"
}

stack_up() {
    stack_prepare && simulator_start && roles_start >/dev/null && wait_for 20 everybody_lives
}

# A seeded stream of numbers, apart from bash's own: the same seed gives the same moments.
random_state=${SEED:-1}
random() { # BELOW: sets REPLY
    random_state=$(((random_state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff))
    REPLY=$(((random_state >> 24) % $1))
}

pause_ms() {
    sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}

role_kill() { # ROLE [INSTANCE]: kill -9, and wait until it is gone
    local pid
    pid=$(pid_of "$@")
    [ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null || return 1
    while [ -n "$(pid_of "$@")" ]; do sleep 0.01; done
}

# Waits up to SECONDS for a command to hold.
wait_for() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.2
    done
}

wait_for_ms() { # MS COMMAND...
    local end=$(($(date +%s%N) / 1000000 + $1))
    shift
    until "$@"; do
        [ $(($(date +%s%N) / 1000000)) -lt "$end" ] || return 1
        sleep 0.05
    done
}

open_orders() { # VENUE: of its accounts, by its own ledger
    control GET "/ledger?venue=$1" | grep -oE '"state":"(new|partially_filled)"' | wc -l
}

everybody_lives() {
    operator status --json >/dev/null 2>&1
}

fills_of() { # VENUE: executions that the venue counts
    control GET "/ledger?venue=$1" | grep -o '"executions":[0-9]*' | cut -d: -f2 | awk '{ n += $1 } END { print n + 0 }'
}

traded() { # VENUE LEAST: fills of the last comparison
    local fills
    fills=$(sed -n "s/.*\"$1\":{\"orders\":[0-9]*,\"fills\":\([0-9]*\).*/\1/p" "$TICKPIPE_RUN_DIR/report.txt")
    [ "${fills:-0}" -ge "$2" ] || { echo "# $1: ${fills:-no} fills"; return 1; }
}

reconciles() {
    "$BIN/reconcile" "$TICKPIPE_RUN_DIR" "$SECONDS" $INSTANCES >"$TICKPIPE_RUN_DIR/report.txt" && return 0
    grep -A3 DIFFERENCE "$TICKPIPE_RUN_DIR/report.txt" | head -40 | sed 's/^/# /'
    return 1
}
