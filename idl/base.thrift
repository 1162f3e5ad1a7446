// The six types that every language implements by hand. They are declared as empty structs, so a
// field of one is announced as a struct; its content is raw and has no stop byte
// (wire-protocol.md section 4.2). Never add a field of one of them to a message in use: a decoder
// that does not know the field cannot skip it.
namespace rs pegasus.base

// i32 length, bytes.
struct blob {}

// i32 length, ASCII name such as ERR_OK.
struct error_code {}

// i32 length, ASCII name such as RPC_RRDB_RRDB_GET.
struct task_code {}

// i64: partition index in the high half, table id in the low half.
struct gpid {}

// i64: IPv4 address, port, type.
struct rpc_address {}

// String host, i16 port, i8 type.
struct host_port {}
