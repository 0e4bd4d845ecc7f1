"""The page of replication: who follows whom, how far behind."""

from __future__ import annotations

from metrics.panels import HORIZON, IN_SYNC, NODE, PRIMARY, REPLICA, UP_GOOD, Dashboard, Panel, Row

REPLICATION = Dashboard(
    "chronis-replication",
    "Chronis: replication",
    "Who follows whom, how far behind, and how links come and go.",
    (
        Row(
            "At 3 am",
            (
                PRIMARY,
                IN_SYNC,
                Panel(
                    "Link to the primary",
                    "Whether each replica follows its primary.",
                    (("redis_master_link_up{*}", NODE),),
                    "chronisreplicalinkdown",
                    kind="stat",
                    width=4,
                    steps=UP_GOOD,
                    words=((1, "up", "green"), (0, "down", "red")),
                ),
                Panel(
                    "Worst lag",
                    "Age of the oldest event that a replica has not acknowledged.",
                    (("max by (job) (chronis_replica_lag_seconds{*})", "{{job}}"),),
                    "chronisreplicalagging",
                    "s",
                    kind="stat",
                    width=4,
                    steps=((None, "green"), (5, "yellow"), (30, "red")),
                ),
                HORIZON,
                Panel(
                    "Full syncs, last hour",
                    "A full synchronization means that the log did not reach back far enough, or a new replica.",
                    (('sum by (job) (increase(chronis_syncs_total{*, kind="full"}[1h]))', "{{job}}"),),
                    "chronisfullsyncs",
                    kind="stat",
                    width=4,
                    steps=((None, "green"), (1, "yellow"), (4, "red")),
                ),
            ),
        ),
        Row(
            "Lag",
            (
                Panel(
                    "Lag in seconds",
                    "Age of the oldest event that the replica has not acknowledged; acknowledgements come each second.",
                    (("chronis_replica_lag_seconds{*}", REPLICA),),
                    "chronisreplicalagging",
                    "s",
                ),
                Panel(
                    "Lag in bytes",
                    "History that the replica has not acknowledged.",
                    (("chronis_replica_lag_bytes{*}", REPLICA),),
                    "chronisreplicalaggrowing",
                    "bytes",
                ),
                Panel(
                    "Lag in events",
                    "Events that the replica has not acknowledged.",
                    (("chronis_replica_lag_events{*}", REPLICA),),
                    "chronisreplicalaggrowing",
                ),
                Panel(
                    "Last acknowledgement",
                    "Seconds since each replica acknowledged.",
                    (("redis_connected_slave_lag_seconds{*}", REPLICA),),
                    "chronisreplicalagging",
                    "s",
                ),
                Panel(
                    "Silence of the primary",
                    "Seconds since each replica heard its primary; -1: never.",
                    (("redis_master_last_io_seconds_ago{*}", NODE),),
                    "chronisreplicalinkdown",
                    "s",
                ),
                Panel(
                    "Time without a link",
                    "How long each replica has been without its primary.",
                    (("chronis_primary_link_down_seconds{*}", NODE),),
                    "chronisreplicalinkdown",
                    "s",
                ),
            ),
        ),
        Row(
            "History",
            (
                Panel(
                    "Offsets",
                    "The length of history at each node; replicas run after their primary.",
                    (("redis_master_repl_offset{*}", NODE),),
                    "chronisreplicalagging",
                    "bytes",
                    width=6,
                ),
                Panel(
                    "Full syncs by reason",
                    "Why replicas had to be given everything: new ones, other histories, or a log that did not reach back.",
                    (("sum by (job, reason) (increase(chronis_full_syncs_total{*}[1h]))", "{{reason}}"),),
                    "chronisfullsyncs",
                    width=6,
                ),
                Panel(
                    "Synchronizations",
                    "Synchronizations by kind; refused: not possible as asked; parted: told to go back instead.",
                    (("increase(chronis_syncs_total{*}[R])", NODE + " {{kind}}"),),
                    "chronisfullsyncs",
                    width=6,
                ),
                Panel(
                    "Resync horizon",
                    "Time and bytes of history from which replicas can resume.",
                    (("chronis_resync_horizon_seconds{*}", NODE),),
                    "chronisresynchorizonshort",
                    "s",
                    width=6,
                ),
                Panel(
                    "Replication traffic",
                    "Bytes a second written to replicas, and read from the primary (below zero).",
                    (
                        ("rate(redis_net_repl_output_bytes_total{*}[R])", NODE + " out"),
                        ("-rate(redis_net_repl_input_bytes_total{*}[R])", NODE + " in"),
                    ),
                    "chronisreplicalaggrowing",
                    "Bps",
                ),
                Panel(
                    "Queued for replicas",
                    "Output that replicas have not read yet: all of it, and the longest queue.",
                    (
                        ('chronis_output_queue_bytes{*, class="replica"}', NODE),
                        ('chronis_output_queue_max_bytes{*, class="replica"}', NODE + " longest"),
                    ),
                    "chronisclientscutoff",
                    "bytes",
                ),
                Panel(
                    "History ids",
                    "Ids that the data directory has had before the present one: each promotion adds one.",
                    (("chronis_history_id_changes{*}", NODE),),
                    "chronishistoryparted",
                ),
            ),
        ),
    ),
)
