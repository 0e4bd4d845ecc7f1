"""The page of commands and their latency."""

from __future__ import annotations

from metrics.panels import ERRORS, NODE, Dashboard, Panel, Row, quantile

COMMANDS = Dashboard(
    "chronis-commands",
    "Chronis: commands and latency",
    "Which commands, how many, how long, how many refused.",
    (
        Row(
            "At 3 am",
            (
                Panel(
                    "Commands",
                    "Commands run a second.",
                    (("sum by (job) (rate(redis_commands_processed_total{*}[R]))", "{{job}}"),),
                    "chronisloopbusy",
                    "ops",
                    kind="stat",
                    width=4,
                ),
                ERRORS,
                Panel(
                    "Slowest command, p99",
                    "The command with the largest 99th percentile of duration.",
                    (("topk(1, " + quantile(0.99, "chronis_command_seconds", "cmd") + ")", "{{cmd}}"),),
                    "chronisloopbusy",
                    "s",
                    kind="stat",
                    width=4,
                    steps=((None, "green"), (0.01, "yellow"), (0.1, "red")),
                ),
                Panel(
                    "Loop lag, p99",
                    "How late ticks are.",
                    ((quantile(0.99, "chronis_loop_lag_seconds", "job"), "{{job}}"),),
                    "chronisloopbusy",
                    "s",
                    kind="stat",
                    width=4,
                    steps=((None, "green"), (0.05, "yellow"), (0.1, "red")),
                ),
                Panel(
                    "Slow log",
                    "Entries in the slow log.",
                    (("max by (job) (redis_slowlog_length{*})", "{{job}}"),),
                    "chronisloopbusy",
                    kind="stat",
                    width=4,
                ),
                Panel(
                    "Blocked clients",
                    "Clients waiting in a blocking command.",
                    (("sum by (job) (redis_blocked_clients{*})", "{{job}}"),),
                    "chronisconnectionshigh",
                    kind="stat",
                    width=4,
                ),
            ),
        ),
        Row(
            "By command",
            (
                Panel(
                    "Calls",
                    "Calls a second by command.",
                    (('sum by (cmd) (rate(redis_commands_total{*, cmd=~"$cmd"}[R]))', "{{cmd}}"),),
                    "chronisloopbusy",
                    "ops",
                ),
                Panel(
                    "Mean duration",
                    "Mean time of a call by command.",
                    (
                        (
                            'sum by (cmd) (rate(redis_commands_duration_seconds_total{*, cmd=~"$cmd"}[R]))'
                            ' / sum by (cmd) (rate(redis_commands_total{*, cmd=~"$cmd"}[R]))',
                            "{{cmd}}",
                        ),
                    ),
                    "chronisloopbusy",
                    "s",
                ),
                Panel(
                    "99th percentile",
                    "99th percentile of the time of a call by command.",
                    ((quantile(0.99, "chronis_command_seconds", "cmd", ', cmd=~"$cmd"'), "{{cmd}}"),),
                    "chronisloopbusy",
                    "s",
                ),
                Panel(
                    "Share of the loop",
                    "Share of one core that each command takes.",
                    (
                        (
                            'sum by (instance, cmd) (rate(redis_commands_duration_seconds_total{*, cmd=~"$cmd"}[R]))',
                            "{{instance}} {{cmd}}",
                        ),
                    ),
                    "chronisloopbusy",
                    "percentunit",
                ),
                Panel(
                    "Failed and rejected",
                    "Calls a second that answered with an error after or before they ran.",
                    (
                        ('sum by (cmd) (rate(redis_commands_failed_calls_total{*, cmd=~"$cmd"}[R]))', "{{cmd}} failed"),
                        (
                            'sum by (cmd) (rate(redis_commands_rejected_calls_total{*, cmd=~"$cmd"}[R]))',
                            "{{cmd}} rejected",
                        ),
                    ),
                    "chroniserrorshigh",
                    "ops",
                ),
                Panel(
                    "Errors by kind",
                    "Error replies a second by their first word.",
                    (("sum by (err) (rate(redis_errors_total{*}[R]))", "{{err}}"),),
                    "chroniserrorshigh",
                    "ops",
                ),
            ),
        ),
        Row(
            "The loop",
            (
                Panel(
                    "Durations of all commands",
                    "How many calls a second took how long.",
                    (("sum by (le) (rate(chronis_command_seconds_bucket{*}[R]))", "{{le}}"),),
                    "chronisloopbusy",
                    "s",
                    kind="heatmap",
                ),
                Panel(
                    "Garbage collection",
                    "Seconds a second spent in pauses for garbage collection.",
                    (("sum by (instance) (rate(chronis_gc_pause_seconds_sum{*}[R]))", NODE),),
                    "chronisloopbusy",
                    "percentunit",
                ),
                Panel(
                    "Loop lag",
                    "Median and 99th percentile of the lateness of ticks.",
                    (
                        (quantile(0.5, "chronis_loop_lag_seconds", "instance"), NODE + " p50"),
                        (quantile(0.99, "chronis_loop_lag_seconds", "instance"), NODE + " p99"),
                    ),
                    "chronisloopbusy",
                    "s",
                ),
                Panel(
                    "Queued output",
                    "Output that clients have not read yet, by class.",
                    (("sum by (class) (chronis_output_queue_bytes{*})", "{{class}}"),),
                    "chronisclientscutoff",
                    "bytes",
                ),
                Panel(
                    "Cut off",
                    "Clients a second closed for reading too slowly, by class.",
                    (("sum by (class) (rate(chronis_cut_off_total{*}[R]))", "{{class}}"),),
                    "chronisclientscutoff",
                    "ops",
                ),
                Panel(
                    "Published",
                    "Messages and keyspace notifications a second.",
                    (("rate(chronis_messages_published_total{*}[R])", NODE),),
                    "chronisclientscutoff",
                    "ops",
                ),
            ),
        ),
    ),
    by_command=True,
)
