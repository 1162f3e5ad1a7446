//! The onebox commands that act on what is there: stop, status, clear, kill, start-node.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::SignalChoice;
use super::config_files;
use super::layout::Layout;
use super::layout::NodeName;
use super::layout::NodeRole;
use super::process;
use super::process::Home;
use crate::error::CliError;
use crate::terminal::say;

/// How long a process may take to end cleanly before it is killed.
const CLEAN_STOP_LIMIT: Duration = Duration::from_secs(30);
/// How long the system may take to end a killed process.
const KILL_LIMIT: Duration = Duration::from_secs(30);

/// The layout of the onebox in `directory`, which must exist.
pub fn existing(directory: &Path) -> Result<Layout, CliError> {
    let directory =
        std::path::absolute(directory).map_err(|error| CliError::io(directory, error))?;
    Layout::read(&directory)?.ok_or_else(|| {
        CliError::usage(format!(
            "there is no onebox in {}; make one with: pegasus onebox start --dir {}",
            directory.display(),
            directory.display()
        ))
    })
}

/// Stops everything cleanly.
pub fn stop(directory: &Path) -> Result<(), CliError> {
    let layout = existing(directory)?;
    let stopped = end_all(&layout, Signal::TERM)?;
    say(&format!(
        "stopped {stopped} of {} processes",
        layout.nodes.len()
    ));
    Ok(())
}

/// Ends everything, the meta servers first: they would take each replica server that goes for a loss,
/// and give its partitions to those that go next.
fn end_all(layout: &Layout, signal: Signal) -> Result<usize, CliError> {
    let mut stopped = 0;
    for role in [NodeRole::Meta, NodeRole::Replica] {
        let running: Vec<_> = layout
            .nodes
            .iter()
            .filter(|node| node.role == role)
            .filter_map(|node| process::find(layout, node))
            .collect();
        for &running in &running {
            process::signal(running, signal)?;
            // A frozen process cannot end cleanly before it goes on.
            process::signal(running, Signal::CONT)?;
        }
        for running in running {
            end(running)?;
            stopped += 1;
        }
    }
    Ok(stopped)
}

fn end(running: process::RunningProcess) -> Result<(), CliError> {
    if process::wait_for_end(running, CLEAN_STOP_LIMIT)? {
        return Ok(());
    }
    process::signal(running, Signal::KILL)?;
    if process::wait_for_end(running, KILL_LIMIT)? {
        return Ok(());
    }
    Err(CliError::failed(format!(
        "pid {} does not end, even killed",
        running.pid
    )))
}

/// Prints what runs.
pub fn status(directory: &Path, as_json: bool) -> Result<(), CliError> {
    let layout = existing(directory)?;
    let rows: Vec<_> = layout
        .nodes
        .iter()
        .map(|node| (node, process::find(&layout, node)))
        .collect();
    if as_json {
        let array: Vec<_> = rows
            .iter()
            .map(|(node, running)| {
                json!({
                    "name": node.name().to_string(),
                    "role": node.role.word(),
                    "address": node.address.to_string(),
                    "pid": running.map(|process| process.pid),
                    "alive": running.is_some(),
                    "dir": layout.directory(node),
                    "log": layout.log_directory(node),
                })
            })
            .collect();
        say(&serde_json::Value::from(array).to_string());
        return Ok(());
    }
    for (node, running) in rows {
        let state = match running {
            Some(process) => format!("alive, pid {}", process.pid),
            None => "not running".to_owned(),
        };
        say(&format!(
            "{:<10}  {:<21}  {:<20}  {}",
            node.name().to_string(),
            node.address.to_string(),
            state,
            layout.directory(node).display()
        ));
    }
    Ok(())
}

/// Ends everything at once and removes the directory.
pub fn clear(directory: &Path) -> Result<(), CliError> {
    let layout = existing(directory)?;
    end_all(&layout, Signal::KILL)?;
    fs::remove_dir_all(layout.root()).map_err(|error| CliError::io(layout.root(), error))?;
    say(&format!("removed {}", layout.root().display()));
    Ok(())
}

/// Signals one process; after KILL and TERM waits for its end.
pub fn kill(directory: &Path, name: NodeName, choice: SignalChoice) -> Result<(), CliError> {
    let layout = existing(directory)?;
    let node = layout.node(name)?;
    let running = process::find(&layout, node)
        .ok_or_else(|| CliError::failed(format!("{name} is not running")))?;
    let signal = match choice {
        SignalChoice::Kill => Signal::KILL,
        SignalChoice::Stop => Signal::STOP,
        SignalChoice::Cont => Signal::CONT,
        SignalChoice::Term => Signal::TERM,
    };
    process::signal(running, signal)?;
    if matches!(choice, SignalChoice::Kill | SignalChoice::Term)
        && !process::wait_for_end(running, CLEAN_STOP_LIMIT)?
    {
        return Err(CliError::failed(format!(
            "{name} (pid {}) has not ended",
            running.pid
        )));
    }
    Ok(())
}

/// Starts one process again. Does not wait for it to serve.
pub fn start_node(directory: &Path, name: NodeName) -> Result<(), CliError> {
    let layout = existing(directory)?;
    let node = layout.node(name)?;
    if let Some(running) = process::find(&layout, node) {
        return Err(CliError::failed(format!(
            "{name} runs already, pid {}",
            running.pid
        )));
    }
    let config = config_files::write(&layout, node)?;
    let running = process::spawn(&layout, node, &config, &Home::Here)?;
    say(&format!("{name} started, pid {}", running.pid));
    Ok(())
}
