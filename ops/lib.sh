# lib.sh - starting and stopping roles, for start, stop, restart, status and for runs that use them. Sourced, from the top
# of the tree. It holds no state: what runs is known by the pid files, what should run by venues.ini.

export TICKPIPE_CONFIG_DIR=${TICKPIPE_CONFIG_DIR:-config}
export TICKPIPE_RUN_DIR=${TICKPIPE_RUN_DIR:-run}
BIN=${BIN:-bin}
ROLES="risk_monitor position_server market_gateway trading_engine signal_engine strategy_runner"

role_is_per_venue() { # ROLE
    [ "$1" = market_gateway ] || [ "$1" = trading_engine ]
}

# Each instance of venues.ini, in capitals as on the command line.
instances() {
    sed -n 's/^[[:space:]]*\[\([A-Za-z0-9_-]*\)\][[:space:]]*$/\1/p' "$TICKPIPE_CONFIG_DIR/venues.ini" |
        tr '[:lower:]' '[:upper:]' | grep -vx CORE
}

# Whether somebody trades there: not where venues.ini says ENGINE=no.
has_engine() { # INSTANCE
    awk -v instance="$1" '
        /^[[:space:]]*\[/ { name = toupper($1); gsub(/[][]/, "", name) }
        name == instance && tolower($0) ~ /^engine[[:space:]]*=[[:space:]]*(no|false|off|0)/ { none = 1 }
        END { exit none }' "$TICKPIPE_CONFIG_DIR/venues.ini"
}

# What there is to start, one "ROLE [INSTANCE]" a line, in starting order: who judges and who counts before who trades; a
# venue's market data before its orders.
processes() { # [ROLE [INSTANCE]]
    local role instance
    for role in $ROLES; do
        [ -z "${1:-}" ] || [ "$1" = "$role" ] || continue
        if role_is_per_venue "$role"; then
            for instance in $(instances); do
                [ -z "${2:-}" ] || [ "${2^^}" = "$instance" ] || continue
                [ "$role" = market_gateway ] || has_engine "$instance" || continue
                echo "$role $instance"
            done
        else
            [ -n "${2:-}" ] || echo "$role"
        fi
    done
}

role_file() { # ROLE [INSTANCE]: the stem of its ini, pid and log files
    echo "$1${2:+_${2,,}}"
}

role_text() { # ROLE [INSTANCE]: as in log lines
    echo "$1${2:+@${2^^}}"
}

# The number of a running role; nothing where none runs. A process that was killed leaves its number behind, and the system
# may give it to another program, or to the same role of another venue.
pid_of() { # ROLE [INSTANCE]
    local pid
    pid=$(cat "$TICKPIPE_RUN_DIR/$(role_file "$@").pid" 2>/dev/null)
    [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "${1:0:15}" ] || return 0
    [ "$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null)" != Z ] || return 0
    [ -z "${2:-}" ] || tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qix -- "$2" || return 0
    echo "$pid"
}

# The last error that the role's log holds, where the log is in a usual place.
last_words() { # ROLE [INSTANCE]
    local dir
    for dir in "${TICKPIPE_LOG_DIR:-logs}" "$TICKPIPE_RUN_DIR/logs"; do
        [ -r "$dir/$(role_file "$@").log" ] || continue
        tail -n 50 "$dir/$(role_file "$@").log" | grep '"ERROR"' | tail -n 1
        return 0
    done
}

# Starts one process and returns when it serves the bus. TICKPIPE_ENGINE_OPTIONS: words for trading_engine, such as --live.
role_start() { # ROLE [INSTANCE]
    local role=$1 instance=${2:-} options= pid code=0
    pid=$(pid_of "$@")
    if [ -n "$pid" ]; then
        echo "$(role_text "$@"): runs already, pid $pid"
        return 0
    fi
    [ "$role" = trading_engine ] && options=${TICKPIPE_ENGINE_OPTIONS:-}
    # shellcheck disable=SC2086 # No instance is no word; options are words.
    "$BIN/$role" ${instance^^} "$TICKPIPE_CONFIG_DIR/$(role_file "$@").ini" --daemon $options || code=$?
    if [ "$code" -ne 0 ]; then
        echo "$(role_text "$@"): did not start, exit code $code" >&2
        last_words "$@" >&2
        return 1
    fi
    echo "$(role_text "$@"): serves the bus, pid $(pid_of "$@")"
}

# SIGTERM, and waits for the end; SIGKILL after STOP_SECONDS (15).
role_stop() { # ROLE [INSTANCE]
    local pid tenths=$((${STOP_SECONDS:-15} * 10))
    pid=$(pid_of "$@")
    if [ -z "$pid" ]; then
        echo "$(role_text "$@"): does not run"
        return 0
    fi
    kill -TERM "$pid" 2>/dev/null
    while [ -n "$(pid_of "$@")" ] && [ $((tenths -= 1)) -ge 0 ]; do
        sleep 0.1
    done
    if [ -z "$(pid_of "$@")" ]; then
        echo "$(role_text "$@"): stopped"
        return 0
    fi
    kill -KILL "$pid" 2>/dev/null
    while [ -n "$(pid_of "$@")" ]; do sleep 0.1; done
    echo "$(role_text "$@"): pid $pid did not stop in ${STOP_SECONDS:-15} s: killed" >&2
    return 1
}

# Checks the words of a command line; says what there is where they name nothing.
check_names() { # [ROLE [VENUE]]
    if [ ! -r "$TICKPIPE_CONFIG_DIR/venues.ini" ]; then
        echo "no $TICKPIPE_CONFIG_DIR/venues.ini: TICKPIPE_CONFIG_DIR names the configuration directory" >&2
        return 78
    fi
    if [ $# -gt 2 ] || { [ $# -gt 0 ] && [ -z "$(processes "$@")" ]; }; then
        echo "usage: ${0##*/} [ROLE [VENUE]]; there are:" >&2
        processes | sed 's/^/  /' >&2
        return 2
    fi
}
