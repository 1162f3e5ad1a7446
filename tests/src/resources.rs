//! What a process takes of its machine, as the kernel counts it.

use std::fs;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Memory that the process has, in bytes.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn resident_bytes(pid: i32) -> u64 {
    status_field(pid, "VmRSS:")
}

/// The most memory that the process has had, in bytes.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn peak_resident_bytes(pid: i32) -> u64 {
    status_field(pid, "VmHWM:")
}

/// A field of `/proc/<pid>/status` that is in kB.
fn status_field(pid: i32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a living process");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    let kilobytes: u64 = kilobytes
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{name} in kB"));
    kilobytes << 10
}

/// Forgets the most memory that the process has had.
///
/// # Panics
/// There is no such process, or it is another user's.
pub fn forget_peak(pid: i32) {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("a process of this user");
}

/// Sockets that the process has open.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn open_sockets(pid: i32) -> usize {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("a living process");
    entries
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

/// Lets this process, and those that it starts, have as many files open as the system allows. Returns
/// how many.
///
/// # Panics
/// The system does not allow what it says that it allows.
pub fn raise_open_files_limit() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("up to the maximum everybody may");
    limit.maximum.unwrap_or(u64::MAX)
}
