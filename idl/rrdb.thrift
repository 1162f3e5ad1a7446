// The data operations of a table: requests that clients send to replica servers, and the answers.
//
// A raw key is a u16 length, the hash key of that length, and the sort key. `expire_ts_seconds` is
// seconds since 2016-01-01 UTC, and 0 means never. The `error` of a response is a storage status
// (wire-protocol.md section 8.3); the meaning of each operation is in data-semantics.md.
namespace rs pegasus.rrdb

include "base.thrift"

// How a filter pattern selects hash keys or sort keys.
enum filter_type {
    FT_NO_FILTER = 0,      // Everything passes.
    FT_MATCH_ANYWHERE = 1, // The key contains the pattern.
    FT_MATCH_PREFIX = 2,   // The key begins with the pattern.
    FT_MATCH_POSTFIX = 3,  // The key ends with the pattern.
}

// The condition of check_and_set and check_and_mutate on the record at the check sort key.
enum cas_check_type {
    CT_NO_CHECK = 0,                     // Always passes.
    CT_VALUE_NOT_EXIST = 1,              // There is no record.
    CT_VALUE_NOT_EXIST_OR_EMPTY = 2,     // There is no record or its value is empty.
    CT_VALUE_EXIST = 3,                  // There is a record.
    CT_VALUE_NOT_EMPTY = 4,              // There is a record and its value is not empty.
    CT_VALUE_MATCH_ANYWHERE = 5,         // The value contains the operand.
    CT_VALUE_MATCH_PREFIX = 6,           // The value begins with the operand.
    CT_VALUE_MATCH_POSTFIX = 7,          // The value ends with the operand.
    CT_VALUE_BYTES_LESS = 8,             // As bytes, the value is less than the operand.
    CT_VALUE_BYTES_LESS_OR_EQUAL = 9,    // As bytes, the value is at most the operand.
    CT_VALUE_BYTES_EQUAL = 10,           // As bytes, the value is the operand.
    CT_VALUE_BYTES_GREATER_OR_EQUAL = 11, // As bytes, the value is at least the operand.
    CT_VALUE_BYTES_GREATER = 12,         // As bytes, the value is greater than the operand.
    CT_VALUE_INT_LESS = 13,              // As decimal integer, the value is less than the operand.
    CT_VALUE_INT_LESS_OR_EQUAL = 14,     // As decimal integer, the value is at most the operand.
    CT_VALUE_INT_EQUAL = 15,             // As decimal integer, the value is the operand.
    CT_VALUE_INT_GREATER_OR_EQUAL = 16,  // As decimal integer, the value is at least the operand.
    CT_VALUE_INT_GREATER = 17,           // As decimal integer, the value is greater than the operand.
}

// What one step of check_and_mutate does.
enum mutate_operation {
    MO_PUT = 0,    // Writes a record.
    MO_DELETE = 1, // Removes a record.
}

// Which atomic operation a put stands for. Upstream servers use it among themselves only.
enum update_type {
    UT_PUT = 0,                     // A plain put.
    UT_INCR = 1,                    // The outcome of incr.
    UT_CHECK_AND_SET = 2,           // The outcome of check_and_set.
    UT_CHECK_AND_MUTATE_PUT = 3,    // A put of check_and_mutate.
    UT_CHECK_AND_MUTATE_REMOVE = 4, // A removal of check_and_mutate.
}

// Argument of RPC_RRDB_RRDB_PUT: writes one record.
struct update_request {
    1: base.blob key; // Raw key.
    2: base.blob value; // What to store.
    3: i32 expire_ts_seconds; // When the record expires.
    4: optional update_type type; // Never sent by clients.
    5: optional bool check_value_returned; // Never sent by clients.
    6: optional bool check_value_exist; // Never sent by clients.
    7: optional base.blob check_value; // Never sent by clients.
}

// Answer to put, multi_put and remove.
struct update_response {
    1: i32 error; // Storage status.
    2: i32 app_id; // Table that was written.
    3: i32 partition_index; // Partition that was written.
    4: i64 decree; // Decree of the mutation.
    5: string server; // `address:port` of the answering server.
}

// Answer to get.
struct read_response {
    1: i32 error; // Storage status; 1 when there is no such record.
    2: base.blob value; // The stored value.
    3: i32 app_id; // Table that was read.
    4: i32 partition_index; // Partition that was read.
    6: string server; // `address:port` of the answering server.
}

// Answer to ttl.
struct ttl_response {
    1: i32 error; // Storage status; 1 when there is no such record.
    2: i32 ttl_seconds; // Seconds that are left; -1 when the record never expires.
    3: i32 app_id; // Table that was read.
    4: i32 partition_index; // Partition that was read.
    6: string server; // `address:port` of the answering server.
}

// Answer to sortkey_count.
struct count_response {
    1: i32 error; // Storage status.
    2: i64 count; // Live records under the hash key; -1 when counting hit a limit.
    3: i32 app_id; // Table that was read.
    4: i32 partition_index; // Partition that was read.
    6: string server; // `address:port` of the answering server.
}

// A record without its hash key. In scan answers `key` is the raw key, elsewhere the sort key.
struct key_value {
    1: base.blob key; // Sort key or raw key.
    2: base.blob value; // The stored value.
    3: optional i32 expire_ts_seconds; // Only in scans that asked for it.
}

// Argument of RPC_RRDB_RRDB_MULTI_PUT: writes records of one hash key, all or none.
struct multi_put_request {
    1: base.blob hash_key; // Hash key of all records.
    2: list<key_value> kvs; // Sort keys and values.
    3: i32 expire_ts_seconds; // When the records expire.
}

// Argument of RPC_RRDB_RRDB_MULTI_REMOVE: removes records of one hash key, all or none.
struct multi_remove_request {
    1: base.blob hash_key; // Hash key of all records.
    2: list<base.blob> sort_keys; // Which records to remove.
    3: i64 max_count; // Ignored.
}

// Answer to multi_remove.
struct multi_remove_response {
    1: i32 error; // Storage status.
    2: i64 count; // Sort keys that were in the request.
    3: i32 app_id; // Table that was written.
    4: i32 partition_index; // Partition that was written.
    5: i64 decree; // Decree of the mutation.
    6: string server; // `address:port` of the answering server.
}

// Argument of RPC_RRDB_RRDB_MULTI_GET: reads records of one hash key, by sort keys or by range.
struct multi_get_request {
    1: base.blob hash_key; // Hash key of all records.
    2: list<base.blob> sort_keys; // Records to read; empty means a range.
    3: i32 max_kv_count; // Most records to return; 0 or less means no limit.
    4: i32 max_kv_size; // Most bytes to return; 0 or less means no limit.
    5: bool no_value; // Leave the values out.
    6: base.blob start_sortkey; // Begin of the range.
    7: base.blob stop_sortkey; // End of the range; empty means the end of the hash key.
    8: bool start_inclusive; // Whether `start_sortkey` itself belongs to the range.
    9: bool stop_inclusive; // Whether `stop_sortkey` itself belongs to the range.
    10: filter_type sort_key_filter_type; // How `sort_key_filter_pattern` selects.
    11: base.blob sort_key_filter_pattern; // Pattern on sort keys of the range.
    12: bool reverse; // Take records from the end of the range.
}

// Answer to multi_get.
struct multi_get_response {
    1: i32 error; // Storage status; 7 when a limit stopped it.
    2: list<key_value> kvs; // Records in ascending order of sort key.
    3: i32 app_id; // Table that was read.
    4: i32 partition_index; // Partition that was read.
    6: string server; // `address:port` of the answering server.
}

// Names one record.
struct full_key {
    1: base.blob hash_key; // Its hash key.
    2: base.blob sort_key; // Its sort key.
}

// Argument of RPC_RRDB_RRDB_BATCH_GET: reads records of one partition.
struct batch_get_request {
    1: list<full_key> keys; // Which records to read.
}

// One record.
struct full_data {
    1: base.blob hash_key; // Its hash key.
    2: base.blob sort_key; // Its sort key.
    3: base.blob value; // The stored value.
}

// Answer to batch_get.
struct batch_get_response {
    1: i32 error; // Storage status.
    2: list<full_data> data; // The records that exist.
    3: i32 app_id; // Table that was read.
    4: i32 partition_index; // Partition that was read.
    6: string server; // `address:port` of the answering server.
}

// Argument of RPC_RRDB_RRDB_INCR: adds to a record that holds a decimal integer.
struct incr_request {
    1: base.blob key; // Raw key.
    2: i64 increment; // What to add.
    3: i32 expire_ts_seconds; // 0 keeps the expiry, -1 clears it, above 0 sets it.
}

// Answer to incr.
struct incr_response {
    1: i32 error; // Storage status.
    2: i64 new_value; // Value after the addition.
    3: i32 app_id; // Table that was written.
    4: i32 partition_index; // Partition that was written.
    5: i64 decree; // Decree of the mutation.
    6: string server; // `address:port` of the answering server.
}

// Argument of RPC_RRDB_RRDB_CHECK_AND_SET: writes a record if another of its hash key passes a check.
struct check_and_set_request {
    1: base.blob hash_key; // Hash key of both records.
    2: base.blob check_sort_key; // Record to check.
    3: cas_check_type check_type; // The condition.
    4: base.blob check_operand; // What the condition compares with.
    5: bool set_diff_sort_key; // Whether to write `set_sort_key` and not `check_sort_key`.
    6: base.blob set_sort_key; // Record to write.
    7: base.blob set_value; // What to store.
    8: i32 set_expire_ts_seconds; // When the record expires.
    9: bool return_check_value; // Whether the answer shall hold the checked value.
}

// Answer to check_and_set.
struct check_and_set_response {
    1: i32 error; // Storage status; 13 when the check did not pass.
    2: bool check_value_returned; // Whether the next two fields mean anything.
    3: bool check_value_exist; // Whether the checked record exists.
    4: base.blob check_value; // Value of the checked record before the operation.
    5: i32 app_id; // Table that was written.
    6: i32 partition_index; // Partition that was written.
    7: i64 decree; // Decree of the mutation.
    8: string server; // `address:port` of the answering server.
}

// One step of check_and_mutate.
struct mutate {
    1: mutate_operation operation; // Put or delete.
    2: base.blob sort_key; // Record to write or remove.
    3: base.blob value; // What to store, for a put.
    4: i32 set_expire_ts_seconds; // When the record expires, for a put.
}

// Argument of RPC_RRDB_RRDB_CHECK_AND_MUTATE: applies steps if a record of the hash key passes a check.
struct check_and_mutate_request {
    1: base.blob hash_key; // Hash key of all records.
    2: base.blob check_sort_key; // Record to check.
    3: cas_check_type check_type; // The condition.
    4: base.blob check_operand; // What the condition compares with.
    5: list<mutate> mutate_list; // Steps, in order.
    6: bool return_check_value; // Whether the answer shall hold the checked value.
}

// Answer to check_and_mutate.
struct check_and_mutate_response {
    1: i32 error; // Storage status; 13 when the check did not pass.
    2: bool check_value_returned; // Whether the next two fields mean anything.
    3: bool check_value_exist; // Whether the checked record exists.
    4: base.blob check_value; // Value of the checked record before the operation.
    5: i32 app_id; // Table that was written.
    6: i32 partition_index; // Partition that was written.
    7: i64 decree; // Decree of the mutation.
    8: string server; // `address:port` of the answering server.
}

// Argument of RPC_RRDB_RRDB_GET_SCANNER: opens a scan over a range of raw keys and reads its first batch.
struct get_scanner_request {
    1: base.blob start_key; // Begin of the range, a raw key.
    2: base.blob stop_key; // End of the range, a raw key; empty means the end of the partition.
    3: bool start_inclusive; // Whether `start_key` itself belongs to the range.
    4: bool stop_inclusive; // Whether `stop_key` itself belongs to the range.
    5: i32 batch_size; // Most records per batch.
    6: bool no_value; // Leave the values out.
    7: filter_type hash_key_filter_type; // How `hash_key_filter_pattern` selects.
    8: base.blob hash_key_filter_pattern; // Pattern on hash keys.
    9: filter_type sort_key_filter_type; // How `sort_key_filter_pattern` selects.
    10: base.blob sort_key_filter_pattern; // Pattern on sort keys.
    11: optional bool validate_partition_hash; // Leave out records that a split moved away; missing means true.
    12: optional bool return_expire_ts; // Return the expiry of each record.
    13: optional bool full_scan; // The scan may leave the hash key of `start_key`.
    14: optional bool only_return_count = false; // Return counts and no records.
}

// Argument of RPC_RRDB_RRDB_SCAN: reads the next batch of a scan.
struct scan_request {
    1: i64 context_id; // Id from the previous answer.
}

// Answer to get_scanner and scan.
struct scan_response {
    1: i32 error; // Storage status; 1 when the context is gone.
    2: list<key_value> kvs; // Records in ascending order of raw key.
    3: i64 context_id; // Id for the next batch; -1 when the scan is complete.
    4: i32 app_id; // Table that was read.
    5: i32 partition_index; // Partition that was read.
    6: string server; // `address:port` of the answering server.
    7: optional i32 kv_count; // Records of the batch, where only the count was asked for.
}
