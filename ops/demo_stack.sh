# demo_stack.sh - the whole pipeline against the venue simulator, for make demo and the runs that break it on purpose.
# Sourced. Everything a run leaves is in $TICKPIPE_RUN_DIR; processes are stopped by the pid files that they wrote.

export TICKPIPE_CONFIG_DIR=${TICKPIPE_CONFIG_DIR:-config/demo}
export TICKPIPE_RUN_DIR=${TICKPIPE_RUN_DIR:-run/demo}
. ops/lib.sh
CONTROL=http://127.0.0.1:8400

# VENUES: names of venues; INSTANCES: INSTANCE:ID:venue, as the comparison with the ledgers takes them. Both of venues.ini.
venues_read() { # [DIR]
    INSTANCES=$(awk -F= '
        function flush() { if (venue != "") printf "%s:%s:%s ", toupper(name), id, tolower(venue) }
        /^[[:space:]]*\[/ { flush(); name = $1; gsub(/[][:space:][]/, "", name); id = venue = "" }
        $1 == "ID" { id = $2 }
        $1 == "VENUE" { venue = $2 }
        END { flush() }' "${1:-$TICKPIPE_CONFIG_DIR}/venues.ini")
    VENUES=
    local instance
    for instance in $INSTANCES; do VENUES="$VENUES ${instance##*:}"; done
    VENUES=${VENUES# }
}
venues_read "${config_from:-}"

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
        export "${venue^^}_API_PASSPHRASE=$(key_of "ACCOUNT_${venue}_main" PASSPHRASE)"
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

# The simulated venues are traded on in earnest.
export TICKPIPE_ENGINE_OPTIONS=${TICKPIPE_ENGINE_OPTIONS---live}

# role_start, role_stop and pid_of are those of ops/start and ops/stop.
roles_start() {
    local process failed=0
    while read -r process; do
        role_start $process </dev/null || failed=1
    done < <(processes)
    return $failed
}

stack_stop() {
    local process
    while read -r process; do
        role_stop $process
    done < <(processes | tac)
    role_stop venue_simulator
} >/dev/null

# Resident memory of each process, kB. PSS counts a page that several share (libraries) once in all of them together, so its
# sum is what they take; RSS counts it in each.
stack_memory() {
    local process pid
    while read -r process; do
        pid=$(pid_of $process)
        [ -z "$pid" ] || awk -v name="${process// /@}" '$1 == "Rss:" { rss = $2 } $1 == "Pss:" { pss = $2 }
            END { print name, rss, pss }' "/proc/$pid/smaps_rollup"
    done < <(processes; echo venue_simulator) |
        awk 'BEGIN { printf "%-32s %10s %10s\n", "resident memory, kB", "RSS", "PSS" }
             { printf "%-32s %10d %10d\n", $1, $2, $3; rss += $2; pss += $3 }
             END { printf "%-32s %10d %10d\n", "all", rss, pss }'
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
    [ -n "${WATCHERS:-}" ] || return 0
    kill $WATCHERS 2>/dev/null
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
