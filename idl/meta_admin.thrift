// Calls that the meta server answers: table administration for tools, and the reports of replica
// servers (meta-server.md section 32.3). Every answer begins with the outcome; besides the outcomes
// named there, any call may be answered ERR_FORWARD_TO_OTHERS, ERR_SERVICE_NOT_ACTIVE,
// ERR_UNDER_RECOVERY or ERR_ACL_DENY.
namespace rs pegasus.meta_admin

include "base.thrift"
include "layer2.thrift"
include "metadata.thrift"

// How the membership of a partition changes.
enum config_type {
    CT_INVALID = 0,                    // None.
    CT_ASSIGN_PRIMARY = 1,             // First primary of a partition without members.
    CT_UPGRADE_TO_PRIMARY = 2,         // A secondary takes over.
    CT_ADD_SECONDARY = 3,              // Start a learner, because a member is missing.
    CT_UPGRADE_TO_SECONDARY = 4,       // A learner has caught up.
    CT_DOWNGRADE_TO_SECONDARY = 5,     // The primary steps back.
    CT_DOWNGRADE_TO_INACTIVE = 6,      // A member leaves and keeps its data.
    CT_REMOVE = 7,                     // A member leaves and its data may go.
    CT_ADD_SECONDARY_FOR_LB = 8,       // Start a learner, to move load.
    CT_PRIMARY_FORCE_UPDATE_BALLOT = 9, // Same members, new ballot.
    CT_DROP_PARTITION = 10,            // The table is dropped.
    CT_REGISTER_CHILD = 11,            // A split child becomes a partition.
}

// Whether a replica server lives.
enum node_status {
    NS_INVALID = 0, // In a query: any.
    NS_ALIVE = 1,   // Sends beacons.
    NS_UNALIVE = 2, // Its lease has run out.
}

// How far the meta server may act by itself.
enum meta_function_level {
    fl_stopped = 100,   // Refuses everything.
    fl_blind = 200,     // Does not watch replica servers.
    fl_freezed = 300,   // Does not change any membership.
    fl_steady = 400,    // Cures partitions and does not balance.
    fl_lively = 500,    // Cures and balances.
    fl_invalid = 10000, // Asks for the level and changes nothing.
}

// What an update of table settings does.
enum app_env_operation {
    APP_ENV_OP_INVALID = 0, // None.
    APP_ENV_OP_SET = 1,     // Sets keys.
    APP_ENV_OP_DEL = 2,     // Removes keys.
    APP_ENV_OP_CLEAR = 3,   // Removes all keys with a prefix.
}

// Which kind of move a balancer request stands for.
enum balancer_request_type {
    move_primary = 0,   // A secondary becomes primary.
    copy_primary = 1,   // A new server gets a replica and becomes primary.
    copy_secondary = 2, // A new server gets a replica.
}

// How a pattern selects names.
enum pattern_match_type {
    PMT_INVALID = 0,        // Not set.
    PMT_MATCH_ALL = 1,      // Every name.
    PMT_MATCH_EXACT = 2,    // The name is the pattern.
    PMT_MATCH_ANYWHERE = 3, // The name contains the pattern.
    PMT_MATCH_PREFIX = 4,   // The name begins with the pattern.
    PMT_MATCH_POSTFIX = 5,  // The name ends with the pattern.
    PMT_MATCH_REGEX = 6,    // Not implemented.
}

// RPC_CM_UPDATE_PARTITION_CONFIGURATION (a primary wants a change made durable) and, from the meta
// server and oneway, RPC_CONFIG_PROPOSAL (the receiver shall bring a change about).
struct configuration_update_request {
    1: layer2.app_info info; // The table.
    2: layer2.partition_configuration config; // The membership, or the one wanted.
    3: config_type type = config_type.CT_INVALID; // The change.
    4: base.rpc_address node; // The server that the change is about.
    5: base.rpc_address host_node; // Unused for tables.
    6: optional metadata.split_status meta_split_status; // Progress of a split, in config sync.
    7: optional base.host_port hp_node; // Name of `node`.
}

// Answer to RPC_CM_UPDATE_PARTITION_CONFIGURATION.
struct configuration_update_response {
    1: base.error_code err; // Outcome; ERR_INVALID_VERSION when the ballot was too old.
    2: layer2.partition_configuration config; // The membership as it is now.
}

// What a replica server tells about itself.
struct replica_server_info {
    1: map<string, string> geo_tags; // Where it stands.
    2: i64 total_capacity_mb; // Size of its disks, MiB.
}

// Argument of RPC_CM_CONFIG_SYNC: a replica server reports its replicas and asks what it should have.
struct configuration_query_by_node_request {
    1: base.rpc_address node; // The replica server.
    2: optional list<metadata.replica_info> stored_replicas; // Every replica on its disks.
    3: optional replica_server_info info; // About the server.
    4: optional base.host_port hp_node; // Name of `node`.
    100: optional i64 start_time; // Ours: when the sender's process started, as in its beacons.
    101: optional bool loading; // Ours: the sender still reads its replicas in; the list has gaps.
}

// Answer to RPC_CM_CONFIG_SYNC.
struct configuration_query_by_node_response {
    1: base.error_code err; // Outcome.
    2: list<configuration_update_request> partitions; // Partitions that the server is a member of.
    3: optional list<metadata.replica_info> gc_replicas; // Replicas that it may remove.
}

// Argument of RPC_CM_START_RECOVERY: rebuild the metadata from what replica servers hold.
struct configuration_recovery_request {
    1: list<base.rpc_address> recovery_nodes; // The servers to ask.
    2: bool skip_bad_nodes; // Go on without servers that do not answer.
    3: bool skip_lost_partitions; // Go on without partitions that nobody holds.
    4: optional list<base.host_port> hp_recovery_nodes; // Names of `recovery_nodes`.
}

// Answer to RPC_CM_START_RECOVERY.
struct configuration_recovery_response {
    1: base.error_code err; // Outcome.
    2: string hint_message; // What was skipped or wrong.
}

// Properties of a table to create.
struct create_app_options {
    1: i32 partition_count; // A power of two.
    2: i32 replica_count; // Replicas of each partition.
    3: bool success_if_exist; // Succeed when the same table is there already.
    4: string app_type; // Must be `pegasus`.
    5: bool is_stateful; // Must be true.
    6: map<string, string> envs; // Settings of the table.
    7: optional bool atomic_idempotent = false; // Whether atomic writes are turned into puts.
}

// Argument of RPC_CM_CREATE_APP.
struct configuration_create_app_request {
    1: string app_name; // Name of the table.
    2: create_app_options options; // Its properties.
}

// Answer to RPC_CM_CREATE_APP.
struct configuration_create_app_response {
    1: base.error_code err; // Outcome; ERR_APP_EXIST when the name is taken.
    2: i32 appid; // Id of the table.
}

// How to drop a table.
struct drop_app_options {
    1: bool success_if_not_exist; // Succeed when there is no such table.
    2: optional i64 reserve_seconds; // How long it can be recalled.
}

// Argument of RPC_CM_DROP_APP.
struct configuration_drop_app_request {
    1: string app_name; // Name of the table.
    2: drop_app_options options; // How to drop it.
}

// Answer to RPC_CM_DROP_APP.
struct configuration_drop_app_response {
    1: base.error_code err; // Outcome.
}

// Argument of RPC_CM_RENAME_APP.
struct configuration_rename_app_request {
    1: string old_app_name; // Name now.
    2: string new_app_name; // Name wanted.
}

// Answer to RPC_CM_RENAME_APP.
struct configuration_rename_app_response {
    1: base.error_code err; // Outcome.
    2: string hint_message; // What was wrong.
}

// Argument of RPC_CM_RECALL_APP: bring a dropped table back.
struct configuration_recall_app_request {
    1: i32 app_id; // Id of the table.
    2: string new_app_name; // Name to give it; empty keeps the old one.
}

// Answer to RPC_CM_RECALL_APP.
struct configuration_recall_app_response {
    1: base.error_code err; // Outcome.
    2: layer2.app_info info; // The table.
}

// Argument of RPC_CM_LIST_APPS.
struct configuration_list_apps_request {
    1: layer2.app_status status = layer2.app_status.AS_INVALID; // Only tables of this status; invalid means any.
    2: optional string app_name_pattern; // Only tables whose name fits.
    3: optional pattern_match_type match_type; // How the pattern selects.
}

// Answer to RPC_CM_LIST_APPS.
struct configuration_list_apps_response {
    1: base.error_code err; // Outcome.
    2: list<layer2.app_info> infos; // The tables.
    3: optional string hint_message; // What was wrong.
}

// Argument of RPC_QUERY_APP_INFO: in recovery, the tables that a replica server knows.
struct query_app_info_request {
    1: base.rpc_address meta_server; // The server that asks.
    2: optional base.host_port hp_meta_server; // Name of `meta_server`.
}

// Answer to RPC_QUERY_APP_INFO.
struct query_app_info_response {
    1: base.error_code err; // Outcome.
    2: list<layer2.app_info> apps; // Tables that the server holds replicas of.
    100: optional base.rpc_address server; // Ours: the server as the meta servers know it.
}

// Argument of RPC_CM_UPDATE_APP_ENV: change settings of a table.
struct configuration_update_app_env_request {
    1: string app_name; // Name of the table.
    2: app_env_operation op = app_env_operation.APP_ENV_OP_INVALID; // What to do.
    3: optional list<string> keys; // Keys to set or remove.
    4: optional list<string> values; // Values to set, in the order of `keys`.
    5: optional string clear_prefix; // Prefix of keys to clear; empty means all.
}

// Answer to RPC_CM_UPDATE_APP_ENV.
struct configuration_update_app_env_response {
    1: base.error_code err; // Outcome.
    2: string hint_message; // What was wrong, or what was removed.
}

// Argument of RPC_CM_START_MANUAL_COMPACT.
struct start_app_manual_compact_request {
    1: string app_name; // Name of the table.
    2: optional i64 trigger_time; // Unix time to begin at; missing means now.
    3: optional i32 target_level; // Level to compact into; -1 leaves the choice to the storage.
    4: optional bool bottommost; // Rewrite the last level too.
    5: optional i32 max_running_count; // Most partitions at a time on one server; 0 means no limit.
}

// Answer to RPC_CM_START_MANUAL_COMPACT.
struct start_app_manual_compact_response {
    1: base.error_code err; // Outcome.
    2: string hint_msg; // What was wrong.
}

// Argument of RPC_CM_QUERY_MANUAL_COMPACT_STATUS.
struct query_app_manual_compact_request {
    1: string app_name; // Name of the table.
}

// Answer to RPC_CM_QUERY_MANUAL_COMPACT_STATUS.
struct query_app_manual_compact_response {
    1: base.error_code err; // Outcome.
    2: string hint_msg; // What was wrong.
    3: optional i32 progress; // Percent.
}

// One replica server.
struct node_info {
    1: node_status status = node_status.NS_INVALID; // Whether it lives.
    2: base.rpc_address node; // Where it is.
    3: optional base.host_port hp_node; // Name of `node`.
}

// Argument of RPC_CM_LIST_NODES.
struct configuration_list_nodes_request {
    1: node_status status = node_status.NS_INVALID; // Only servers of this status; invalid means any.
}

// Answer to RPC_CM_LIST_NODES.
struct configuration_list_nodes_response {
    1: base.error_code err; // Outcome.
    2: list<node_info> infos; // The replica servers.
}

// Argument of RPC_CM_CLUSTER_INFO.
struct configuration_cluster_info_request {
}

// Answer to RPC_CM_CLUSTER_INFO: a table of two columns.
struct configuration_cluster_info_response {
    1: base.error_code err; // Outcome.
    2: list<string> keys; // What.
    3: list<string> values; // How much, in the order of `keys`.
}

// Argument of RPC_CM_CONTROL_META: change the function level.
struct configuration_meta_control_request {
    1: meta_function_level level; // Level wanted; invalid only asks.
}

// Answer to RPC_CM_CONTROL_META.
struct configuration_meta_control_response {
    1: base.error_code err; // Outcome.
    2: meta_function_level old_level; // Level before.
}

// One step of a move.
struct configuration_proposal_action {
    1: base.rpc_address target; // The server that carries it out.
    2: base.rpc_address node; // The server that it is about.
    3: config_type type; // The change.
    5: optional base.host_port hp_target; // Name of `target`.
    6: optional base.host_port hp_node; // Name of `node`.
}

// Argument of RPC_CM_PROPOSE_BALANCER: move replicas by hand.
struct configuration_balancer_request {
    1: base.gpid gpid; // Which partition.
    2: list<configuration_proposal_action> action_list; // Steps, in order.
    3: optional bool force = false; // Even when the function level forbids it.
    4: optional balancer_request_type balance_type; // Kind of move.
}

// Answer to RPC_CM_PROPOSE_BALANCER.
struct configuration_balancer_response {
    1: base.error_code err; // Outcome.
}

// Argument of RPC_CM_DDD_DIAGNOSE: partitions that lost all members.
struct ddd_diagnose_request {
    1: base.gpid pid; // A partition; index -1 means a table, and table -1 all.
}

// A server that was a member of such a partition.
struct ddd_node_info {
    1: base.rpc_address node; // Where it is.
    2: i64 drop_time_ms; // When it left, Unix milliseconds.
    3: bool is_alive; // Whether it lives now.
    4: bool is_collected; // Whether it has reported its replicas.
    5: i64 ballot; // Ballot of its replica; -1 when unknown.
    6: i64 last_committed_decree; // Committed on its replica; -1 when unknown.
    7: i64 last_prepared_decree; // Prepared on its replica; -1 when unknown.
    8: optional base.host_port hp_node; // Name of `node`.
}

// A partition that lost all members.
struct ddd_partition_info {
    1: layer2.partition_configuration config; // Its last membership.
    2: list<ddd_node_info> dropped; // Its last members, the latest last.
    3: string reason; // Why the meta server does not choose a primary by itself.
}

// Answer to RPC_CM_DDD_DIAGNOSE.
struct ddd_diagnose_response {
    1: base.error_code err; // Outcome.
    2: list<ddd_partition_info> partitions; // The partitions.
}

// Argument of RPC_CM_GET_MAX_REPLICA_COUNT.
struct configuration_get_max_replica_count_request {
    1: string app_name; // Name of the table.
}

// Answer to RPC_CM_GET_MAX_REPLICA_COUNT.
struct configuration_get_max_replica_count_response {
    1: base.error_code err; // Outcome.
    2: i32 max_replica_count; // Replicas of each partition.
    3: string hint_message; // What was wrong.
}

// Argument of RPC_CM_SET_MAX_REPLICA_COUNT.
struct configuration_set_max_replica_count_request {
    1: string app_name; // Name of the table.
    2: i32 max_replica_count; // Replicas wanted of each partition.
}

// Answer to RPC_CM_SET_MAX_REPLICA_COUNT.
struct configuration_set_max_replica_count_response {
    1: base.error_code err; // Outcome.
    2: i32 old_max_replica_count; // Count before.
    3: string hint_message; // What was wrong.
}

// Argument of RPC_CM_GET_ATOMIC_IDEMPOTENT.
struct configuration_get_atomic_idempotent_request {
    1: string app_name; // Name of the table.
}

// Answer to RPC_CM_GET_ATOMIC_IDEMPOTENT.
struct configuration_get_atomic_idempotent_response {
    1: base.error_code err; // Outcome.
    2: bool atomic_idempotent; // Whether atomic writes are turned into puts.
    3: string hint_message; // What was wrong.
}

// Argument of RPC_CM_SET_ATOMIC_IDEMPOTENT.
struct configuration_set_atomic_idempotent_request {
    1: string app_name; // Name of the table.
    2: bool atomic_idempotent; // Whether atomic writes shall be turned into puts.
}

// Answer to RPC_CM_SET_ATOMIC_IDEMPOTENT.
struct configuration_set_atomic_idempotent_response {
    1: base.error_code err; // Outcome.
    2: bool old_atomic_idempotent; // Setting before.
    3: string hint_message; // What was wrong.
}

// What is to be done with the members of the metadata group. Ours.
enum meta_members_operation {
    MMO_LIST = 0,   // Tell them.
    MMO_ADD = 1,    // Add the server at an address; one that was there before is replaced.
    MMO_REMOVE = 2, // Remove the server at an address.
}

// What a meta server is in its group. Ours.
enum meta_member_standing {
    MMS_LEARNER = 0, // Gets everything and does not vote.
    MMS_VOTER = 1,   // Votes.
    MMS_LEADER = 2,  // Leads.
}

// One meta server. Ours.
struct meta_member {
    1: string address;                // Where it listens.
    2: string id;                     // Who it is: 16 hexadecimal digits, as logs name it.
    3: meta_member_standing standing; // What it is.
}

// Argument of RPC_CM_META_MEMBERS. Ours.
struct meta_members_request {
    1: meta_members_operation operation; // What is to be done.
    2: string address;                   // With whom; empty for a list.
}

// Answer to RPC_CM_META_MEMBERS. Ours.
struct meta_members_response {
    1: base.error_code err;       // Outcome.
    2: list<meta_member> members; // All of them, by address, after the change.
    3: string hint_message;       // What was wrong.
}

// Argument of RPC_CM_META_DUMP. Ours.
struct meta_dump_request {
}

// Answer to RPC_CM_META_DUMP. Ours.
struct meta_dump_response {
    1: base.error_code err; // Outcome.
    2: string dump;         // All metadata: JSON, see docs/formats/metadata-dump.md.
}
