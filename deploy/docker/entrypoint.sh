#!/bin/sh
# entrypoint.sh server | sentinel | COMMAND…
# The configuration lives beside the data: Sentinel and CONFIG REWRITE change it (who is primary), and that must survive
# a restart. The environment is looked at when there is no configuration yet:
#   CHRONIS_REPLICAOF "HOST PORT", CHRONIS_PASSWORD, CHRONIS_ANNOUNCE_IP, CHRONIS_OPTIONS (lines of redis.conf)
#   SENTINEL_PRIMARY "HOST", SENTINEL_QUORUM (2), SENTINEL_NAME (chronis)
set -eu
umask 027
data=${CHRONIS_DATA:-/data}

server_conf() {
    echo "bind * -::*"
    echo "dir $data"
    echo "protected-mode ${CHRONIS_PROTECTED_MODE:-yes}"
    echo "metrics-bind 0.0.0.0"
    echo "log-format ${CHRONIS_LOG_FORMAT:-text}"
    if [ -n "${CHRONIS_PASSWORD:-}" ]; then
        echo "requirepass \"$CHRONIS_PASSWORD\""
        echo "masterauth \"$CHRONIS_PASSWORD\""
    fi
    [ -z "${CHRONIS_ANNOUNCE_IP:-}" ] || echo "replica-announce-ip $CHRONIS_ANNOUNCE_IP"
    [ -z "${CHRONIS_REPLICAOF:-}" ] || echo "replicaof $CHRONIS_REPLICAOF"
    [ -z "${CHRONIS_OPTIONS:-}" ] || printf '%s\n' "$CHRONIS_OPTIONS"
}

sentinel_conf() {
    name=${SENTINEL_NAME:-chronis}
    echo "port ${SENTINEL_PORT:-26379}"
    echo "dir $data"
    echo "protected-mode no"
    echo "sentinel resolve-hostnames yes"
    echo "sentinel announce-hostnames yes"
    [ -z "${SENTINEL_ANNOUNCE_IP:-}" ] || echo "sentinel announce-ip $SENTINEL_ANNOUNCE_IP"
    echo "sentinel monitor $name ${SENTINEL_PRIMARY:-chronis-1} ${SENTINEL_PRIMARY_PORT:-6379} ${SENTINEL_QUORUM:-2}"
    echo "sentinel down-after-milliseconds $name ${SENTINEL_DOWN_AFTER_MS:-5000}"
    echo "sentinel failover-timeout $name 30000"
    echo "sentinel parallel-syncs $name 1"
    [ -z "${CHRONIS_PASSWORD:-}" ] || echo "sentinel auth-pass $name $CHRONIS_PASSWORD"
}

# Written beside and renamed, so that a start that is interrupted leaves no half of a configuration.
first_time() {
    [ -s "$1" ] || { "$2" >"$1.new" && mv "$1.new" "$1"; }
}

case ${1:-server} in
    server)
        shift || true
        first_time "$data/chronis.conf" server_conf
        exec chronis-server "$data/chronis.conf" "$@"
        ;;
    sentinel)
        first_time "$data/sentinel.conf" sentinel_conf
        exec redis-sentinel "$data/sentinel.conf"
        ;;
    *)
        exec "$@"
        ;;
esac
