//! What must hold at every step, and what writers do to notice that it does not.

use pegasus_common::RpcAddress;
use pegasus_meta::function_level::FunctionLevel;
use pegasus_wire::meta_admin::{ConfigType, ConfigurationUpdateRequest};

use crate::cluster::{Cluster, MEMBERS};
use crate::replica_server::ReplicaServer;

impl Cluster {
    pub fn unwell(&self) -> Option<String> {
        let Some(core) = &self.core else {
            return Some("no meta server".to_owned());
        };
        self.committed.keys().find_map(|&pid| {
            let configuration = &core.state().partition(pid)?.configuration;
            let primary = self
                .servers
                .iter()
                .find(|server| server.can_serve(self.now, pid));
            let is_well = configuration.member_count() == MEMBERS
                && primary.is_some_and(|server| configuration.primary == Some(server.address));
            (!is_well).then(|| format!("{configuration:?}"))
        })
    }

    /// A role is offered to living servers alone, and nothing moves while the cluster is frozen.
    pub fn judge_proposal(&mut self, target: RpcAddress, request: &ConfigurationUpdateRequest) {
        let Some(core) = &self.core else {
            return;
        };
        let kind = request.r#type;
        let is_announcement = kind == ConfigType::CT_INVALID
            || kind == ConfigType::CT_ASSIGN_PRIMARY
                && request.config.primary != RpcAddress::INVALID;
        let gives = matches!(
            kind,
            ConfigType::CT_ASSIGN_PRIMARY
                | ConfigType::CT_UPGRADE_TO_PRIMARY
                | ConfigType::CT_ADD_SECONDARY
        );
        let is_alive = |node| core.detector().is_alive(node);
        let is_bad_role = gives && !(is_alive(target) && is_alive(request.node));
        let is_frozen = core.effective_level() == FunctionLevel::Freezed;
        if !is_announcement && (is_bad_role || is_frozen) {
            self.misdeed = Some(format!("{kind:?} to {target} about {}", request.node));
        }
    }

    pub fn check_proposals(&mut self) -> Result<(), String> {
        self.misdeed.take().map_or(Ok(()), Err)
    }

    /// Every server that believes it can writes to some partitions; a write commits when all members
    /// have it.
    pub fn write(&mut self) -> Result<(), String> {
        let now = self.now;
        for (&pid, committed) in &mut self.committed {
            if !self.random.chance(30) {
                continue;
            }
            let can_write = |server: &&ReplicaServer| {
                let replica = server.replicas.get(&pid);
                server.can_serve(now, pid) && replica.is_some_and(|it| it.pending.is_none())
            };
            let Some(primary) = self.servers.iter().find(can_write) else {
                continue;
            };
            let replica = &primary.replicas[&pid];
            let (configuration, data) = (replica.configuration.clone(), replica.data + 1);
            let mut missing = configuration.secondaries.len() + 1;
            for server in &mut self.servers {
                let is_member = configuration.primary == server.address
                    || configuration.secondaries.contains(&server.address);
                if is_member && server.prepare(now, &configuration, data) {
                    missing -= 1;
                }
            }
            if missing == 0 {
                if *committed >= data {
                    return Err(format!("{pid}: write {data} was committed already"));
                }
                *committed = data;
                let leads = |server: &&mut ReplicaServer| server.address == configuration.primary;
                let primary = self.servers.iter_mut().find(leads);
                let replica = primary.and_then(|primary| primary.replicas.get_mut(&pid));
                if let Some(replica) = replica {
                    replica.committed = data;
                }
            }
        }
        Ok(())
    }

    pub fn check(&self) -> Result<(), String> {
        for (&pid, &committed) in &self.committed {
            let serving = self
                .servers
                .iter()
                .filter(|server| server.can_serve(self.now, pid));
            let serving: Vec<_> = serving.collect();
            if serving.len() > 1 {
                let [one, other, ..] = serving.as_slice() else {
                    continue;
                };
                return Err(format!(
                    "{pid} has two primaries: {} {}",
                    one.address, other.address
                ));
            }
            for server in serving {
                let data = server.replicas[&pid].data;
                if data < committed {
                    let address = server.address;
                    return Err(format!(
                        "{pid}: {address} reads {data}, {committed} is committed"
                    ));
                }
            }
        }
        Ok(())
    }
}
