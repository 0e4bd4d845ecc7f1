"""Every option, once: type, default, range, names and meaning, in the order CONFIG GET lists them.

Law: a row here is all it takes to add an option; the attribute's name with dashes is the option's name. Names,
types, ranges and defaults are those of redis.conf 7.0, except for `appendonly`, which is on, and for the group at
the end, which is Chronis's own. Rows marked `inert` have no effect: their doc says what takes their place.
"""

from __future__ import annotations

from collections.abc import Mapping

from store.config import rules
from store.config.kinds import Hint, Number
from store.config.numerals import INT_MAX, INT_MIN, LONG_MAX, UINT_MAX, ULONG_MAX
from store.config.option import Option, choice, choices, flag, integer, memory, optional, secret, special, text
from store.config.structured import (
    DEFAULT_LIMITS,
    Bind,
    BufferLimit,
    BufferLimits,
    Directory,
    KeyspaceEvents,
    Percentiles,
    ReplicaOf,
    Save,
    ScoreAdjust,
)

_MAXMEMORY_POLICIES = (
    "volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu allkeys-random noeviction"
)
_NO_CLUSTER = "Without effect: there is no cluster mode."
_NO_TLS = "Kept for the day TLS is built in; without effect until then."
_NO_DEFRAG = "Without effect: memory is Python's, there is no defragmentation."
_NO_LAZY_FREE = "Without effect: values are freed by reference counting."


class Options:
    """The table of options, and the types their values have as attributes of Settings."""

    # Network
    bind: tuple[str, ...] = special(Bind(), ("*", "-::*"), "Addresses to listen on; '-' before one: may be missing.")
    bind_source_addr: str = optional("Local address for connections to a primary.")
    port: int = integer(6379, "TCP port; 0: no TCP.", high=65535)
    tcp_backlog: int = integer(511, "Length of the queue of connections not yet accepted.", fixed=True)
    tcp_keepalive: int = integer(300, "Seconds between keepalive probes to clients; 0: none.")
    timeout: int = integer(0, "Seconds of silence after which a client is disconnected; 0: never.")
    unixsocket: str = optional("Path of a Unix socket to listen on.", fixed=True)
    unixsocketperm: int = special(
        Number(0, 0o777, "octal", unsigned=True),
        0,
        "Permissions of the Unix socket, octal; 0: those of the umask.",
        fixed=True,
    )
    protected_mode: bool = flag(True, "Refuse other hosts while there is neither a password nor an explicit bind.")
    enable_protected_configs: str = choice("no", "no yes local", "Who may set dir and dbfilename.", fixed=True)
    enable_debug_command: str = choice("no", "no yes local", "Who may use DEBUG.", fixed=True)
    enable_module_command: str = choice("no", "no yes local", "Without effect: no modules.", fixed=True, inert=True)
    socket_mark_id: int = integer(0, "Without effect.", high=UINT_MAX, unsigned=True, fixed=True, inert=True)
    maxclients: int = integer(10000, "How many clients may be connected.", 1, UINT_MAX, unsigned=True)
    io_threads: int = integer(1, "Without effect: one event loop.", 1, 128, fixed=True, inert=True)
    io_threads_do_reads: bool = flag(False, "Without effect: one event loop.", fixed=True, inert=True)

    # TLS
    tls_port: int = integer(0, "Only 0: TLS is not built in yet.", high=65535, check=rules.no_tls)
    tls_cluster: bool = flag(False, "Only no: TLS is not built in yet.", check=rules.no_tls)
    tls_replication: bool = flag(False, "Only no: TLS is not built in yet.", check=rules.no_tls)
    tls_auth_clients: str = choice("yes", "no yes optional", _NO_TLS, inert=True)
    tls_prefer_server_ciphers: bool = flag(False, _NO_TLS, inert=True)
    tls_session_caching: bool = flag(True, _NO_TLS, inert=True)
    tls_session_cache_size: int = integer(20480, _NO_TLS, inert=True)
    tls_session_cache_timeout: int = integer(300, _NO_TLS, inert=True)
    tls_cert_file: str = optional(_NO_TLS, inert=True)
    tls_key_file: str = optional(_NO_TLS, inert=True)
    tls_key_file_pass: str = optional(_NO_TLS, inert=True)
    tls_client_cert_file: str = optional(_NO_TLS, inert=True)
    tls_client_key_file: str = optional(_NO_TLS, inert=True)
    tls_client_key_file_pass: str = optional(_NO_TLS, inert=True)
    tls_dh_params_file: str = optional(_NO_TLS, inert=True)
    tls_ca_cert_file: str = optional(_NO_TLS, inert=True)
    tls_ca_cert_dir: str = optional(_NO_TLS, inert=True)
    tls_protocols: str = optional(_NO_TLS, inert=True)
    tls_ciphers: str = optional(_NO_TLS, inert=True)
    tls_ciphersuites: str = optional(_NO_TLS, inert=True)

    # Process
    daemonize: bool = flag(False, "Run in the background.", fixed=True)
    supervised: str = choice(
        "no", "upstart systemd auto no", "Without effect: systemd is told if it asks (NOTIFY_SOCKET).", fixed=True, inert=True
    )
    pidfile: str = optional("File that holds the process id.", fixed=True)
    loglevel: str = choice("notice", "debug verbose notice warning", "Least severity that is logged.")
    logfile: str = text("", "File for log lines; empty: standard output.", fixed=True)
    syslog_enabled: bool = flag(False, "Without effect: use journald or a log collector.", fixed=True, inert=True)
    syslog_ident: str = text("redis", "Without effect: see syslog-enabled.", fixed=True, inert=True)
    syslog_facility: str = choice(
        "local0",
        "user local0 local1 local2 local3 local4 local5 local6 local7",
        "Without effect: see syslog-enabled.",
        fixed=True,
        inert=True,
    )
    crash_log_enabled: bool = flag(True, "Without effect: a crash prints Python's traceback.", inert=True)
    crash_memcheck_enabled: bool = flag(True, "Without effect: no memory test after a crash.", inert=True)
    use_exit_on_panic: bool = flag(False, "Without effect.", hidden=True, inert=True)
    watchdog_period: int = integer(0, "Without effect: loop lag is a metric.", hidden=True, inert=True)
    databases: int = integer(16, "Number of databases.", low=1, fixed=True)
    always_show_logo: bool = flag(False, "Without effect: there is no logo.", fixed=True, inert=True)
    set_proc_title: bool = flag(True, "Without effect: the process keeps its title.", fixed=True, inert=True)
    proc_title_template: str = text(
        "{title} {listen-addr} {server-mode}",
        "Without effect: see set-proc-title.",
        check=rules.title_template,
        inert=True,
    )
    hz: int = special(
        Hint(0, INT_MAX, least=1, most=500), 10, "Without effect: ten ticks a second, slices while there is work.", inert=True
    )
    dynamic_hz: bool = flag(True, "Without effect: background work adapts itself.", inert=True)
    activerehashing: bool = flag(True, "Without effect: dicts are Python's.", inert=True)
    disable_thp: bool = flag(True, "Without effect: no fork, so huge pages do no harm.", fixed=True, inert=True)
    jemalloc_bg_thread: bool = flag(True, "Without effect: no jemalloc.", inert=True)
    ignore_warnings: str = text("", "Without effect: no warning stops the start.", inert=True)
    oom_score_adj: str = choice("no", "no yes relative=yes absolute", "Without effect: set it outside.", inert=True)
    oom_score_adj_values: tuple[int, ...] = special(ScoreAdjust(), (0, 200, 800), "Without effect.", inert=True)
    server_cpulist: str = optional("Without effect: use taskset.", name="server_cpulist", fixed=True, inert=True)
    bio_cpulist: str = optional("Without effect: use taskset.", name="bio_cpulist", fixed=True, inert=True)
    aof_rewrite_cpulist: str = optional("Without effect.", name="aof_rewrite_cpulist", fixed=True, inert=True)
    bgsave_cpulist: str = optional("Without effect: use taskset.", name="bgsave_cpulist", fixed=True, inert=True)
    shutdown_timeout: int = integer(10, "Seconds a shutdown waits for replicas to catch up.")
    shutdown_on_sigint: tuple[str, ...] = choices(
        "default save nosave now force", "How SIGINT shuts down.", check=rules.shutdown_flags
    )
    shutdown_on_sigterm: tuple[str, ...] = choices(
        "default save nosave now force", "How SIGTERM shuts down.", check=rules.shutdown_flags
    )

    # Access
    requirepass: bytes = secret("Password of the default user.")
    aclfile: str = text("", "File that holds the users.", fixed=True)
    acllog_max_len: int = integer(128, "Entries kept by ACL LOG.", high=LONG_MAX)
    acl_pubsub_default: str = choice(
        "resetchannels", "allchannels resetchannels", "Channels that a new user may use: all or none."
    )

    # Log and snapshots
    dir: str = special(Directory(), "./", "The data directory.", protected=True, not_loading=True)
    appendonly: bool = flag(True, "Keep the log on disk; no: in memory only (redis.conf: no).", not_loading=True)
    appendfsync: str = choice("everysec", "everysec always no", "When the log is forced to the disk.")
    no_appendfsync_on_rewrite: bool = flag(False, "Without effect: the log is never rewritten.", inert=True)
    auto_aof_rewrite_percentage: int = integer(100, "Log growth, in % of the last snapshot, that makes one due.")
    auto_aof_rewrite_min_size: int = memory(64 << 20, "Log growth below which no snapshot is due for growth.")
    aof_load_truncated: bool = flag(True, "Start with a torn end of the log cut off; no: refuse to start.")
    appendfilename: str = text(
        "appendonly.aof", "Name of Redis's append-only files to import.", check=rules.file_name("appendfilename"), fixed=True
    )
    appenddirname: str = text(
        "appendonlydir",
        "Folder of Redis's append-only files to import.",
        check=rules.file_name("appenddirname", "dirname"),
        fixed=True,
    )
    aof_use_rdb_preamble: bool = flag(True, "Without effect: recovery starts from a snapshot.", inert=True)
    aof_timestamp_enabled: bool = flag(False, "Without effect: every frame has its time.", inert=True)
    aof_rewrite_incremental_fsync: bool = flag(True, "Without effect: the log is never rewritten.", inert=True)
    aof_disable_auto_gc: bool = flag(False, "Without effect: see log-retention-size.", inert=True)
    save: tuple[tuple[int, int], ...] = special(
        Save(), ((3600, 1), (300, 100), (60, 10000)), "When snapshots are due: seconds and writes."
    )
    dbfilename: str = text(
        "dump.rdb",
        "Name of the newest snapshot's link.",
        check=rules.file_name("dbfilename", may_be_empty=True),
        protected=True,
    )
    rdbcompression: bool = flag(True, "Compress strings in snapshots.")
    rdbchecksum: bool = flag(True, "End snapshots with a checksum and verify it.", fixed=True)
    rdb_save_incremental_fsync: bool = flag(True, "Without effect: a child process writes.", inert=True)
    rdb_del_sync_files: bool = flag(False, "Without effect: a sync leaves no file behind.", inert=True)
    rdb_key_save_delay: int = integer(0, "Microseconds to wait at each key saved; for tests.", INT_MIN, hidden=True)
    key_load_delay: int = integer(0, "Microseconds to wait at each key loaded; for tests.", INT_MIN, hidden=True)
    loading_process_events_interval_bytes: int = integer(
        2 << 20, "Bytes loaded between looks at the network.", 1024, INT_MAX, hidden=True
    )
    sanitize_dump_payload: str = choice("no", "no yes clients", "Without effect: always checked.", inert=True)
    stop_writes_on_bgsave_error: bool = flag(True, "Refuse writes after a failed snapshot.")

    # Replication
    replicaof: tuple[str, int] | None = special(
        ReplicaOf(), None, "The primary to follow.", alias="slaveof", fixed=True
    )
    masteruser: str = optional("User for AUTH at the primary.", sensitive=True)
    masterauth: bytes = secret("Password for AUTH at the primary.")
    replica_serve_stale_data: bool = flag(
        True, "Answer reads while the primary is out of reach.", alias="slave-serve-stale-data"
    )
    replica_read_only: bool = flag(True, "Refuse writes of clients on a replica.", alias="slave-read-only")
    replica_lazy_flush: bool = flag(False, _NO_LAZY_FREE, alias="slave-lazy-flush", inert=True)
    replica_priority: int = integer(100, "Rank for promotion, lowest first; 0: never.", alias="slave-priority")
    replica_announced: bool = flag(True, "Be listed by Sentinel.")
    replica_announce_ip: str = optional("Address told to the primary.", alias="slave-announce-ip")
    replica_announce_port: int = integer(
        0, "Port told to the primary; 0: the real one.", high=65535, alias="slave-announce-port"
    )
    replica_ignore_maxmemory: bool = flag(
        True,
        "Mind maxmemory only as a primary; no: a replica too refuses under noeviction. It never evicts: its keys leave by events.",
        alias="slave-ignore-maxmemory",
    )
    replica_ignore_disk_write_errors: bool = flag(
        False,
        "While a replica's log can't be written follow on in memory, for repl-backlog-size bytes; no: follow no further.",
    )
    repl_diskless_sync: bool = flag(True, "A full sync always sends a snapshot's file; no: repl-diskless-sync-delay is ignored.")
    repl_diskless_sync_delay: int = integer(
        0, "Seconds that a full sync waits for others to share its snapshot (redis.conf: 5; any later one shares it too)."
    )
    repl_diskless_sync_max_replicas: int = integer(0, "Waiting full syncs that wait for no more; 0: no limit.")
    repl_snapshot_rate: int = memory(
        32 << 20, "Bytes a second that all full syncs together send while clients are served; 0: no limit.", unsigned=True
    )
    repl_diskless_load: str = choice(
        "disabled",
        "disabled on-empty-db swapdb",
        "What is served while a snapshot arrives: disabled: the old data; swapdb: only those of the same history; on-empty-db: as "
        "disabled, but LOADING where there are none. The old data stay until the new are complete: memory holds both.",
        not_loading=True,
    )
    repl_disable_tcp_nodelay: bool = flag(False, "Let the network gather small packets to replicas that come from now on.")
    repl_ping_replica_period: int = integer(
        10, "Seconds between heartbeats to replicas.", low=1, alias="repl-ping-slave-period"
    )
    repl_timeout: int = integer(60, "Seconds of silence after which a replication link is closed.", low=1)
    repl_backlog_size: int = special(
        Hint(1, LONG_MAX, "memory", least=16384, most=LONG_MAX),
        1 << 20,
        "Bytes of the newest history kept in memory for replicas, at least 16 kb. appendonly no: all there is to resume from; "
        "else log-retention-size and -age say that.",
    )
    repl_backlog_ttl: int = integer(
        3600, "Seconds the backlog outlives the last replica (appendonly no).", high=LONG_MAX
    )
    min_replicas_to_write: int = integer(
        0, "Good replicas needed for a write to be accepted.", alias="min-slaves-to-write"
    )
    min_replicas_max_lag: int = integer(10, "Seconds of lag up to which one is good.", alias="min-slaves-max-lag")
    propagation_error_behavior: str = choice(
        "ignore", "ignore panic panic-on-replicas", "Without effect: an event that fails stops the process.", inert=True
    )

    # Memory and expiry
    maxmemory: int = memory(
        0, "Bytes of data above which keys are evicted; 0: no limit.", high=ULONG_MAX, unsigned=True
    )
    maxmemory_policy: str = choice("noeviction", _MAXMEMORY_POLICIES, "Which keys are evicted.")
    maxmemory_samples: int = integer(5, "Keys looked at for one eviction.", low=1)
    maxmemory_eviction_tenacity: int = integer(
        10, "How long a round of eviction may take: 10 for 500 microseconds, 15 % more a step; 100: no limit.", high=100
    )
    maxmemory_clients: int = special(
        Number(-100, LONG_MAX, "percent"),
        0,
        "Without effect: a client's output is bounded by client-output-buffer-limit, its input by client-query-buffer-limit.",
        inert=True,
    )
    lfu_log_factor: int = integer(10, "How slowly the access counter grows.")
    lfu_decay_time: int = integer(1, "Minutes after which the access counter falls by one.")
    active_expire_effort: int = integer(1, "Without effect: deadlines are kept in order, none is looked for.", 1, 10, inert=True)
    lazyfree_lazy_eviction: bool = flag(False, _NO_LAZY_FREE, inert=True)
    lazyfree_lazy_expire: bool = flag(False, _NO_LAZY_FREE, inert=True)
    lazyfree_lazy_server_del: bool = flag(False, _NO_LAZY_FREE, inert=True)
    lazyfree_lazy_user_del: bool = flag(False, _NO_LAZY_FREE, inert=True)
    lazyfree_lazy_user_flush: bool = flag(False, _NO_LAZY_FREE, inert=True)
    activedefrag: bool = flag(False, "Only no: memory is Python's.", check=rules.no_defragmentation, inert=True)
    active_defrag_ignore_bytes: int = memory(100 << 20, _NO_DEFRAG, low=1, unsigned=True, inert=True)
    active_defrag_threshold_lower: int = integer(10, _NO_DEFRAG, high=1000, inert=True)
    active_defrag_threshold_upper: int = integer(100, _NO_DEFRAG, high=1000, inert=True)
    active_defrag_cycle_min: int = integer(1, _NO_DEFRAG, 1, 99, inert=True)
    active_defrag_cycle_max: int = integer(25, _NO_DEFRAG, 1, 99, inert=True)
    active_defrag_max_scan_fields: int = integer(1000, _NO_DEFRAG, 1, LONG_MAX, inert=True)

    # Encodings
    hash_max_listpack_entries: int = integer(
        512, "Fields up to which a hash is small.", high=LONG_MAX, unsigned=True, alias="hash-max-ziplist-entries"
    )
    hash_max_listpack_value: int = memory(
        64, "Bytes up to which a field or value is small.", unsigned=True, alias="hash-max-ziplist-value"
    )
    list_max_listpack_size: int = integer(
        -2,
        "Size up to which a list is small: elements, or -1 to -5 for 4 to 64 kb.",
        INT_MIN,
        alias="list-max-ziplist-size",
    )
    list_compress_depth: int = integer(0, "Without effect: lists are not compressed.", inert=True)
    set_max_intset_entries: int = integer(
        512, "Members up to which a set of integers is small.", high=LONG_MAX, unsigned=True
    )
    zset_max_listpack_entries: int = integer(
        128,
        "Members up to which a sorted set is small.",
        high=LONG_MAX,
        unsigned=True,
        alias="zset-max-ziplist-entries",
    )
    zset_max_listpack_value: int = memory(
        64, "Bytes up to which a member is small.", unsigned=True, alias="zset-max-ziplist-value"
    )
    hll_sparse_max_bytes: int = memory(3000, "Bytes up to which a HyperLogLog is sparse.", unsigned=True)
    stream_node_max_bytes: int = memory(4096, "Bytes of a stream's node; 0: any.", unsigned=True)
    stream_node_max_entries: int = integer(100, "Entries of a stream's node; 0: any.", high=LONG_MAX)

    # Clients and commands
    client_output_buffer_limit: Mapping[str, BufferLimit] = special(
        BufferLimits(),
        DEFAULT_LIMITS,
        "When a client that does not read is cut off, by class: hard limit, soft limit, seconds above it; 0: none. For a replica it "
        "counts with appendonly no; from a log on disk one that is behind is served at its own pace, with at most 1 MiB waiting.",
    )
    client_query_buffer_limit: int = memory(1 << 30, "Bytes of one unfinished request.", low=1 << 20, unsigned=True)
    proto_max_bulk_len: int = memory(512 << 20, "Bytes of one argument or string.", low=1 << 20)
    tracking_table_max_keys: int = integer(
        1000000, "Keys remembered for client-side caching.", high=LONG_MAX, unsigned=True
    )
    notify_keyspace_events: str = special(KeyspaceEvents(), "", "Notifications that are published.")
    busy_reply_threshold: int = integer(
        5000, "Milliseconds after which a running script answers BUSY.", high=LONG_MAX, alias="lua-time-limit"
    )
    lua_enable_deprecated_api: bool = flag(
        False, "Without effect: scripts have no getfenv, setfenv and newproxy.", fixed=True, hidden=True, inert=True
    )
    slowlog_log_slower_than: int = integer(
        10000, "Microseconds above which a command is logged; -1: none.", -1, LONG_MAX
    )
    slowlog_max_len: int = integer(128, "Entries kept by SLOWLOG.", high=LONG_MAX)
    latency_monitor_threshold: int = integer(
        0, "Milliseconds from which LATENCY keeps an event; 0: off.", high=LONG_MAX
    )
    latency_tracking: bool = flag(True, "Keep a latency histogram for each command.")
    latency_tracking_info_percentiles: tuple[float, ...] = special(
        Percentiles(), (50.0, 99.0, 99.9), "Percentiles shown by INFO latencystats."
    )

    # Cluster
    cluster_enabled: bool = flag(False, "Only no: there is no cluster mode.", check=rules.no_cluster, fixed=True)
    cluster_config_file: str = text("nodes.conf", _NO_CLUSTER, fixed=True, inert=True)
    cluster_port: int = integer(0, _NO_CLUSTER, high=65535, fixed=True, inert=True)
    cluster_node_timeout: int = integer(15000, _NO_CLUSTER, high=LONG_MAX, inert=True)
    cluster_announce_ip: str = optional(_NO_CLUSTER, inert=True)
    cluster_announce_hostname: str = optional(_NO_CLUSTER, check=rules.host_name, inert=True)
    cluster_announce_port: int = integer(0, _NO_CLUSTER, high=65535, inert=True)
    cluster_announce_tls_port: int = integer(0, _NO_CLUSTER, high=65535, inert=True)
    cluster_announce_bus_port: int = integer(0, _NO_CLUSTER, high=65535, inert=True)
    cluster_preferred_endpoint_type: str = choice("ip", "ip hostname unknown-endpoint", _NO_CLUSTER, inert=True)
    cluster_require_full_coverage: bool = flag(True, _NO_CLUSTER, inert=True)
    cluster_replica_no_failover: bool = flag(False, _NO_CLUSTER, alias="cluster-slave-no-failover", inert=True)
    cluster_replica_validity_factor: int = integer(10, _NO_CLUSTER, alias="cluster-slave-validity-factor", inert=True)
    cluster_migration_barrier: int = integer(1, _NO_CLUSTER, inert=True)
    cluster_allow_replica_migration: bool = flag(True, _NO_CLUSTER, inert=True)
    cluster_allow_reads_when_down: bool = flag(False, _NO_CLUSTER, inert=True)
    cluster_allow_pubsubshard_when_down: bool = flag(True, _NO_CLUSTER, inert=True)
    cluster_link_sendbuf_limit: int = memory(0, _NO_CLUSTER, high=ULONG_MAX, unsigned=True, inert=True)

    # Chronis's own
    log_segment_size: int = memory(64 << 20, "Bytes after which a new segment of the log begins.", low=1024)
    log_retention_size: int = memory(10 << 30, "Bytes of log kept beyond what recovery and synchronizations need; 0: no limit.")
    log_retention_age: int = integer(0, "Seconds that log is kept beyond what recovery and synchronizations need; 0: no limit.")
    log_origins: bool = flag(False, "Let the log tell of each event which user caused it, from which address.")
    log_format: str = choice("text", "text json", "Form of the lines written to logfile.")
    metrics_port: int = integer(9121, "Port of the Prometheus endpoint; 0: off.", high=65535, fixed=True)
    metrics_bind: str = text("127.0.0.1", "Address of the Prometheus endpoint.", fixed=True)
    reply_after_replicas: int = integer(0, "Replicas that must have a write in their logs on disk before its reply leaves.")
    promote_after_replicas: int = integer(0, "Nodes of its group that a promoted replica hears from before it accepts writes.")
    replica_max_staleness: int = integer(
        0,
        "Seconds behind the primary after which a replica refuses reads; 0: never. "
        "Behind a redis-server choose more than its repl-ping-replica-period.",
    )


def _table() -> dict[str, Option]:
    rows = {}
    for attribute, option in vars(Options).items():
        if isinstance(option, Option):
            option.attribute = attribute
            option.name = option.name or attribute.replace("_", "-")
            rows[option.name] = option
    return rows


OPTIONS: Mapping[str, Option] = _table()

NAMES: Mapping[str, Option] = {
    name: option for option in OPTIONS.values() for name in (option.name, option.alias) if name
}
"""Every name an option answers to, aliases after the name they stand for."""
