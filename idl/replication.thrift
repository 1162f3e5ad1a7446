// Replication between replica servers, and what the meta server tells them. Ours alone: upstream's
// servers do not speak it. Prepares, acknowledgements and group checks are oneway requests in both
// directions, so that a shard sends one batch per peer and turn and keeps no call state.
namespace rs pegasus.replication

include "base.thrift"
include "layer2.thrift"
include "metadata.thrift"

// RPC_PEER_HELLO, oneway: the first request on a connection between two shards.
struct peer_hello {
    1: base.rpc_address node; // The server that connected.
    2: i32 shard; // Its shard.
}

// RPC_PREPARE, oneway: the primary asks a secondary or learner to log one mutation.
struct prepare_request {
    1: base.gpid pid; // Which partition.
    2: i64 ballot; // Epoch of the primary.
    3: i64 decree; // Position of the mutation.
    4: i64 timestamp_us; // When it was made, Unix microseconds.
    5: i64 last_committed_decree; // Committed at the primary.
    6: i32 checksum; // CRC-32C of `payload`.
    7: base.blob payload; // The effects, as the log and the storage take them.
    8: base.rpc_address from; // The primary.
}

// RPC_PREPARE_ACKNOWLEDGE, oneway: what a member has safely in its log.
struct prepare_ack {
    1: base.gpid pid; // Which partition.
    2: i64 ballot; // Epoch that the member is in.
    3: i64 decree; // Everything up to here is in the member's log.
    4: base.error_code err; // Why the member refuses, otherwise ERR_OK.
    5: i64 last_committed_decree; // Committed at the member.
    6: base.rpc_address from; // The member.
    7: optional i64 learner_signature; // The sender is a learner, in this attempt.
}

// RPC_GROUP_CHECK, oneway: the primary tells a member the membership and where it stands.
// RPC_LEARN_ADD_LEARNER, oneway: the same to a server that shall learn; it has a learner_signature.
struct group_check_request {
    1: layer2.app_info app; // The table.
    2: layer2.partition_configuration config; // The membership.
    3: i64 last_committed_decree; // Committed at the primary.
    4: i64 last_prepared_decree; // Prepared at the primary.
    5: i64 digest_decree; // Decree at which `digest` was taken.
    6: i64 digest; // Rolling digest of all mutations up to `digest_decree`.
    7: base.rpc_address from; // The primary.
    8: optional i64 learner_signature; // The receiver is no member: it learns, in this attempt.
}

// RPC_GROUP_CHECK_REPLY, oneway: where the member stands.
struct group_check_response {
    1: base.gpid pid; // Which partition.
    2: base.error_code err; // Why the member refuses, otherwise ERR_OK.
    3: i64 ballot; // Epoch that the member is in.
    4: metadata.partition_status status; // Role that the member has.
    5: i64 last_committed_decree; // Committed at the member.
    6: i64 last_prepared_decree; // Prepared at the member.
    7: i64 digest_decree; // Decree at which `digest` was taken.
    8: i64 digest; // The member's digest at `digest_decree`.
    9: base.rpc_address from; // The member.
    10: optional i64 learner_signature; // The sender is a learner, in this attempt.
}

// RPC_LEARN, oneway: a learner tells the primary what it has and asks for what follows.
struct learn_request {
    1: base.gpid pid; // Which partition.
    2: i64 ballot; // Epoch that the learner is in.
    3: i64 signature; // The attempt.
    4: i64 has_decree; // Everything up to here is applied at the learner.
    5: i64 has_digest; // The learner's digest at `has_decree`.
    6: base.rpc_address from; // The learner.
    7: i64 life; // Which opening of the learner's replica asks.
}

// RPC_LEARN_REPLY, oneway: what the primary tells a learner otherwise than by mutations.
struct learn_response {
    1: base.gpid pid; // Which partition.
    2: i64 ballot; // Epoch of the primary.
    3: i64 signature; // The attempt.
    4: base.error_code err; // ERR_OK: it has everything; ERR_TRY_AGAIN: it may follow; else not.
    5: base.rpc_address from; // The primary.
    6: i64 life; // Which opening of the learner's replica this answers.
}

// RPC_LEARN_CHECKPOINT_OFFER, oneway: the primary has a checkpoint for the learner to fetch.
struct checkpoint_offer {
    1: base.gpid pid; // Which partition.
    2: i64 ballot; // Epoch of the primary.
    3: i64 signature; // The attempt.
    4: i64 checkpoint_id; // By which the primary's server finds its files.
    5: i64 decree; // Everything up to here is in it, and nothing after.
    6: i64 digest; // Digest at `decree`.
    7: base.rpc_address from; // The primary.
}

// Argument of RPC_NFS_GET_FILE_SIZE: what a checkpoint consists of. Only checkpoints that the server
// has offered can be read; no path ever comes from the network.
struct list_checkpoint_request {
    1: base.gpid pid; // Which partition.
    2: i64 checkpoint_id; // As offered.
}

// One file of a checkpoint.
struct checkpoint_file {
    1: string name; // Without a directory.
    2: i64 size; // Bytes.
}

// Answer to RPC_NFS_GET_FILE_SIZE.
struct list_checkpoint_response {
    1: base.error_code err; // ERR_OBJECT_NOT_FOUND: there is no such checkpoint any more.
    2: list<checkpoint_file> files; // All of them.
}

// Argument of RPC_NFS_COPY: a part of one file.
struct read_checkpoint_request {
    1: base.gpid pid; // Which partition.
    2: i64 checkpoint_id; // As offered.
    3: string file_name; // As listed.
    4: i64 offset; // Of the first byte.
    5: i32 size; // Bytes.
}

// Answer to RPC_NFS_COPY.
struct read_checkpoint_response {
    1: base.error_code err; // ERR_OBJECT_NOT_FOUND: there is no such file any more; ERR_BUSY: too many reads.
    2: base.blob content; // The bytes, as many as asked for.
    3: i32 crc32c; // CRC-32C of `content`.
}

// Argument of RPC_CREATE_REPLICA: the meta server wants a new, empty replica.
struct create_replica_request {
    1: layer2.app_info app; // The table.
    2: base.gpid pid; // Which partition.
    3: base.rpc_address node; // The server that shall hold it.
}

// Answer to RPC_CREATE_REPLICA.
struct create_replica_response {
    1: base.error_code err; // Outcome; ERR_OK also when the replica was there already.
    2: string hint_message; // What was wrong.
}

// Argument of RPC_QUERY_REPLICA_DIGEST: what a replica holds, for comparing it with the others.
struct query_replica_digest_request {
    1: base.gpid pid; // Which partition.
}

// Answer to RPC_QUERY_REPLICA_DIGEST.
struct query_replica_digest_response {
    1: base.error_code err; // Outcome.
    2: i64 decree; // Decree that was applied last.
    3: i64 digest; // Digest of every key, value and expiry.
    4: i64 record_count; // Records that went into it.
}
