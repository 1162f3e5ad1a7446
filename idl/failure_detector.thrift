// Beacons, by which replica servers keep their leases at the meta servers (meta-server.md section 11).
namespace rs pegasus.failure_detector

include "base.thrift"

// Argument of RPC_FD_FAILURE_DETECTOR_PING: a replica server is alive. Fields from 100 on are ours.
struct beacon_msg {
    1: i64 time; // Sender's milliseconds; comes back in the answer.
    2: base.rpc_address from_node; // The replica server.
    3: base.rpc_address to_node; // The meta server.
    4: optional i64 start_time; // When the sender's process started, Unix milliseconds.
    5: optional base.host_port hp_from_node; // Name of `from_node`.
    6: optional base.host_port hp_to_node; // Name of `to_node`.
    100: optional i64 lease_ms; // How long the sender serves after sending this.
    101: optional bool goodbye; // The sender has closed its lease for good and is about to stop.
    102: optional bool loading; // The sender has locked its data directories and reads them in.
    103: optional bool no_room; // No data directory of the sender takes new replicas or clients' writes.
}

// Answer to a beacon. Fields from 100 on are ours.
struct beacon_ack {
    1: i64 time; // Copied from the beacon.
    2: base.rpc_address this_node; // The answering meta server.
    3: base.rpc_address primary_node; // The leader; invalid when unknown.
    4: bool is_master; // Whether the answering server is the leader.
    5: bool allowed; // Whether the sender may join the cluster.
    6: optional base.host_port hp_this_node; // Name of `this_node`.
    7: optional base.host_port hp_primary_node; // Name of `primary_node`.
    100: optional bool report_wanted; // The leader does not know which replicas the sender has: config sync, please.
}
