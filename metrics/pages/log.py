"""The page of the log and its durability: what would survive."""

from __future__ import annotations

from metrics.panels import DURABILITY, HORIZON, NODE, ZERO_GOOD, Dashboard, Panel, Row, quantile

LOG = Dashboard(
    "chronis-log",
    "Chronis: log and durability",
    "What would survive: the log, its fsyncs, its segments and the snapshots.",
    (
        Row(
            "At 3 am",
            (
                Panel(
                    "Log",
                    "Whether the log can be written and synced. If it failed, writes are refused.",
                    (("chronis_log_failed{*}", NODE),),
                    "chronislogfailed",
                    kind="stat",
                    width=4,
                    steps=ZERO_GOOD,
                    words=((0, "healthy", "green"), (1, "failed", "red")),
                ),
                DURABILITY,
                HORIZON,
                Panel(
                    "fsync, 99th percentile",
                    "Duration of fsyncs.",
                    ((quantile(0.99, "chronis_log_fsync_seconds", "job"), "{{job}}"),),
                    "chronisfsyncslow",
                    "s",
                    kind="stat",
                    width=4,
                    steps=((None, "green"), (0.1, "yellow"), (0.5, "red")),
                ),
                Panel(
                    "Snapshot age",
                    "Age of the newest snapshot. The log holds everything after it; an old one only makes starts slower.",
                    (("max by (job) (chronis_snapshot_age_seconds{*})", "{{job}}"),),
                    "chronissnapshotold",
                    "s",
                    kind="stat",
                    width=4,
                    steps=((None, "green"), (172800, "yellow")),
                ),
                Panel(
                    "Checksum failures",
                    "Frames whose checksum or shape did not hold: a disk, memory or network that damages data.",
                    (("sum by (job) (chronis_crc_failures_total{*})", "{{job}}"),),
                    "chronischecksumfailures",
                    kind="stat",
                    width=4,
                    steps=ZERO_GOOD,
                ),
            ),
        ),
        Row(
            "Appending",
            (
                Panel(
                    "Bytes appended",
                    "History's growth, and bytes written to segments with frame headers.",
                    (
                        ("rate(chronis_log_offset_bytes{*}[R])", NODE + " history"),
                        ("rate(chronis_log_written_bytes_total{*}[R])", NODE + " written"),
                    ),
                    "chronisfsyncslow",
                    "Bps",
                ),
                Panel(
                    "Events and frames",
                    "Events recorded a second, and frames: one a turn of the loop that wrote.",
                    (
                        ("rate(chronis_log_events_total{*}[R])", NODE + " events"),
                        ("rate(chronis_log_frames_total{*}[R])", NODE + " frames"),
                    ),
                    "chronisfsyncslow",
                    "ops",
                ),
                Panel(
                    "Commands a turn",
                    "Mean number of commands that share one log write.",
                    (("rate(chronis_turn_commands_sum{*}[R]) / rate(chronis_turn_commands_count{*}[R])", NODE),),
                    "chronisloopbusy",
                ),
                Panel(
                    "fsync duration",
                    "Median and 99th percentile.",
                    (
                        (quantile(0.5, "chronis_log_fsync_seconds", "instance"), NODE + " p50"),
                        (quantile(0.99, "chronis_log_fsync_seconds", "instance"), NODE + " p99"),
                    ),
                    "chronisfsyncslow",
                    "s",
                ),
                Panel(
                    "fsyncs by duration",
                    "How many fsyncs a second took how long.",
                    (("sum by (le) (rate(chronis_log_fsync_seconds_bucket{*}[R]))", "{{le}}"),),
                    "chronisfsyncslow",
                    "s",
                    kind="heatmap",
                ),
                Panel(
                    "Not yet synced",
                    "Bytes of history that a power loss would lose.",
                    (("chronis_log_unsynced_bytes{*}", NODE),),
                    "chronisunsyncedtoolong",
                    "bytes",
                ),
            ),
        ),
        Row(
            "Files",
            (
                Panel(
                    "Log on disk",
                    "Bytes of all segments.",
                    (("chronis_log_retained_bytes{*}", NODE),),
                    "chronisresynchorizonshort",
                    "bytes",
                ),
                Panel("Segments", "Segment files.", (("chronis_log_segments{*}", NODE),), "chronisresynchorizonshort"),
                Panel(
                    "Since the newest snapshot",
                    "History that a start has to replay.",
                    (("chronis_log_offset_bytes{*} - chronis_snapshot_offset_bytes{*}", NODE),),
                    "chronissnapshotold",
                    "bytes",
                ),
                Panel(
                    "Snapshot size",
                    "Size of the newest snapshot.",
                    (("chronis_snapshot_size_bytes{*}", NODE),),
                    "chronissnapshotold",
                    "bytes",
                ),
                Panel(
                    "Snapshot duration",
                    "Seconds the last snapshot took, by purpose; -1: none yet.",
                    (("chronis_snapshot_duration_seconds{*}", NODE + " {{purpose}}"),),
                    "chronissnapshotfailing",
                    "s",
                ),
                Panel(
                    "Late fsyncs",
                    "fsyncs a second that took longer than two seconds under everysec.",
                    (("rate(chronis_log_fsync_delayed_total{*}[R])", NODE),),
                    "chronisfsyncslow",
                    "ops",
                ),
            ),
        ),
    ),
)
