//! `pegasus meta list|add|remove|dump|restore|recover`: the members of the metadata group, and what it
//! keeps.

use clap::{Args, Subcommand};
use pegasus_client::{ClientError, MetaMember, MetaMemberStanding};
use pegasus_common::HostPort;
use serde_json::json;

use crate::cluster_options::ClusterOptions;
use crate::error::{CliError, with_causes};
use crate::metadata_dump::{DumpCommand, RestoreCommand};
use crate::metadata_recovery::RecoverCommand;
use crate::terminal::say;

/// What is to be done with the meta servers of a cluster.
#[derive(Debug, Subcommand)]
pub enum MembersCommand {
    /// List the meta servers that form the group
    List(MembersOptions),
    /// Add a meta server that runs with an empty directory; one that lost its directory takes its own
    /// place. Returns when it votes
    Add {
        /// Where it listens, as server_list names it: host:port
        address: HostPort,
        #[command(flatten)]
        options: MembersOptions,
    },
    /// Write all metadata to a file
    Dump(DumpCommand),
    /// Make the store of a meta server from a dump
    Restore(RestoreCommand),
    /// Make the store of a meta server from what the replica servers have, when all metadata is lost
    Recover(RecoverCommand),
    /// Remove a meta server from the group. It may be the leader
    Remove {
        /// Where it listens, as server_list names it: host:port
        address: HostPort,
        #[command(flatten)]
        options: MembersOptions,
    },
}

/// How to reach the group, and how to print it.
#[derive(Debug, Args)]
pub struct MembersOptions {
    #[command(flatten)]
    cluster: ClusterOptions,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

impl MembersCommand {
    /// Does it; prints who the members are then, or what became of the dump.
    pub async fn run(self) -> Result<(), CliError> {
        let (options, change) = match self {
            Self::List(options) => (options, None),
            Self::Add { address, options } => (options, Some(Change::Add(address))),
            Self::Remove { address, options } => (options, Some(Change::Remove(address))),
            Self::Dump(command) => return command.run().await,
            Self::Restore(command) => return command.run().await,
            Self::Recover(command) => return command.run().await,
        };
        let members = members(&options, change).await;
        let members = members.map_err(|error| CliError::failed(with_causes(&error)))?;
        print(&members, &options);
        Ok(())
    }
}

/// A change of the group.
#[derive(Clone, Debug)]
enum Change {
    Add(HostPort),
    Remove(HostPort),
}

async fn members(
    options: &MembersOptions,
    change: Option<Change>,
) -> Result<Vec<MetaMember>, ClientError> {
    let admin = options.cluster.connect().await?.admin();
    match change {
        None => admin.meta_servers().await,
        Some(Change::Add(address)) => admin.add_meta_server(&address).await,
        Some(Change::Remove(address)) => admin.remove_meta_server(&address).await,
    }
}

fn print(members: &[MetaMember], options: &MembersOptions) {
    if options.json {
        let rows = members.iter().map(|member| {
            json!({
                "address": member.address,
                "id": member.id,
                "standing": name(member.standing),
            })
        });
        say(&json!(rows.collect::<Vec<_>>()).to_string());
        return;
    }
    for MetaMember {
        address,
        id,
        standing,
    } in members
    {
        say(&format!("{address:<21}  {:<7}  {id}", name(*standing)));
    }
    let votes = |member: &&MetaMember| member.standing != MetaMemberStanding::MMS_LEARNER;
    let voters = members.iter().filter(votes).count();
    if voters % 2 == 0 {
        say(&format!(
            "{voters} vote: no more of them may fail than of {}; add or remove one",
            voters.saturating_sub(1)
        ));
    }
}

fn name(standing: MetaMemberStanding) -> &'static str {
    match standing {
        MetaMemberStanding::MMS_LEADER => "leader",
        MetaMemberStanding::MMS_VOTER => "voter",
        _ => "learner",
    }
}
