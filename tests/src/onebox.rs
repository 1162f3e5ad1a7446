//! A cluster of real processes for one test.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;

use crate::environment::binary;

/// What differs from `pegasus onebox start` without arguments.
#[derive(Clone, Debug)]
pub struct OneboxOptions {
    /// `fsync` or `os`.
    pub durability: &'static str,
    /// Meta servers.
    pub metas: u16,
    /// Replica servers.
    pub replicas: u16,
    /// Shards of each replica server.
    pub shards: u16,
    /// Data directories of each replica server.
    pub disks: u16,
}

impl Default for OneboxOptions {
    fn default() -> Self {
        Self {
            durability: "fsync",
            metas: 1,
            replicas: 3,
            shards: 1,
            disks: 1,
        }
    }
}

/// One process, as `onebox status --json` tells.
#[derive(Clone, Debug, Deserialize)]
pub struct Node {
    /// For example `replica@2`.
    pub name: String,
    /// `meta` or `replica`.
    pub role: String,
    /// Where it listens.
    pub address: String,
    /// Its process id while it lives.
    pub pid: Option<i32>,
    /// Whether it lives.
    pub alive: bool,
    /// Its log file, or the directory of its log files.
    pub log: PathBuf,
}

/// A running cluster. Dropping it ends every process and removes every file; in a failing test the
/// ends of the logs are printed first, and with `PEGASUS_KEEP_FAILED=1` the files stay.
#[derive(Debug)]
pub struct Onebox {
    binary: PathBuf,
    directory: TempDir,
    options: OneboxOptions,
}

impl Onebox {
    /// Starts a cluster and waits until its table `temp` can be read and written.
    ///
    /// # Panics
    /// The binary is missing, or the cluster does not come up.
    #[must_use]
    pub fn start(options: OneboxOptions) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("pegasus-onebox-")
            .tempdir()
            .expect("a temporary directory");
        let onebox = Self {
            binary: binary(),
            directory,
            options,
        };
        onebox.start_all();
        onebox
    }

    /// Starts every process that does not run, and waits until the cluster serves again.
    ///
    /// # Panics
    /// It does not.
    pub fn start_all(&self) {
        self.onebox(&[
            "start",
            "--base-port",
            "0",
            "--metas",
            &self.options.metas.to_string(),
            "--replicas",
            &self.options.replicas.to_string(),
            "--durability",
            self.options.durability,
            "--shards",
            &self.options.shards.to_string(),
            "--disks",
            &self.options.disks.to_string(),
        ]);
    }

    /// Every process.
    ///
    /// # Panics
    /// The command fails or prints something else.
    #[must_use]
    pub fn nodes(&self) -> Vec<Node> {
        let output = self.onebox(&["status", "--json"]);
        serde_json::from_slice(&output.stdout).expect("status --json prints an array of processes")
    }

    /// The addresses of the meta servers, as clients take them.
    #[must_use]
    pub fn meta_list(&self) -> String {
        let nodes = self.nodes();
        let metas = nodes.iter().filter(|node| node.role == "meta");
        let addresses: Vec<&str> = metas.map(|node| node.address.as_str()).collect();
        addresses.join(",")
    }

    /// Ends every process at once with SIGKILL and waits until all are gone.
    ///
    /// # Panics
    /// A process cannot be signalled.
    pub fn kill_all(&self) {
        let pids: Vec<Pid> = self
            .nodes()
            .iter()
            .filter_map(|node| node.pid.and_then(Pid::from_raw))
            .collect();
        // All signals first, then all waits: the processes die within microseconds of each other.
        for &pid in &pids {
            match kill_process(pid, Signal::KILL) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => panic!("cannot kill pid {pid:?}: {error}"),
            }
        }
        while self.nodes().iter().any(|node| node.alive) {
            thread::yield_now();
        }
    }

    /// Ends a process at once.
    ///
    /// # Panics
    /// It does not run.
    pub fn kill(&self, name: &str) {
        self.onebox(&["kill", name]);
    }

    /// Starts a process that has ended; does not wait until it serves.
    ///
    /// # Panics
    /// It runs.
    pub fn start_node(&self, name: &str) {
        self.onebox(&["start-node", name]);
    }

    /// Where a server keeps its configuration, logs and data.
    pub fn directory_of(&self, name: &str) -> PathBuf {
        self.cluster_directory().join(name.replace('@', ""))
    }

    /// Removes the data of a replica server that does not run.
    ///
    /// # Panics
    /// There is none.
    pub fn wipe(&self, name: &str) {
        let directory = self.directory_of(name);
        for disk in 1..=self.options.disks {
            let data = match disk {
                1 => directory.join("data"),
                more => directory.join(format!("data{more}")),
            };
            fs::remove_dir_all(&data).expect("the server has data");
        }
    }

    /// Runs `pegasus onebox <arguments>` on this cluster.
    ///
    /// # Panics
    /// The command fails; its output is in the message.
    pub fn onebox(&self, arguments: &[&str]) -> Output {
        let output = self.try_onebox(arguments);
        assert!(
            output.status.success(),
            "pegasus onebox {} failed: {}\n{}{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        output
    }

    fn try_onebox(&self, arguments: &[&str]) -> Output {
        Command::new(&self.binary)
            .arg("onebox")
            .args(arguments)
            .arg("--dir")
            .arg(self.cluster_directory())
            .output()
            .expect("the binary can be run")
    }

    /// The lines of all logs and outputs that tell of a panic.
    #[must_use]
    pub fn panics(&self) -> Vec<String> {
        let files = files_below(&self.cluster_directory());
        // What is no text is no log.
        let texts = files
            .iter()
            .filter_map(|path| fs::read_to_string(path).ok());
        texts
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .filter(|line| line.contains("panicked at"))
            .collect()
    }

    /// Where everything of this cluster lies: `<role><number>` for each process.
    #[must_use]
    pub fn cluster_directory(&self) -> PathBuf {
        self.directory.path().join("cluster")
    }
}

impl Drop for Onebox {
    fn drop(&mut self) {
        let has_failed = thread::panicking();
        if has_failed {
            print_log_ends(&self.cluster_directory());
        }
        let is_kept = has_failed && env::var_os(KEEP_FAILED).is_some();
        if is_kept {
            self.directory.disable_cleanup(true);
        }
        let output = self.try_onebox(&[if is_kept { "stop" } else { "clear" }]);
        if !output.status.success() && !has_failed {
            panic!(
                "pegasus onebox clear failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

/// Set to keep the files of a cluster whose test has failed.
const KEEP_FAILED: &str = "PEGASUS_KEEP_FAILED";

/// How much of each log a failing test shows.
const LOG_END_LINES: usize = 30;

/// Prints the ends of all log and output files below a directory.
#[allow(
    clippy::print_stderr,
    reason = "shown by the test harness next to the failure"
)]
pub fn print_log_ends(directory: &Path) {
    for path in files_below(directory) {
        let name = path.to_string_lossy();
        if !(name.ends_with(".log") || name.ends_with("output.txt")) {
            continue;
        }
        // Mutation logs end in .log too, but are no text.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let lines: Vec<&str> = text.lines().collect();
        let end = &lines[lines.len().saturating_sub(LOG_END_LINES)..];
        if !end.is_empty() {
            eprintln!("--- end of {name}\n{}", end.join("\n"));
        }
    }
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => directories.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    files
}
