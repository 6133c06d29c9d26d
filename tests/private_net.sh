# private_net.sh - sourced first by a script that starts the pipeline on its fixed ports: runs the script again in a
# network of its own, so that it meets neither a running installation nor another test. Where the system does not
# allow that, the script goes on as it is. has_private_net says whether it would be allowed.

has_private_net() {
    command -v ip >/dev/null && unshare -n ip link set lo up 2>/dev/null
}

private_net() { # SCRIPT ARGUMENTS...
    [ -z "${IN_PRIVATE_NET:-}" ] && has_private_net || return 0
    export IN_PRIVATE_NET=1
    exec unshare -n sh -c 'ip link set lo up && exec "$@"' sh "$@"
}
