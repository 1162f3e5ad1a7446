//! A machine of its own: the command runs itself again in namespaces where it may cut network links
//! and mount small disks. They vanish with it, whatever happens, and with them every process, mount
//! and link inside.

use std::process::{Command, ExitStatus, Stdio};

use crate::error::CliError;

/// Network, mounts and processes of our own; everything inside is killed with its first process.
const UNSHARE: [&str; 6] = [
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];
/// The flag of the command's second run.
pub const FLAG: &str = "--isolated";

/// Whether this system lets us.
pub fn is_permitted() -> bool {
    let mut probe = Command::new("unshare");
    probe.args(UNSHARE).args(["ip", "link", "set", "lo", "up"]);
    probe.stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// Runs this command again, inside.
pub fn run_inside() -> Result<ExitStatus, CliError> {
    let program = std::env::current_exe()
        .map_err(|error| CliError::failed(format!("cannot find this program's file: {error}")))?;
    let mut command = Command::new("unshare");
    command.args(UNSHARE).arg(program);
    command.args(std::env::args_os().skip(1)).arg(FLAG);
    command
        .status()
        .map_err(|error| CliError::failed(format!("cannot run unshare: {error}")))
}

/// Runs a system command and fails with what it wrote.
pub fn system(program: &str, arguments: &[&str]) -> Result<(), CliError> {
    let failed =
        |what: &str| CliError::failed(format!("{program} {}: {what}", arguments.join(" ")));
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(&error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim()))
}
