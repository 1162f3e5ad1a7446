//! This server as a member of the metadata group: where its store is, who the others are, and their
//! messages.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pegasus_common::{ErrorCode, HostPort, RpcAddress};
use pegasus_metastore::embedded::ServerStoreError;
use pegasus_metastore::embedded::membership::{MemberStanding, MembershipError};
use pegasus_metastore::{JournalOptions, ServerStore, StoreError};
use pegasus_rpc::{Request, SessionPool};
use pegasus_wire::meta_admin::{
    MetaMember, MetaMemberStanding, MetaMembersOperation, MetaMembersRequest, MetaMembersResponse,
};
use tokio::task::spawn_local;

use crate::config::MetaServerConfig;
use crate::group_link::GroupLink;
use crate::server_list::{NotListed, own_entry};

/// Messages of members that are being answered; further ones are refused.
const MESSAGES_UNDER_WAY_MAX: usize = 256;

/// How long the leader's name may take to be looked up: clients find it without that, too.
const LOOKUP_PATIENCE: Duration = Duration::from_millis(500);
/// Pause before names are looked up again.
const LOOKUP_PAUSE: Duration = Duration::from_secs(1);

/// Why a member does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenGroupError {
    /// Its store.
    #[error(transparent)]
    Store(#[from] ServerStoreError),
    /// The list of meta servers.
    #[error(transparent)]
    NotListed(#[from] NotListed),
}

/// Waits for names that cannot be looked up yet: the network may start later than this server.
async fn own_name(list: &[String], address: RpcAddress) -> Result<String, NotListed> {
    loop {
        match own_entry(list, address).await {
            Err(NotListed::Lookup { name, source }) => {
                tracing::warn!(name, %source, "waits for the name of a meta server");
                tokio::time::sleep(LOOKUP_PAUSE).await;
            }
            found => return found,
        }
    }
}

/// A member of the group.
#[derive(Debug)]
pub struct Group {
    store: Arc<ServerStore>,
    link: Arc<GroupLink>,
    /// This member in the list.
    own: String,
    list: Vec<String>,
    under_way: Cell<usize>,
}

impl Group {
    /// Opens this member's directory and starts it.
    ///
    /// # Errors
    /// The directory cannot be opened, the member does not start, or the list does not name it.
    pub async fn open(
        config: &MetaServerConfig,
        address: RpcAddress,
        sessions: SessionPool,
    ) -> Result<Self, OpenGroupError> {
        let directory = config.store_directory();
        let link = Arc::new(GroupLink::new(sessions));
        let ours = Arc::<GroupLink>::clone(&link);
        let store = ServerStore::open(&directory, JournalOptions::default(), ours);
        let own = own_name(&config.meta_server.server_list, address).await?;
        Ok(Self {
            store: Arc::new(store.await?),
            link,
            own,
            list: config.meta_server.server_list.clone(),
            under_way: Cell::new(0),
        })
    }

    /// The store that the members keep together.
    #[must_use]
    pub fn store(&self) -> Arc<ServerStore> {
        Arc::clone(&self.store)
    }

    /// Returns when this server is in a group; makes one if that is its part. Cancel safe.
    ///
    /// # Errors
    /// The store has failed.
    pub async fn join(&self) -> Result<(), StoreError> {
        self.store.join_group(&self.own, &self.list).await
    }

    /// Where a member listens, if that can be found out soon.
    pub async fn address_of(&self, member: &str) -> Option<RpcAddress> {
        let found = tokio::time::timeout(LOOKUP_PATIENCE, self.link.resolve(member)).await;
        found.ok()?.ok()
    }

    /// Where the members listen, comma separated.
    #[must_use]
    pub fn addresses(&self) -> String {
        let members = self.store.members().into_iter();
        let addresses: Vec<_> = members.map(|member| member.address).collect();
        addresses.join(",")
    }

    /// Tells who the members are, or changes them.
    pub fn on_members(self: &Rc<Self>, request: Request) {
        let Ok(wanted) = pegasus_wire::argument::decode::<MetaMembersRequest>(&request.argument)
        else {
            return request.responder.fail(ErrorCode::InvalidData);
        };
        let group = Rc::clone(self);
        spawn_local(async move {
            let answer = group.members(&wanted).await;
            request.responder.reply(&answer);
        });
    }

    async fn members(&self, wanted: &MetaMembersRequest) -> MetaMembersResponse {
        let done = self.change(wanted).await;
        let members = self.store.members().into_iter().map(|member| MetaMember {
            address: member.address,
            id: member.id.to_string(),
            standing: match member.standing {
                MemberStanding::Learner => MetaMemberStanding::MMS_LEARNER,
                MemberStanding::Voter => MetaMemberStanding::MMS_VOTER,
                MemberStanding::Leader => MetaMemberStanding::MMS_LEADER,
            },
        });
        let members = members.collect();
        let (err, hint_message) = done.err().unwrap_or((ErrorCode::Ok, String::new()));
        MetaMembersResponse {
            err,
            members,
            hint_message,
        }
    }

    /// Does what is wanted, or says what is wrong with it.
    async fn change(&self, wanted: &MetaMembersRequest) -> Result<(), (ErrorCode, String)> {
        let MetaMembersRequest { operation, address } = wanted;
        let invalid = |hint| Err((ErrorCode::InvalidParameters, hint));
        let done = match *operation {
            MetaMembersOperation::MMO_LIST => return Ok(()),
            _ if address.parse::<HostPort>().is_err() => {
                return invalid(format!("'{address}' is no host:port"));
            }
            MetaMembersOperation::MMO_ADD => self.store.add_member(address).await,
            MetaMembersOperation::MMO_REMOVE => self.store.remove_member(address).await,
            other => return invalid(format!("operation {} is unknown", other.0)),
        };
        tracing::info!(?operation, address, outcome = ?done, "meta servers");
        done.map_err(|error| {
            let code = match &error {
                MembershipError::NotLeader => ErrorCode::ForwardToOthers,
                MembershipError::Refused(_) => ErrorCode::TryAgain,
                _ => ErrorCode::InvalidState,
            };
            (code, error.to_string())
        })
    }

    /// Answers a message of another member.
    pub fn on_message(self: &Rc<Self>, request: Request) {
        let Ok(message) = pegasus_wire::argument::decode::<Bytes>(&request.argument) else {
            return request.responder.fail(ErrorCode::InvalidData);
        };
        if self.under_way.get() >= MESSAGES_UNDER_WAY_MAX {
            return request.responder.fail(ErrorCode::Busy);
        }
        self.under_way.set(self.under_way.get() + 1);
        let group = Rc::clone(self);
        spawn_local(async move {
            let answer = group.store.answer(&message).await;
            group.under_way.set(group.under_way.get() - 1);
            request.responder.reply(&answer);
        });
    }
}
