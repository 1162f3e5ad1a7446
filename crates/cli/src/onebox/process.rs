//! The processes of a onebox: started in process groups of their own, remembered by pid and start time,
//! so that a pid that the system has given to somebody else is never taken for ours.

use std::fs;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use rustix::process::Pid;
use rustix::process::PidfdFlags;
use rustix::process::Signal;
use rustix::process::kill_process;
use rustix::process::pidfd_open;

use super::layout::Layout;
use super::layout::Node;
use crate::error::CliError;

const PID_FILE: &str = "pid";
const OUTPUT_FILE: &str = "output.txt";
/// The field of `/proc/<pid>/stat` after the command name that holds the start time.
const START_TIME_FIELD: usize = 19;

/// A living process of the onebox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningProcess {
    /// Process id.
    pub pid: i32,
    /// Clock ticks after boot at which it was started.
    start_time: u64,
}

/// Where a process writes what it has no log for: start-up errors, panics.
pub fn output_file(layout: &Layout, node: &Node) -> PathBuf {
    layout.directory(node).join(OUTPUT_FILE)
}

/// Finds the process of a node, if it lives.
pub fn find(layout: &Layout, node: &Node) -> Option<RunningProcess> {
    let text = fs::read_to_string(layout.directory(node).join(PID_FILE)).ok()?;
    let (pid, start_time) = text.trim().split_once(' ')?;
    let process = RunningProcess {
        pid: pid.parse().ok()?,
        start_time: start_time.parse().ok()?,
    };
    // A process that cannot be watched is reported as alive: it is there.
    (!wait_for_end(process, Duration::ZERO).unwrap_or(false)).then_some(process)
}

/// Where a server runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// Where this command runs.
    Here,
    /// In the network namespace with this name.
    Namespace(String),
}

impl Home {
    /// What runs a program there; it becomes the program, with the same process id.
    fn command(&self, program: &Path) -> Command {
        match self {
            Self::Here => Command::new(program),
            Self::Namespace(name) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", name]).arg(program);
                command
            }
        }
    }
}

/// Starts a node's server; it outlives this command.
pub fn spawn(
    layout: &Layout,
    node: &Node,
    config: &Path,
    home: &Home,
) -> Result<RunningProcess, CliError> {
    let directory = layout.directory(node);
    let output_path = output_file(layout, node);
    let output = File::options()
        .create(true)
        .append(true)
        .open(&output_path)
        .map_err(|error| CliError::io(&output_path, error))?;
    let errors = output
        .try_clone()
        .map_err(|error| CliError::io(&output_path, error))?;
    let program = std::env::current_exe()
        .map_err(|error| CliError::failed(format!("cannot find this program's file: {error}")))?;
    let child = home
        .command(&program)
        .arg(node.role.word())
        .arg("--config")
        .arg(config)
        .current_dir(&directory)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .map_err(|error| CliError::io(&program, error))?;
    let pid = i32::try_from(child.id())
        .map_err(|_| CliError::failed(format!("pid {} is out of range", child.id())))?;
    let start_time = start_time_of(pid)
        .ok_or_else(|| CliError::failed(format!("{} ended at once", node.name())))?;
    let process = RunningProcess { pid, start_time };
    let pid_path = directory.join(PID_FILE);
    fs::write(&pid_path, format!("{pid} {start_time}\n"))
        .map_err(|error| CliError::io(&pid_path, error))?;
    Ok(process)
}

/// Sends a signal.
pub fn signal(process: RunningProcess, signal: Signal) -> Result<(), CliError> {
    let Some(pid) = Pid::from_raw(process.pid) else {
        return Ok(());
    };
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(CliError::failed(format!(
            "cannot signal pid {}: {error}",
            process.pid
        ))),
    }
}

/// Waits until the process has ended. Returns whether it has within `limit`.
///
/// Ended means all of its threads: a killed process is a zombie by its state as soon as its first
/// thread has ended, while others may still hold its port and its locks. The descriptor tells.
pub fn wait_for_end(process: RunningProcess, limit: Duration) -> Result<bool, CliError> {
    let Some(pid) = Pid::from_raw(process.pid) else {
        return Ok(true);
    };
    let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(descriptor) => descriptor,
        Err(rustix::io::Errno::SRCH) => return Ok(true),
        Err(error) => return Err(wait_failed(process, error)),
    };
    // Opened by number: it may be somebody else by now.
    if start_time_of(process.pid) != Some(process.start_time) {
        return Ok(true);
    }
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left)
            .map_err(|error| CliError::failed(format!("time limit out of range: {error}")))?;
        match poll(
            &mut [PollFd::new(&descriptor, PollFlags::IN)],
            Some(&timeout),
        ) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(wait_failed(process, error)),
        }
    }
}

fn wait_failed(process: RunningProcess, error: rustix::io::Errno) -> CliError {
    CliError::failed(format!("cannot wait for pid {}: {error}", process.pid))
}

/// Start time of a process; `None` for one that is gone.
fn start_time_of(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name stands in parentheses and may itself hold any character.
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(START_TIME_FIELD)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_start_time_and_no_process_has_none() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(start_time_of(pid).is_some());
        assert_eq!(start_time_of(i32::MAX), None);
    }

    #[test]
    fn the_end_of_a_process_is_waited_for() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let process = RunningProcess {
            pid,
            start_time: start_time_of(pid).unwrap(),
        };
        assert!(!wait_for_end(process, Duration::from_millis(1)).unwrap());
        signal(process, Signal::KILL).unwrap();
        assert!(wait_for_end(process, Duration::from_secs(10)).unwrap());
        child.wait().unwrap();
    }
}
