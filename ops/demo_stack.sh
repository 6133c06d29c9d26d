# demo_stack.sh - the whole pipeline against the venue simulator, for make demo and the runs that break it on purpose.
# Sourced. Everything a run leaves is in $TICKPIPE_RUN_DIR; processes are stopped by the pid files that they wrote.

export TICKPIPE_CONFIG_DIR=${TICKPIPE_CONFIG_DIR:-config/demo}
export TICKPIPE_RUN_DIR=${TICKPIPE_RUN_DIR:-run/demo}
BIN=${BIN:-bin}
CONTROL=http://127.0.0.1:8400
VENUES="binance kraken"
INSTANCES="BINANCE:1:binance KRAKEN:2:kraken"

# Keys of simulated accounts: they open nothing anywhere else.
key_of() { # SECTION KEY
    sed -n "/^\[$1\]/,/^\[/s/^$2=//p" "$TICKPIPE_CONFIG_DIR/venue_simulator.ini" | head -1
}

stack_prepare() {
    rm -rf "$TICKPIPE_RUN_DIR"
    mkdir -p "$TICKPIPE_RUN_DIR/logs"
    chmod 700 "$TICKPIPE_RUN_DIR"
    for venue in $VENUES; do
        export "${venue^^}_API_KEY=$(key_of "ACCOUNT_${venue}_main" KEY)"
        export "${venue^^}_API_SECRET=$(key_of "ACCOUNT_${venue}_main" SECRET)"
    done
    "$BIN/tickpipe" keys --config "$TICKPIPE_CONFIG_DIR/tickpipe.ini" >/dev/null
}

simulator_start() {
    "$BIN/venue_simulator" "$TICKPIPE_CONFIG_DIR/venue_simulator.ini" --daemon || return 1
    for _ in $(seq 100); do
        control GET /status >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    echo "the simulator does not answer on $CONTROL" >&2
    return 1
}

# control METHOD PATH: one call of the simulator's control endpoint, answer on stdout.
control() {
    curl -sf -m 5 -X "$1" "$CONTROL$2"
}

role_start() { # ROLE [INSTANCE]
    local role=$1 instance=${2:-} config
    config=$TICKPIPE_CONFIG_DIR/$role${instance:+_${instance,,}}.ini
    if [ "$role" = trading_engine ]; then
        "$BIN/$role" $instance "$config" --daemon --live
    else
        "$BIN/$role" $instance "$config" --daemon
    fi
}

roles_start() {
    role_start risk_monitor
    role_start position_server
    for venue in $VENUES; do
        role_start market_gateway "${venue^^}"
        role_start trading_engine "${venue^^}"
    done
    role_start signal_engine
    role_start strategy_runner
}

# A process that was killed leaves its number behind, and the system may give it to another program.
pid_of() { # ROLE [INSTANCE]
    local pid
    pid=$(cat "$TICKPIPE_RUN_DIR/$1${2:+_${2,,}}.pid" 2>/dev/null)
    if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "${1:0:15}" ] &&
        [ "$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null)" != Z ]; then
        echo "$pid"
    fi
}

role_stop() { # ROLE [INSTANCE]: SIGTERM, and wait for its end
    local pid
    pid=$(pid_of "$@") || return 0
    [ -n "$pid" ] || return 0
    kill -TERM "$pid" 2>/dev/null || return 0
    for _ in $(seq 150); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    echo "$* (pid $pid) did not stop in 15 s: killed" >&2
    kill -KILL "$pid" 2>/dev/null
}

stack_stop() {
    role_stop strategy_runner
    role_stop signal_engine
    for venue in $VENUES; do
        role_stop trading_engine "${venue^^}"
        role_stop market_gateway "${venue^^}"
    done
    role_stop position_server
    role_stop risk_monitor
    role_stop venue_simulator
}

operator() {
    "$BIN/tickpipe" "$@" --config "$TICKPIPE_CONFIG_DIR/tickpipe.ini"
}

# What is said on the bus during the run, kept for the comparison.
watch_start() { # SECONDS
    WATCHERS=
    for stream in 7003:intents 6002:order_events 6008:opportunities; do
        # Not through operator(): the shell that runs a function in the background would be what is killed.
        "$BIN/tickpipe" tail "${stream%%:*}" --json --seconds "$1" --config "$TICKPIPE_CONFIG_DIR/tickpipe.ini" \
            >"$TICKPIPE_RUN_DIR/${stream##*:}.jsonl" 2>"$TICKPIPE_RUN_DIR/logs/tail_${stream##*:}.err" &
        WATCHERS="$WATCHERS $!"
    done
}

watch_stop() {
    [ -n "${WATCHERS:-}" ] && kill $WATCHERS 2>/dev/null
    wait $WATCHERS 2>/dev/null
    WATCHERS=
}

# Ends trading (the runner cancels what rests), lets executions arrive, and writes what both sides believe.
stack_settle() {
    role_stop strategy_runner
    control POST /quiesce >/dev/null
    sleep "${SETTLE_SECONDS:-4}"
}

stack_collect() {
    mkdir -p "$TICKPIPE_RUN_DIR/journals"
    for venue in $VENUES; do
        control GET "/ledger?venue=$venue" >"$TICKPIPE_RUN_DIR/ledger_$venue.json"
        cp "$TICKPIPE_RUN_DIR/data/trading_engine_$venue".live.*.journal "$TICKPIPE_RUN_DIR/journals"
    done
    operator tail 6003 --json --state --seconds 3 >"$TICKPIPE_RUN_DIR/positions.jsonl"
    cp "$TICKPIPE_RUN_DIR/positions.jsonl" "$TICKPIPE_RUN_DIR/balances.jsonl"
    cp "$TICKPIPE_RUN_DIR/positions.jsonl" "$TICKPIPE_RUN_DIR/pnl.jsonl"
}
