// Records about replicas that servers and tools share.
namespace rs pegasus.metadata

include "base.thrift"

// Role of a replica in its partition.
enum partition_status {
    PS_INVALID = 0,             // Unknown.
    PS_INACTIVE = 1,            // Has data but is no member now.
    PS_ERROR = 2,               // Failed; will be closed.
    PS_PRIMARY = 3,             // Orders the writes and serves clients.
    PS_SECONDARY = 4,           // Full member.
    PS_POTENTIAL_SECONDARY = 5, // Learner.
    PS_PARTITION_SPLIT = 6,     // Child of a running split.
}

// Progress of a partition split.
enum split_status {
    NOT_SPLIT = 0, // No split.
    SPLITTING = 1, // Under way.
    PAUSING = 2,   // Asked to pause.
    PAUSED = 3,    // Resting.
    CANCELING = 4, // Being undone.
}

// Condition of a data directory.
enum disk_status {
    NORMAL = 0,             // Reads and writes.
    SPACE_INSUFFICIENT = 1, // Nearly full: refuses writes.
    IO_ERROR = 2,           // Failed.
}

// Progress of a manual compaction.
enum manual_compaction_status {
    IDLE = 0,     // None asked for.
    QUEUING = 1,  // Waiting for its turn.
    RUNNING = 2,  // Under way.
    FINISHED = 3, // Done.
}

// One file of a checkpoint or a backup.
struct file_meta {
    1: string name; // Path below the directory in question.
    2: i64 size; // Bytes.
    3: string md5; // Checksum in hexadecimal.
}

// Membership as one replica is told it.
struct replica_configuration {
    1: base.gpid pid; // Which partition.
    2: i64 ballot; // Epoch of the membership.
    3: base.rpc_address primary; // Who leads.
    4: partition_status status = partition_status.PS_INVALID; // Role of the receiver.
    5: i64 learner_signature; // Tells learning attempts apart.
    6: optional bool pop_all = false; // Commit everything prepared.
    7: optional bool split_sync_to_child = false; // Prepare on the split child too.
    8: optional base.host_port hp_primary; // Name of `primary`.
}

// State of one replica, as its server reports it.
struct replica_info {
    1: base.gpid pid; // Which partition.
    2: i64 ballot; // Epoch of the membership that it knows.
    3: partition_status status; // Its role.
    4: i64 last_committed_decree; // Committed on it.
    5: i64 last_prepared_decree; // Prepared on it.
    6: i64 last_durable_decree; // In its storage, without the log.
    7: string app_type; // Always `pegasus`.
    8: string disk_tag; // Data directory that holds it.
    9: optional manual_compaction_status manual_compact_status; // Progress of a manual compaction.
    100: optional bool is_proven; // Ours: it surely has all that it acknowledged (I6).
}
