// Commands that tools send to any server.
namespace rs pegasus.command

// Argument of RPC_CLI_CLI_CALL. The answer is a bare string.
struct command {
    1: string cmd; // Name of the command.
    2: list<string> arguments; // Its arguments.
}
