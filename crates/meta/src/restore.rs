//! Makes the store of a meta server from a [`Dump`]: a group of this one server, to which others are
//! added when it runs.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use pegasus_common::{RpcAddress, durable_file};
use pegasus_metastore::embedded::ServerStoreError;
use pegasus_metastore::store::TRANSACTION_BYTES_MAX;
use pegasus_metastore::{
    CommitError, JournalOptions, MetadataStore as _, ServerStore, StoreError, Transaction,
};

use crate::config::{BadOption, MetaServerConfig, StateServiceType};
use crate::dump::Dump;
use crate::server_list::{NotListed, own_entry};

/// Keys and values of one transaction, in bytes.
const BATCH_BYTES: usize = TRANSACTION_BYTES_MAX / 4;

/// Why nothing was restored. The directory of the store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] BadOption),
    /// The server keeps its metadata elsewhere.
    #[error("[meta_server] meta_state_service_type must be 'embedded'")]
    NotEmbedded,
    /// The address is needed: the others will find the server by it.
    #[error("[network] address: {0} is no address that others can reach")]
    Address(String),
    /// The list of meta servers does not name it.
    #[error(transparent)]
    NotListed(#[from] NotListed),
    /// There is something already.
    #[error("{} exists and is not empty: a dump makes a new store and changes none", .0.display())]
    Occupied(PathBuf),
    /// The store cannot be made.
    #[error(transparent)]
    Open(#[from] ServerStoreError),
    /// The store has failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store refuses the entries.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The file system refuses.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The refusal.
        source: std::io::Error,
    },
}

/// Makes the store of the server that `config` describes, which must not run, and have no store yet.
/// It is complete or not there at all, also after a crash. Returns its directory.
///
/// # Errors
/// See [`RestoreError`].
pub async fn restore(config: &MetaServerConfig, dump: &Dump) -> Result<PathBuf, RestoreError> {
    config.check()?;
    if config.meta_server.meta_state_service_type != StateServiceType::Embedded {
        return Err(RestoreError::NotEmbedded);
    }
    let address = match config.network.socket_address() {
        Ok(SocketAddr::V4(address)) if address.port() != 0 => RpcAddress::from_v4(address),
        _ => return Err(RestoreError::Address(config.network.address.clone())),
    };
    let own = own_entry(&config.meta_server.server_list, address).await?;
    let directory = config.store_directory();
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| RestoreError::Io {
            action,
            path,
            source,
        }
    };
    match fs::read_dir(&directory).map(|mut files| files.next().is_some()) {
        Ok(true) => return Err(RestoreError::Occupied(directory)),
        Ok(false) => fs::remove_dir(&directory).map_err(io("replace", &directory))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io("read", &directory)(error)),
    }
    let mut unfinished = directory.clone().into_os_string();
    unfinished.push(".restoring");
    let unfinished = PathBuf::from(unfinished);
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(io("remove", &unfinished))?;
    }
    fill(&unfinished, &own, dump).await?;
    fs::rename(&unfinished, &directory).map_err(io("rename a directory to", &directory))?;
    durable_file::sync_parent(&directory).map_err(io("make durable", &directory))?;
    Ok(directory)
}

async fn fill(path: &Path, own: &str, dump: &Dump) -> Result<(), RestoreError> {
    let store = ServerStore::open_first(path, JournalOptions::default(), own).await?;
    store.campaign().await?;
    let mut view = store.leadership();
    let leads = view.wait_for(|view| view.epoch().is_some()).await;
    let epoch = leads.ok().and_then(|view| view.epoch());
    let ended = || StoreError::Failed {
        reason: "the new store has ended".to_owned(),
    };
    let epoch = epoch.ok_or_else(ended)?;
    let mut batch = Transaction::new();
    for (key, value) in dump.entries() {
        if batch.size_bytes() + key.len() + value.len() > BATCH_BYTES {
            store.commit(epoch, std::mem::take(&mut batch)).await?;
        }
        batch = batch.create(key, value);
    }
    store.commit(epoch, batch).await?;
    store.resign(epoch).await?;
    store.close().await;
    Ok(())
}
