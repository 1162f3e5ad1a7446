//! The cluster under test: a onebox, with hosts and a disk of its own where that is permitted.

use std::fs;
use std::path::Path;
use std::time::Duration;

use pegasus_common::RpcAddress;
use rustix::process::Signal;

use super::network::{Host, Network, namespace};
use super::small_disk::SmallDisk;
use crate::error::CliError;
use crate::onebox::config_files;
use crate::onebox::layout::{Layout, NodeName, NodeRole, Shape};
use crate::onebox::process::{self, Home, RunningProcess};

/// How long the system may take to end a process.
const END_LIMIT: Duration = Duration::from_secs(60);
/// The server with the small disk.
const SMALL_DISK_SERVER: NodeName = NodeName {
    role: NodeRole::Replica,
    number: 1,
};

/// What the system lets us do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// Namespaces of our own.
    Isolated,
    /// Those of everybody.
    Shared,
}

/// The cluster under test.
#[derive(Debug)]
pub struct ChaosCluster {
    layout: Layout,
    network: Option<Network>,
    disk: Option<SmallDisk>,
}

impl ChaosCluster {
    /// Takes the onebox in `directory`, or makes a new one of this shape.
    pub fn prepare(
        directory: &Path,
        shape: Shape,
        surroundings: Surroundings,
    ) -> Result<Self, CliError> {
        let root =
            std::path::absolute(directory).map_err(|error| CliError::io(directory, error))?;
        fs::create_dir_all(&root).map_err(|error| CliError::io(&root, error))?;
        if let Some(layout) = Layout::read(&root)? {
            return Self::existing(layout);
        }
        let mut layout = Layout::plan(&root, shape)?;
        if surroundings == Surroundings::Shared {
            layout.write()?;
            return Ok(Self {
                layout,
                network: None,
                disk: None,
            });
        }
        Network::assign_addresses(&mut layout);
        layout.write()?;
        let network = Network::set_up(&layout)?;
        let node = layout.node(SMALL_DISK_SERVER)?;
        let disk = SmallDisk::mount(&layout.data_directory(node, 1))?;
        Ok(Self {
            layout,
            network: Some(network),
            disk: Some(disk),
        })
    }

    /// A onebox that was there before has its data on ordinary disks and its servers on one host.
    fn existing(layout: Layout) -> Result<Self, CliError> {
        if layout
            .nodes
            .iter()
            .any(|node| !node.address.ip().is_loopback())
        {
            return Err(CliError::usage(format!(
                "{} is left from a run with a network of its own, which ended with it; \
                 remove it or name another directory",
                layout.root().display()
            )));
        }
        Ok(Self {
            layout,
            network: None,
            disk: None,
        })
    }

    /// The onebox's directory.
    pub fn root(&self) -> &Path {
        self.layout.root()
    }

    /// The meta servers as clients write them.
    pub fn meta_list(&self) -> String {
        self.layout.meta_list()
    }

    /// The processes of a kind.
    pub fn names(&self, role: NodeRole) -> Vec<NodeName> {
        let nodes = self.layout.nodes.iter().filter(|node| node.role == role);
        nodes.map(crate::onebox::layout::Node::name).collect()
    }

    /// Where the meta servers listen.
    pub fn meta_addresses(&self) -> Vec<RpcAddress> {
        let metas = self.layout.nodes.iter();
        let metas = metas.filter(|node| node.role == NodeRole::Meta);
        metas
            .map(|node| RpcAddress::from_v4(node.address))
            .collect()
    }

    /// The server that listens at an address.
    pub fn server_at(&self, address: RpcAddress) -> Option<NodeName> {
        let found = self
            .layout
            .nodes
            .iter()
            .find(|node| RpcAddress::from_v4(node.address) == address);
        found.map(crate::onebox::layout::Node::name)
    }

    /// Whether links can be cut.
    pub fn has_network(&self) -> bool {
        self.network.is_some()
    }

    /// The server whose disk can be filled.
    pub fn server_with_small_disk(&self) -> Option<NodeName> {
        self.disk.as_ref().map(|_| SMALL_DISK_SERVER)
    }

    /// Starts every process that does not run.
    pub fn start_all(&self) -> Result<(), CliError> {
        for node in &self.layout.nodes {
            self.start(node.name())?;
        }
        Ok(())
    }

    /// Starts a process unless it runs.
    pub fn start(&self, name: NodeName) -> Result<(), CliError> {
        let node = self.layout.node(name)?;
        if process::find(&self.layout, node).is_none() {
            let config = config_files::write(&self.layout, node)?;
            let home = match &self.network {
                Some(_) => Home::Namespace(namespace(name)),
                None => Home::Here,
            };
            process::spawn(&self.layout, node, &config, &home)?;
        }
        Ok(())
    }

    /// Sends a signal to a process if it runs.
    pub fn signal(&self, name: NodeName, signal: Signal) -> Result<(), CliError> {
        match self.running(name)? {
            Some(running) => process::signal(running, signal),
            None => Ok(()),
        }
    }

    /// Ends processes at once or cleanly: signals all first, then waits until all are gone.
    pub fn end(&self, names: &[NodeName], signal: Signal) -> Result<(), CliError> {
        let mut ending = Vec::new();
        for &name in names {
            if let Some(running) = self.running(name)? {
                process::signal(running, signal)?;
                // A frozen process does not hear of TERM.
                process::signal(running, Signal::CONT)?;
                ending.push((name, running));
            }
        }
        for (name, running) in ending {
            if !process::wait_for_end(running, END_LIMIT)? {
                return Err(CliError::failed(format!(
                    "{name} does not end after {signal:?}"
                )));
            }
        }
        Ok(())
    }

    /// Removes the data of a server that does not run.
    pub fn wipe(&self, name: NodeName) -> Result<(), CliError> {
        let node = self.layout.node(name)?;
        for disk in 1..=self.layout.disks {
            let directory = self.layout.data_directory(node, disk);
            // The directory itself may be where a disk is mounted.
            let entries =
                fs::read_dir(&directory).map_err(|error| CliError::io(&directory, error))?;
            for entry in entries {
                let path = entry
                    .map_err(|error| CliError::io(&directory, error))?
                    .path();
                if self.disk.as_ref().is_some_and(|disk| disk.filler() == path) {
                    continue;
                }
                let removed = match path.is_dir() {
                    true => fs::remove_dir_all(&path),
                    false => fs::remove_file(&path),
                };
                removed.map_err(|error| CliError::io(&path, error))?;
            }
        }
        Ok(())
    }

    /// Cuts a link in one direction.
    pub fn cut(&mut self, from: Host, to: Host) -> Result<(), CliError> {
        match &mut self.network {
            Some(network) => network.cut(&self.layout, from, to),
            None => Ok(()),
        }
    }

    /// Takes all space of the small disk.
    pub fn fill_disk(&self) -> Result<(), CliError> {
        self.disk.as_ref().map_or(Ok(()), SmallDisk::fill)
    }

    /// Ends every fault: links, disks, frozen and missing processes.
    pub fn heal(&mut self) -> Result<(), CliError> {
        if let Some(network) = &mut self.network {
            network.heal(&self.layout)?;
        }
        self.disk.as_ref().map_or(Ok(()), SmallDisk::free)?;
        for node in &self.layout.nodes {
            self.signal(node.name(), Signal::CONT)?;
        }
        self.start_all()
    }

    /// Ends all processes, the meta servers first, so that nothing is given away any more.
    pub fn stop(&self) -> Result<(), CliError> {
        self.end(&self.names(NodeRole::Meta), Signal::TERM)?;
        self.end(&self.names(NodeRole::Replica), Signal::TERM)
    }

    fn running(&self, name: NodeName) -> Result<Option<RunningProcess>, CliError> {
        Ok(process::find(&self.layout, self.layout.node(name)?))
    }
}
