//! The meta server as a process: sockets, the store, elections and time.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pegasus_common::RpcAddress;
use pegasus_common::address::ParseAddressError;
use pegasus_common::config::RunningConfig;
use pegasus_common::logging::LevelControl;
use pegasus_common::metrics::Registry;
use pegasus_common::predecessor::PREDECESSOR_PATIENCE;
use pegasus_metastore::{
    CommitError, Epoch, Leadership, MemoryStore, MetadataStore, ScanRange, StoreError,
};
use pegasus_rpc::listener::{accept_connections, bind};
use pegasus_rpc::turn::at_turn_end;
use pegasus_rpc::{ConnectionGate, Inbound, Outputs, SessionOptions, SessionPool, ShardRuntime};
use tokio::time::MissedTickBehavior;

use crate::cluster_state::ClusterState;
use crate::config::{BadOption, MetaServerConfig, StateServiceType};
use crate::driver::{Driver, DriverParts, Role};
use crate::dump_file;
use crate::group::{Group, OpenGroupError};
use crate::service::MetaService;
use crate::stored::{self, LoadError};

/// How often the core hears that time has passed.
pub(crate) const TICK: Duration = Duration::from_millis(50);
/// Keys read at a time when the catalogue is loaded.
const LOAD_PAGE: usize = 1_000;
/// Pause before standing for election again after a commit failed.
const PAUSE_AFTER_FAILED_COMMIT: Duration = Duration::from_millis(500);

/// Why a meta server does not start, or stops by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] BadOption),
    /// `[network] address` is no address.
    #[error("[network] address: {0}")]
    Address(#[from] ParseAddressError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The event loop cannot be made.
    #[error("cannot start the event loop")]
    EventLoop(#[source] std::io::Error),
    /// The store cannot be opened, or the list of meta servers does not name this one.
    #[error("cannot take part in the metadata group")]
    OpenStore(#[from] OpenGroupError),
    /// The store has failed while the server ran.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store holds what this version cannot understand.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// A meta server that listens and does not serve yet.
pub struct MetaServer {
    config: MetaServerConfig,
    listener: std::net::TcpListener,
    address: RpcAddress,
    running_config: RunningConfig<MetaServerConfig>,
}

impl std::fmt::Debug for MetaServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetaServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Runs a meta server until `shutdown` ends. `level` changes what the process logs.
///
/// # Errors
/// It cannot start, or its store has failed.
pub fn run(
    config: MetaServerConfig,
    level: LevelControl,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let mut server = MetaServer::bind(config)?;
    server.running_config = server
        .running_config
        .subscribe(move |config| level.follow(&config.logger));
    server.run(shutdown)
}

impl MetaServer {
    /// Opens the listening socket.
    ///
    /// # Errors
    /// The configuration makes no sense, or the address cannot be listened on.
    pub fn bind(config: MetaServerConfig) -> Result<Self, ServerError> {
        config.check()?;
        let address = config.network.socket_address()?;
        let refused = |source| ServerError::Listen { address, source };
        let listener = bind(address, PREDECESSOR_PATIENCE).map_err(refused)?;
        // Port 0 has become a real one.
        let address = match listener.local_addr().map_err(refused)? {
            SocketAddr::V4(address) => RpcAddress::from_v4(address),
            SocketAddr::V6(_) => return Err(refused(std::io::ErrorKind::AddrNotAvailable.into())),
        };
        Ok(Self {
            running_config: RunningConfig::new(config.clone()),
            config,
            listener,
            address,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> RpcAddress {
        self.address
    }

    /// Serves on this thread until `shutdown` ends.
    ///
    /// # Errors
    /// The store cannot be opened, has failed, or holds what this version cannot understand.
    pub fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServerError> {
        let runtime = ShardRuntime::new().map_err(ServerError::EventLoop)?;
        runtime.block_on(self.serve(shutdown))
    }

    async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<(), ServerError> {
        let mut shutdown = std::pin::pin!(shutdown);
        let limits = self.config.network.limits();
        let sessions = SessionPool::new(SessionOptions::default());
        let address = self.address;
        let (store, group): (Arc<dyn MetadataStore>, _) =
            match self.config.meta_server.meta_state_service_type {
                StateServiceType::Embedded => {
                    let opened = Group::open(&self.config, address, sessions.clone());
                    let group = tokio::select! {
                        group = opened => group?,
                        () = &mut shutdown => return Ok(()),
                    };
                    (group.store(), Some(Rc::new(group)))
                }
                StateServiceType::Memory => (Arc::new(MemoryStore::single()), None),
            };
        let mut options = self.config.core_options(address);
        options.failure_detector.overlap = store.overlap();
        let driver = Driver::new(DriverParts {
            options,
            store: Arc::clone(&store),
            sessions,
            create_timeout: Duration::from_millis(
                self.config.meta_server.create_replica_timeout_ms,
            ),
            write_members_min: usize::try_from(
                self.config.replication.mutation_2pc_min_replica_count,
            )
            .unwrap_or(usize::MAX),
            registry: Registry::new(),
        });
        let outputs = Outputs::new(&limits);
        let service = MetaService::new(Rc::clone(&driver), group.clone(), self.running_config);
        let service = Rc::new(service);
        let inbound = Inbound::new(service, Rc::clone(&outputs), limits.clone());
        let _flush = at_turn_end(move || outputs.flush());
        let gate = ConnectionGate::new(&limits);
        tracing::info!(%address, "meta server listens");
        tokio::select! {
            accepted = accept_connections(self.listener, gate, NonZeroUsize::MIN, |_, connection| {
                inbound.serve(connection);
            }) => accepted.map_err(ServerError::EventLoop),
            led = lead(&driver, &*store, group.as_deref()) => led,
            () = keep_time(&driver) => Ok(()),
            () = keep_dumps(&driver, &self.config) => Ok(()),
            () = &mut shutdown => {
                tracing::info!(%address, "meta server stops");
                leave(&driver, &*store).await;
                Ok(())
            }
        }
    }
}

async fn keep_time(driver: &Rc<Driver>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        driver.tick();
    }
}

/// Whenever this server leads, writes all metadata into a file from time to time.
async fn keep_dumps(driver: &Rc<Driver>, config: &MetaServerConfig) {
    let interval = Duration::from_secs(config.meta_server.metadata_dump_interval_seconds);
    if interval.is_zero() {
        return std::future::pending().await;
    }
    let path = dump_file::beside(&config.store_directory());
    loop {
        tokio::time::sleep(interval).await;
        let Some(dump) = driver.dump().await else {
            continue;
        };
        let to = path.clone();
        let written = tokio::task::spawn_blocking(move || dump_file::write(&to, &dump));
        let file = path.display();
        match written.await {
            Ok(Ok(())) => tracing::info!(%file, "the metadata was dumped"),
            Ok(Err(error)) => tracing::warn!(%file, %error, "no dump could be written"),
            Err(error) => tracing::warn!(%file, %error, "the dump was broken off"),
        }
    }
}

/// Stands for election and reigns whenever elected. Ends only with an error.
async fn lead(
    driver: &Rc<Driver>,
    store: &dyn MetadataStore,
    group: Option<&Group>,
) -> Result<(), ServerError> {
    let mut view = store.leadership();
    if let Some(group) = group {
        group.join().await?;
    }
    store.campaign().await?;
    loop {
        let leadership = view.borrow_and_update().clone();
        match leadership {
            Leadership::Leader { epoch } => {
                driver.stand_by(Role::Loading);
                let state = match load(store).await {
                    Ok(state) => state,
                    Err(ServerError::Store(StoreError::Unavailable { reason })) => {
                        tracing::warn!(%epoch, reason, "the catalogue could not be read");
                        after_reign(store, epoch, CommitError::Indeterminate { reason }).await?;
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                tracing::info!(%epoch, tables = state.tables().count(), "leads the cluster");
                driver.begin_reign(epoch, state);
                tokio::select! {
                    end = driver.reign_ended() => {
                        if let CommitError::Deposed { .. } = end {
                            // The view is late; until it changes there is nothing to do.
                            let _ = view.changed().await;
                        } else {
                            after_reign(store, epoch, end).await?;
                        }
                    }
                    _ = view.changed() => {}
                }
            }
            Leadership::Follower { leader } => {
                // A name may take a while to be looked up, and whatever this server led is over.
                driver.stand_by(Role::Standby { leader: None });
                if let Some((name, group)) = leader.zip(group) {
                    let leader = group.address_of(&name).await;
                    driver.stand_by(Role::Standby { leader });
                }
                if view.changed().await.is_err() {
                    let reason = "its leadership ended".to_owned();
                    return Err(StoreError::Failed { reason }.into());
                }
            }
        }
    }
}

/// A commit failed. Unless the store is lost, a new reign starts from what it really holds.
async fn after_reign(
    store: &dyn MetadataStore,
    epoch: Epoch,
    end: CommitError,
) -> Result<(), ServerError> {
    match end {
        CommitError::Failed { reason } => Err(StoreError::Failed { reason }.into()),
        end => {
            tracing::warn!(%epoch, %end, "stands for election again");
            store.resign(epoch).await?;
            tokio::time::sleep(PAUSE_AFTER_FAILED_COMMIT).await;
            Ok(store.campaign().await?)
        }
    }
}

/// Says goodbye, so that another meta server need not wait for a timeout.
async fn leave(driver: &Driver, store: &dyn MetadataStore) {
    let leadership = store.leadership().borrow().clone();
    driver.stand_by(Role::Standby { leader: None });
    if let Some(epoch) = leadership.epoch()
        && let Err(error) = store.resign(epoch).await
    {
        tracing::warn!(%error, "the leadership was not given up cleanly");
    }
    store.close().await;
}

/// Reads the whole catalogue.
async fn load(store: &dyn MetadataStore) -> Result<ClusterState, ServerError> {
    let mut range = ScanRange::of_prefix(stored::CATALOGUE_PREFIX);
    let mut entries = Vec::new();
    loop {
        let page = store.scan(range.clone(), LOAD_PAGE).await?;
        let is_last = page.len() < LOAD_PAGE;
        range.after = page.last().map(|entry| entry.key.clone());
        entries.extend(page);
        if is_last {
            return Ok(stored::load(&entries)?);
        }
    }
}
