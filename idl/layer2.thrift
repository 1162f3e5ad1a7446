// Tables and partitions as clients see them: the routing query, and the records that it and the
// admin calls share.
//
// Fields `hp_*` repeat addresses as host names. Released clients cannot skip them, so servers leave
// them out unless a setting asks for them (wire-protocol.md section 7.4).
namespace rs pegasus.layer2

include "base.thrift"

// Life of a table.
enum app_status {
    AS_INVALID = 0,       // In a query: tables of any status.
    AS_AVAILABLE = 1,     // In service.
    AS_CREATING = 2,      // Its partitions are not all ready yet.
    AS_CREATE_FAILED = 3, // Unused.
    AS_DROPPING = 4,      // Being dropped.
    AS_DROP_FAILED = 5,   // Unused.
    AS_DROPPED = 6,       // Dropped; can be recalled until it expires.
    AS_RECALLING = 7,     // Coming back from dropped.
}

// Members of one partition.
struct partition_configuration {
    1: base.gpid pid; // Which partition.
    2: i64 ballot; // Epoch of this membership; -1 marks a split child without members.
    3: i32 max_replica_count; // Replicas that there should be.
    4: base.rpc_address primary; // Invalid when there is none now.
    5: list<base.rpc_address> secondaries; // Without the primary.
    6: list<base.rpc_address> last_drops; // Former members, at most three, the latest last.
    7: i64 last_committed_decree; // As the meta server last heard.
    8: i32 partition_flags; // Bit 0: the table is being dropped.
    9: optional base.host_port hp_primary; // Name of `primary`.
    10: optional list<base.host_port> hp_secondaries; // Names of `secondaries`.
    11: optional list<base.host_port> hp_last_drops; // Names of `last_drops`.
}

// Argument of RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX: where the partitions of a table are.
struct query_cfg_request {
    1: string app_name; // The table.
    2: list<i32> partition_indices; // Which partitions; empty means all.
}

// Answer to query_cfg.
struct query_cfg_response {
    1: base.error_code err; // Outcome.
    2: i32 app_id; // Id of the table.
    3: i32 partition_count; // Always the full count.
    4: bool is_stateful; // Always true for a table that exists.
    5: list<partition_configuration> partitions; // The partitions asked for, or the leader to ask.
}

// Routing fields in the header of a version 1 request (wire-protocol.md section 2.2). All of them
// may be missing.
struct request_meta {
    1: i32 app_id; // Table; 0 or less for calls to a process.
    2: i32 partition_index; // Partition of the table.
    3: i32 client_timeout; // Milliseconds that the client waits.
    4: i64 partition_hash; // Hash of the key, as unsigned 64 bits.
    5: bool is_backup_request; // Whether a secondary may answer.
}

// One table.
struct app_info {
    1: app_status status = app_status.AS_INVALID; // Where it is in its life.
    2: string app_type; // Always `pegasus`.
    3: string app_name; // Unique among tables that are not dropped.
    4: i32 app_id; // Never used twice.
    5: i32 partition_count; // A power of two.
    6: map<string, string> envs; // Settings of the table.
    7: bool is_stateful; // Always true.
    8: i32 max_replica_count; // Replicas of each partition.
    9: i64 expire_second; // Unix time when a dropped table is erased.
    10: i64 create_second; // Unix time of its creation.
    11: i64 drop_second; // Unix time when it was dropped.
    12: optional bool duplicating = false; // Whether it is duplicated to another cluster.
    13: i32 init_partition_count = -1; // Partitions before any split; -1 in records of old servers.
    14: optional bool is_bulk_loading = false; // Whether a bulk load runs.
    15: optional bool atomic_idempotent = false; // Whether atomic writes are turned into puts.
}
