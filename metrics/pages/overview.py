"""The overview: is it up, is it safe, is it fast."""

from __future__ import annotations

from metrics.panels import DURABILITY, ERRORS, HORIZON, IN_SYNC, NODE, PRIMARY, READY, Dashboard, Panel, Row, quantile

OVERVIEW = Dashboard(
    "chronis-overview",
    "Chronis: overview",
    "Is it up, is it safe, is it fast: one look at a replication group.",
    (
        Row("At 3 am", (PRIMARY, READY, IN_SYNC, HORIZON, DURABILITY, ERRORS)),
        Row(
            "Traffic",
            (
                Panel(
                    "Commands",
                    "Commands run a second, those of replication and of probes included.",
                    (("rate(redis_commands_processed_total{*}[R])", NODE),),
                    "chronisloopbusy",
                    "ops",
                ),
                Panel(
                    "Mean time of a command",
                    "Time from lookup to reply, the wait for the end of the turn left out.",
                    (
                        (
                            "sum by (instance) (rate(redis_commands_duration_seconds_total{*}[R]))"
                            " / sum by (instance) (rate(redis_commands_total{*}[R]))",
                            NODE,
                        ),
                    ),
                    "chronisloopbusy",
                    "s",
                ),
                Panel(
                    "Hit ratio",
                    "Share of lookups by reading commands that found their key.",
                    (
                        (
                            "rate(redis_keyspace_hits_total{*}[R])"
                            " / (rate(redis_keyspace_hits_total{*}[R]) + rate(redis_keyspace_misses_total{*}[R]) > 0)",
                            NODE,
                        ),
                    ),
                    "chroniserrorshigh",
                    "percentunit",
                ),
                Panel(
                    "Clients",
                    "Connections, replicas left out, and those waiting in a blocking command.",
                    (("redis_connected_clients{*}", NODE), ("redis_blocked_clients{*}", NODE + " blocked")),
                    "chronisconnectionshigh",
                ),
                Panel(
                    "Network",
                    "Bytes a second read from and written to clients (written: below zero).",
                    (
                        ("rate(redis_net_input_bytes_total{*}[R])", NODE + " in"),
                        ("-rate(redis_net_output_bytes_total{*}[R])", NODE + " out"),
                    ),
                    "chronisclientscutoff",
                    "Bps",
                ),
                Panel(
                    "CPU",
                    "Cores used by the process; above 0.9 the one event loop is the limit.",
                    (("rate(redis_cpu_user_seconds_total{*}[R]) + rate(redis_cpu_sys_seconds_total{*}[R])", NODE),),
                    "chronisloopbusy",
                    "percentunit",
                    steps=((None, "green"), (0.7, "yellow"), (0.9, "red")),
                ),
            ),
        ),
        Row(
            "Data",
            (
                Panel(
                    "Memory",
                    "Accounted bytes, resident bytes, and the limit where one is set.",
                    (
                        ("redis_memory_used_bytes{*}", NODE + " used"),
                        ("redis_memory_used_rss_bytes{*}", NODE + " resident"),
                        ("redis_memory_max_bytes{*}", NODE + " maxmemory"),
                    ),
                    "chronismemoryhigh",
                    "bytes",
                ),
                Panel(
                    "Keys",
                    "Keys of all databases, and those with a time to live.",
                    (
                        ("sum by (instance) (redis_db_keys{*})", NODE),
                        ("sum by (instance) (redis_db_keys_expiring{*})", NODE + " expiring"),
                    ),
                    "chronismemoryhigh",
                ),
                Panel(
                    "Expired and evicted",
                    "Keys a second removed because their time had passed, or to make room.",
                    (
                        ("rate(redis_expired_keys_total{*}[R])", NODE + " expired"),
                        ("rate(redis_evicted_keys_total{*}[R])", NODE + " evicted"),
                    ),
                    "chronismemoryhigh",
                    "ops",
                ),
                Panel(
                    "Loop lag, 99th percentile",
                    "How late the ten ticks a second are: the time a request may wait for others.",
                    ((quantile(0.99, "chronis_loop_lag_seconds", "instance"), NODE),),
                    "chronisloopbusy",
                    "s",
                    steps=((None, "green"), (0.05, "yellow"), (0.1, "red")),
                ),
                Panel(
                    "Uptime",
                    "Time since each process started.",
                    (("time() - redis_start_time_seconds{*}", NODE),),
                    "chronisrestarted",
                    "s",
                ),
                Panel(
                    "Versions",
                    "What runs where.",
                    (("chronis_build_info{*}", "{{instance}} {{version}} ({{protocol}})"),),
                    "chronisrestarted",
                    kind="table",
                ),
            ),
        ),
    ),
)
