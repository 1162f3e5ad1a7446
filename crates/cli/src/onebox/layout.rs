//! What a onebox consists of and where everything lies: the file `onebox.json` in its directory.

use std::fmt;
use std::fs;
use std::net::Ipv4Addr;
use std::net::SocketAddrV4;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

use crate::error::CliError;

const FILE_NAME: &str = "onebox.json";
const VERSION: u32 = 1;
/// The first meta server's port, less one, as Pegasus users know it.
pub const DEFAULT_BASE_PORT: u16 = 34600;
/// How far the replica servers' ports are from the meta servers'.
const REPLICA_PORT_OFFSET: u16 = 200;

/// What a process of the onebox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeRole {
    /// A meta server.
    Meta,
    /// A replica server.
    Replica,
}

impl NodeRole {
    /// The sub-command that runs it, and the word in its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Replica => "replica",
        }
    }
}

/// `replica@2`: the second replica server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeName {
    /// Meta or replica server.
    pub role: NodeRole,
    /// From 1.
    pub number: u16,
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.role.word(), self.number)
    }
}

impl FromStr for NodeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || {
            format!(
                "'{text}' names no process: expected meta@<n> or replica@<n>, for example replica@2"
            )
        };
        let (role, number) = text.split_once('@').ok_or_else(error)?;
        let role = match role {
            "meta" => NodeRole::Meta,
            "replica" => NodeRole::Replica,
            _ => return Err(error()),
        };
        let number = number.parse().map_err(|_| error())?;
        Ok(Self { role, number })
    }
}

/// Whether an acknowledged write has reached the disk or only the operating system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DurabilityChoice {
    /// Flushed to the disk before the acknowledgement.
    #[default]
    Fsync,
    /// Handed to the operating system: survives the death of processes, not of the machine.
    Os,
}

/// One process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Node {
    /// Meta or replica server.
    pub role: NodeRole,
    /// From 1.
    pub number: u16,
    /// Where it listens.
    pub address: SocketAddrV4,
}

impl Node {
    /// Its name on the command line.
    pub fn name(&self) -> NodeName {
        NodeName {
            role: self.role,
            number: self.number,
        }
    }
}

/// The whole onebox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Layout {
    version: u32,
    /// Mode of all replica servers' logs.
    pub durability: DurabilityChoice,
    /// Shards of each replica server.
    #[serde(default = "one")]
    pub shards: u16,
    /// Data directories of each replica server.
    #[serde(default = "one")]
    pub disks: u16,
    /// All processes, meta servers first.
    pub nodes: Vec<Node>,
    #[serde(skip)]
    root: PathBuf,
}

/// What oneboxes have that were made before there was a choice.
fn one() -> u16 {
    1
}

/// Size of a new onebox.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Meta servers.
    pub metas: u16,
    /// Replica servers.
    pub replicas: u16,
    /// Meta servers listen from this port plus one on, replica servers from this plus 201; 0 takes
    /// free ports.
    pub base_port: u16,
    /// Log durability.
    pub durability: DurabilityChoice,
    /// Shards of each replica server.
    pub shards: u16,
    /// Data directories of each replica server.
    pub disks: u16,
}

impl Layout {
    /// Lays a new onebox out; writes nothing yet.
    pub fn plan(root: &Path, shape: Shape) -> Result<Self, CliError> {
        if !matches!(shape.metas, 1 | 3 | 5) {
            return Err(CliError::usage(format!(
                "{} meta servers; a group has 1, 3 or 5, so that most of them can always agree",
                shape.metas
            )));
        }
        if shape.replicas == 0 {
            return Err(CliError::usage(
                "a onebox needs at least one replica server",
            ));
        }
        let total = usize::from(shape.metas) + usize::from(shape.replicas);
        let ports = match shape.base_port {
            0 => free_ports(total)?,
            base => fixed_ports(base, shape)?,
        };
        let roles = (1..=shape.metas)
            .map(|number| (NodeRole::Meta, number))
            .chain((1..=shape.replicas).map(|number| (NodeRole::Replica, number)));
        let nodes = roles
            .zip(ports)
            .map(|((role, number), port)| Node {
                role,
                number,
                address: SocketAddrV4::new(Ipv4Addr::LOCALHOST, port),
            })
            .collect();
        Ok(Self {
            version: VERSION,
            durability: shape.durability,
            shards: shape.shards,
            disks: shape.disks,
            nodes,
            root: root.to_path_buf(),
        })
    }

    /// Reads the layout of an existing onebox; `None` if there is none in `root`.
    pub fn read(root: &Path) -> Result<Option<Self>, CliError> {
        let path = root.join(FILE_NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(CliError::io(&path, error)),
        };
        let mut layout: Self = serde_json::from_str(&text)
            .map_err(|error| CliError::failed(format!("{}: {error}", path.display())))?;
        if layout.version != VERSION {
            return Err(CliError::failed(format!(
                "{}: version {} was made by another version of pegasus; this one reads {VERSION}",
                path.display(),
                layout.version
            )));
        }
        layout.root = root.to_path_buf();
        Ok(Some(layout))
    }

    /// Writes the layout.
    pub fn write(&self) -> Result<(), CliError> {
        let path = self.root.join(FILE_NAME);
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| CliError::failed(format!("{}: {error}", path.display())))?;
        fs::write(&path, text).map_err(|error| CliError::io(&path, error))
    }

    /// The onebox's directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of one process.
    pub fn directory(&self, node: &Node) -> PathBuf {
        self.root
            .join(format!("{}{}", node.role.word(), node.number))
    }

    /// Where one process writes its log files.
    pub fn log_directory(&self, node: &Node) -> PathBuf {
        self.directory(node).join("log")
    }

    /// One of a replica server's data directories; disks count from 1.
    pub fn data_directory(&self, node: &Node, disk: u16) -> PathBuf {
        let name = match disk {
            0 | 1 => "data".to_owned(),
            more => format!("data{more}"),
        };
        self.directory(node).join(name)
    }

    /// Where each meta server listens.
    pub fn meta_addresses(&self) -> Vec<String> {
        let metas = self.nodes.iter().filter(|node| node.role == NodeRole::Meta);
        metas.map(|node| node.address.to_string()).collect()
    }

    /// The meta servers as clients write them.
    pub fn meta_list(&self) -> String {
        self.meta_addresses().join(",")
    }

    /// How many replica servers there are.
    pub fn replica_count(&self) -> usize {
        let replicas = self
            .nodes
            .iter()
            .filter(|node| node.role == NodeRole::Replica);
        replicas.count()
    }

    /// Finds a process by its name.
    pub fn node(&self, name: NodeName) -> Result<&Node, CliError> {
        self.nodes
            .iter()
            .find(|node| node.name() == name)
            .ok_or_else(|| {
                let names: Vec<_> = self
                    .nodes
                    .iter()
                    .map(|node| node.name().to_string())
                    .collect();
                CliError::usage(format!(
                    "this onebox has no {name}; it has {}",
                    names.join(", ")
                ))
            })
    }
}

fn fixed_ports(base: u16, shape: Shape) -> Result<Vec<u16>, CliError> {
    let last = u32::from(base) + u32::from(REPLICA_PORT_OFFSET) + u32::from(shape.replicas);
    if last > u32::from(u16::MAX) {
        return Err(CliError::usage(format!(
            "base port {base} leaves no room below 65536"
        )));
    }
    let metas = (1..=shape.metas).map(|number| base + number);
    let replicas = (1..=shape.replicas).map(|number| base + REPLICA_PORT_OFFSET + number);
    Ok(metas.chain(replicas).collect())
}

/// Below the range from which the system takes the ports of outgoing connections: a stopped server's
/// port must not be taken by somebody's connection before it starts again.
const FREE_PORTS: std::ops::Range<u16> = 10_000..32_000;
/// Ports that are tried before giving up.
const TRIES_MAX: usize = 1_000;

/// Ports that are free now; all are held until the last is found, so they differ.
fn free_ports(count: usize) -> Result<Vec<u16>, CliError> {
    let mut held = Vec::new();
    for _ in 0..TRIES_MAX {
        if held.len() == count {
            break;
        }
        let port = rand::random_range(FREE_PORTS);
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push((listener, port));
        }
    }
    if held.len() < count {
        return Err(CliError::failed(format!(
            "found {} of {count} free ports",
            held.len()
        )));
    }
    Ok(held.into_iter().map(|(_, port)| port).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(base_port: u16) -> Shape {
        Shape {
            metas: 1,
            replicas: 3,
            base_port,
            durability: DurabilityChoice::Fsync,
            shards: 1,
            disks: 1,
        }
    }

    #[test]
    fn default_ports_are_those_that_users_know() {
        let layout = Layout::plan(Path::new("/nowhere"), shape(DEFAULT_BASE_PORT)).unwrap();
        let ports: Vec<u16> = layout
            .nodes
            .iter()
            .map(|node| node.address.port())
            .collect();
        assert_eq!(ports, [34601, 34801, 34802, 34803]);
        assert_eq!(layout.meta_list(), "127.0.0.1:34601");
    }

    #[test]
    fn a_layout_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Layout::read(directory.path()).unwrap().is_none());
        let layout = Layout::plan(directory.path(), shape(0)).unwrap();
        layout.write().unwrap();
        let read = Layout::read(directory.path()).unwrap().unwrap();
        assert_eq!(read.meta_list(), layout.meta_list());
        assert!(read.node("replica@2".parse().unwrap()).is_ok());
        assert_eq!((read.shards, read.disks), (1, 1));
        let missing = read
            .node("replica@9".parse().unwrap())
            .unwrap_err()
            .to_string();
        assert!(missing.contains("replica@3"), "{missing}");
    }

    #[test]
    fn a_layout_from_before_shards_and_disks_has_one_of_each() {
        let directory = tempfile::tempdir().unwrap();
        let text = r#"{"version": 1, "durability": "fsync", "nodes": []}"#;
        fs::write(directory.path().join(FILE_NAME), text).unwrap();
        let read = Layout::read(directory.path()).unwrap().unwrap();
        assert_eq!((read.shards, read.disks), (1, 1));
    }

    #[test]
    fn every_disk_has_a_directory_of_its_own() {
        let layout = Layout::plan(Path::new("/nowhere"), shape(0)).unwrap();
        let node = &layout.nodes[1];
        let path = |disk| layout.data_directory(node, disk);
        assert_eq!(path(1), Path::new("/nowhere/replica1/data"));
        assert_eq!(path(2), Path::new("/nowhere/replica1/data2"));
    }

    #[test]
    fn names_that_are_none_are_refused_with_an_example() {
        for text in ["replica", "replica@", "server@1", "replica@x"] {
            assert!(
                text.parse::<NodeName>().unwrap_err().contains("replica@2"),
                "{text}"
            );
        }
    }
}
