// What tools and the meta servers ask a replica server about itself.
namespace rs pegasus.replica_admin

include "base.thrift"
include "metadata.thrift"

// Argument of RPC_QUERY_REPLICA_INFO: all replicas of a server.
struct query_replica_info_request {
    1: base.rpc_address node1; // The server that is asked.
    2: optional base.host_port hp_node1; // Name of `node1`.
}

// Answer to RPC_QUERY_REPLICA_INFO.
struct query_replica_info_response {
    1: base.error_code err; // Outcome.
    2: list<metadata.replica_info> replicas; // Every replica that the server holds.
}

// One data directory.
struct disk_info {
    1: string tag; // Its name in the configuration.
    2: string full_dir; // Its path.
    3: i64 disk_capacity_mb; // Size of its file system, MiB.
    4: i64 disk_available_mb; // Free on its file system, MiB.
    5: map<i32, set<base.gpid>> holding_primary_replicas; // Primaries in it, by table.
    6: map<i32, set<base.gpid>> holding_secondary_replicas; // Secondaries in it, by table.
}

// Argument of RPC_QUERY_DISK_INFO: the data directories of a server.
struct query_disk_info_request {
    1: base.rpc_address node1; // The server that is asked.
    2: string app_name; // Count only this table's replicas; empty means all.
    3: optional base.host_port hp_node1; // Name of `node1`.
}

// Answer to RPC_QUERY_DISK_INFO.
struct query_disk_info_response {
    1: base.error_code err; // Outcome.
    2: i64 total_capacity_mb; // Sum over the directories, MiB.
    3: i64 total_available_mb; // Sum over the directories, MiB.
    4: list<disk_info> disk_infos; // The directories.
}
