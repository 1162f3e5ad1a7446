//! [`ServerStore`]: a member in a server, on tokio. Nothing of it is generic, so that the consensus is
//! compiled once, in this crate, and not in every program that has a store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft_rt_tokio::TokioRuntime;
use pegasus_common::clock::MonotonicMillis;
use tokio::sync::watch;

use super::journal::{FileJournal, JournalOptions};
use super::membership::{MemberView, MembershipError};
use super::network::{Link, LinkError};
use super::types::MemberId;
use super::{EmbeddedStore, GroupOptions, GroupParts, OpenError, StartError};
use crate::leadership::{Epoch, Leadership};
use crate::store::{BoxFuture, CommitError, MetadataStore, ScanRange, StoreError};
use crate::transaction::{Entry, Transaction, Version};

/// One member of the group, in a server.
#[derive(Debug)]
pub struct ServerStore(EmbeddedStore<TokioRuntime>);

/// Why a member's directory does not become a running member.
#[derive(Debug, thiserror::Error)]
pub enum ServerStoreError {
    /// Its directory.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The member.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The group.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ServerStore {
    /// As [`EmbeddedStore::start`].
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(parts: GroupParts) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(async { Ok(Self(EmbeddedStore::start(parts).await?)) })
    }

    /// Starts the member whose directory is `path`, making it if the directory is missing or empty.
    ///
    /// # Errors
    /// The directory cannot be opened, or the member does not start.
    pub fn open(
        path: &Path,
        options: JournalOptions,
        link: Arc<dyn Link>,
    ) -> BoxFuture<'_, Result<Self, ServerStoreError>> {
        Box::pin(async move {
            let (journal, content) = FileJournal::open(path, options)?;
            let parts = GroupParts {
                content,
                journal: Arc::new(journal),
                link,
                clock: Arc::new(MonotonicMillis::now),
                options: GroupOptions::default(),
            };
            Ok(Self::start(parts).await?)
        })
    }

    /// As [`ServerStore::open`], for the only member of a group.
    ///
    /// # Errors
    /// The directory cannot be opened, or the member does not start.
    pub fn open_alone(
        path: &Path,
        options: JournalOptions,
    ) -> BoxFuture<'_, Result<Self, ServerStoreError>> {
        Self::open_first(path, options, "alone")
    }

    /// As [`ServerStore::open_alone`], for a member to which others can be added when it runs, since
    /// they will find it at `own`.
    ///
    /// # Errors
    /// As there.
    pub fn open_first<'a>(
        path: &'a Path,
        options: JournalOptions,
        own: &'a str,
    ) -> BoxFuture<'a, Result<Self, ServerStoreError>> {
        Box::pin(async move {
            let store = Self::open(path, options, Arc::new(NoLink)).await?;
            store.join_group(own, &[]).await?;
            Ok(store)
        })
    }

    /// Who this is.
    #[must_use]
    pub const fn member(&self) -> MemberId {
        self.0.member()
    }

    /// As [`EmbeddedStore::join_group`].
    ///
    /// # Errors
    /// The member has failed.
    pub fn join_group<'a>(
        &'a self,
        own: &'a str,
        list: &'a [String],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.0.join_group(own, list))
    }

    /// As [`EmbeddedStore::members`].
    #[must_use]
    pub fn members(&self) -> Vec<MemberView> {
        self.0.members()
    }

    /// As [`EmbeddedStore::add_member`].
    ///
    /// # Errors
    /// The members are as they were.
    pub fn add_member<'a>(
        &'a self,
        address: &'a str,
    ) -> BoxFuture<'a, Result<(), MembershipError>> {
        Box::pin(self.0.add_member(address))
    }

    /// As [`EmbeddedStore::remove_member`].
    ///
    /// # Errors
    /// The members are as they were.
    pub fn remove_member<'a>(
        &'a self,
        address: &'a str,
    ) -> BoxFuture<'a, Result<(), MembershipError>> {
        Box::pin(self.0.remove_member(address))
    }

    /// As [`EmbeddedStore::answer`].
    pub fn answer<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Bytes> {
        Box::pin(self.0.answer(message))
    }
}

impl MetadataStore for ServerStore {
    fn get(&self, key: Bytes) -> BoxFuture<'_, Result<Option<Entry>, StoreError>> {
        self.0.get(key)
    }

    fn scan(
        &self,
        range: ScanRange,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        self.0.scan(range, limit)
    }

    fn commit(
        &self,
        epoch: Epoch,
        transaction: Transaction,
    ) -> BoxFuture<'_, Result<Version, CommitError>> {
        self.0.commit(epoch, transaction)
    }

    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.0.leadership()
    }

    fn surely_leads(&self, epoch: Epoch) -> bool {
        self.0.surely_leads(epoch)
    }

    fn overlap(&self) -> Duration {
        self.0.overlap()
    }

    fn campaign(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.campaign()
    }

    fn resign(&self, epoch: Epoch) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.resign(epoch)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

/// The way to others of a member that has none.
pub(super) struct NoLink;

impl Link for NoLink {
    fn call<'a>(
        &'a self,
        address: &'a str,
        _: Bytes,
        _: Duration,
    ) -> BoxFuture<'a, Result<Bytes, LinkError>> {
        let reason = format!("{address} is no member of a group of one");
        Box::pin(std::future::ready(Err(LinkError::Unreachable(reason))))
    }
}
