//! Scanners: records of one hash key or of whole partitions, batch by batch.
//!
//! The server keeps a context between batches. It is lost when the server restarts, the primary
//! moves, or nobody asks for five minutes: the scanner then opens a new one behind the last record
//! that it received, unseen by its user. Records that change meanwhile may be seen old or new.

use std::collections::VecDeque;
use std::vec;

use bytes::Bytes;
use pegasus_common::{RpcAddress, StorageStatus, key};
use pegasus_rpc::RoutingHeader;
use pegasus_wire::TaskCode;
use pegasus_wire::rrdb::{GetScannerRequest, KeyValue, ScanRequest, ScanResponse};
use tokio::time::Instant;

use crate::error::ClientError;
use crate::operation::Operation;
use crate::options::{ScanOptions, Values};
use crate::table::{Table, Target};

/// Contexts opened one after the other without receiving a record in between, before giving up.
const FRUITLESS_RESTARTS_MAX: u32 = 5;
/// The context id that ends a scan.
const CONTEXT_COMPLETED: i64 = -1;
/// Start and stop of a partition: below and above every raw key, whose length prefix is at most
/// 0xfffe.
const PARTITION_START: &[u8] = b"\x00\x00";
const PARTITION_STOP: &[u8] = b"\xff\xff";

/// A record that a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its hash key.
    pub hash_key: Bytes,
    /// Its sort key.
    pub sort_key: Bytes,
    /// Its value; empty where values were not asked for.
    pub value: Bytes,
    /// When it expires, in seconds since 2016-01-01 UTC, 0 for never; `None` unless asked for.
    pub expire_ts_seconds: Option<u32>,
}

/// Delivers the records of a scan. Dropping it releases what the server keeps for it.
///
/// [`Scanner::next`] delivers them one by one; [`Scanner::into_stream`] makes a stream.
#[derive(Debug)]
pub struct Scanner {
    table: Table,
    /// Partitions still to scan, the present one first.
    targets: VecDeque<Target>,
    /// How to open the scan of any of them from its beginning.
    template: GetScannerRequest,
    position: Position,
    batch: vec::IntoIter<KeyValue>,
    fruitless_restarts: u32,
}

/// Where the scan of the present partition stands.
#[derive(Clone, Debug)]
enum Position {
    /// Nothing received yet.
    Start,
    /// Behind this raw key, without a context.
    Behind(Bytes),
    /// The server keeps a context.
    Context(Context),
}

#[derive(Clone, Debug)]
struct Context {
    id: i64,
    server: RpcAddress,
    header: RoutingHeader,
    /// The last raw key received, if any.
    last_key: Option<Bytes>,
}

impl Table {
    /// Scans the records of one hash key, in the order of their sort keys, from `start_sort_key` to
    /// `stop_sort_key`; an empty stop is the end of the hash key.
    ///
    /// # Errors
    /// [`ClientError::InvalidArgument`].
    pub fn hash_scanner(
        &self,
        hash_key: &[u8],
        start_sort_key: &[u8],
        stop_sort_key: &[u8],
        options: &ScanOptions,
    ) -> Result<Scanner, ClientError> {
        let operation = Operation::GET_SCANNER;
        let (_, target) = self.whole_hash_key(operation, hash_key)?;
        let raw = |sort_key: &[u8]| {
            key::encode(hash_key, sort_key)
                .map_err(|error| self.invalid(operation, error.to_string()))
        };
        let above = |prefix: &[u8]| {
            key::successor(prefix)
                .ok_or_else(|| self.invalid(operation, "the key has no successor"))
        };
        let mut template = request(options);
        template.start_key = raw(start_sort_key)?.into();
        if stop_sort_key.is_empty() {
            template.stop_key = above(&raw(b"")?)?.into();
            template.stop_inclusive = false;
        } else {
            template.stop_key = raw(stop_sort_key)?.into();
        }
        // The server does not narrow a hash scan by the sort key filter.
        if let Some(prefix) = options.sort_key_filter.narrowing_prefix() {
            let first = raw(prefix)?;
            let end = above(&first)?;
            if first.as_slice() > &template.start_key[..] {
                template.start_key = first.into();
                template.start_inclusive = true;
            }
            if end.as_slice() <= &template.stop_key[..] {
                template.stop_key = end.into();
                template.stop_inclusive = false;
            }
        }
        template.validate_partition_hash = Some(false);
        Ok(Scanner::new(self.clone(), [target].into(), template))
    }

    /// Scans all records of all partitions, one partition after the other. Within a partition, hash
    /// keys come in the order of their length.
    #[must_use]
    pub fn full_scanner(&self, options: &ScanOptions) -> Scanner {
        let partitions = 0..self.partitions().count();
        self.partition_scanner(partitions, options)
    }

    /// Divides a full scan between at most `max` scanners, to be used at the same time.
    #[must_use]
    pub fn full_scanners(&self, max: u32, options: &ScanOptions) -> Vec<Scanner> {
        let count = self.partitions().count();
        let scanners = max.clamp(1, count);
        (0..scanners)
            .map(|scanner| {
                let step = usize::try_from(scanners).unwrap_or(1);
                self.partition_scanner((scanner..count).step_by(step), options)
            })
            .collect()
    }

    /// Scans all records of the given partitions; those that do not exist have none.
    pub fn partition_scanner(
        &self,
        partitions: impl IntoIterator<Item = u32>,
        options: &ScanOptions,
    ) -> Scanner {
        let count = self.partitions().count();
        let partitions = partitions.into_iter().filter(|index| *index < count);
        let mut template = request(options);
        template.start_key = Bytes::from_static(PARTITION_START);
        template.stop_key = Bytes::from_static(PARTITION_STOP);
        template.start_inclusive = true;
        template.stop_inclusive = false;
        template.validate_partition_hash = Some(true);
        template.full_scan = Some(true);
        Scanner::new(
            self.clone(),
            partitions.map(Target::Partition).collect(),
            template,
        )
    }
}

fn request(options: &ScanOptions) -> GetScannerRequest {
    GetScannerRequest {
        start_inclusive: options.start.is_inclusive(),
        stop_inclusive: options.stop.is_inclusive(),
        batch_size: options.batch_size,
        no_value: options.values == Values::Omitted,
        hash_key_filter_type: options.hash_key_filter.wire_type(),
        hash_key_filter_pattern: options.hash_key_filter.pattern.clone(),
        sort_key_filter_type: options.sort_key_filter.wire_type(),
        sort_key_filter_pattern: options.sort_key_filter.pattern.clone(),
        return_expire_ts: options.with_expiry.then_some(true),
        ..GetScannerRequest::default()
    }
}

impl Scanner {
    fn new(table: Table, targets: VecDeque<Target>, template: GetScannerRequest) -> Self {
        Self {
            table,
            targets,
            template,
            position: Position::Start,
            batch: Vec::new().into_iter(),
            fruitless_restarts: 0,
        }
    }

    /// The next record; `None` when there is no more. After an error the scan may be continued.
    /// Cancel safe: nothing received is lost.
    pub async fn next(&mut self) -> Option<Result<Record, ClientError>> {
        loop {
            if let Some(record) = self.take() {
                return Some(record);
            }
            match self.fetch().await {
                Ok(Progress::Batch) => {}
                Ok(Progress::Done) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// A record that has been received already.
    pub(crate) fn take(&mut self) -> Option<Result<Record, ClientError>> {
        let record = self.batch.next()?;
        Some(self.record(record))
    }

    /// Receives one batch, which may be empty.
    pub(crate) async fn fetch(&mut self) -> Result<Progress, ClientError> {
        let Some(&target) = self.targets.front() else {
            return Ok(Progress::Done);
        };
        let context = match &self.position {
            Position::Context(context) => context.clone(),
            Position::Start => return self.open(target, None).await,
            Position::Behind(last) => {
                let last = last.clone();
                return self.open(target, Some(last)).await;
            }
        };
        let operation = Operation::SCAN;
        let header = RoutingHeader {
            timeout: self.table.timeout(),
            ..context.header
        };
        let request = ScanRequest {
            context_id: context.id,
        };
        // A context serves once: whether or not this is answered, it is not asked for again.
        self.position = behind(context.last_key.clone());
        let answer: Result<ScanResponse, _> = self
            .table
            .execute_once(operation, header, context.server, &request)
            .await;
        match answer {
            Ok(answer) if answer.error != StorageStatus::NotFound.code() => {
                self.receive(answer, context.server, header, context.last_key)
            }
            Err(error) if !is_transient(&error) => Err(error),
            Ok(_) | Err(_) => {
                self.note_restart(operation)?;
                Ok(Progress::Batch)
            }
        }
    }

    async fn open(
        &mut self,
        target: Target,
        behind: Option<Bytes>,
    ) -> Result<Progress, ClientError> {
        let mut request = self.template.clone();
        if let Some(last) = &behind {
            request.start_key = last.clone();
            request.start_inclusive = false;
        }
        let operation = Operation::GET_SCANNER;
        let answer: ScanResponse = self.table.execute(operation, target, &request).await?;
        // The server that answered holds the context. If the routing has just changed, the next
        // call meets an unknown context and the scan is opened again.
        let partitions = self.table.partitions();
        let deadline = Instant::now() + self.table.timeout();
        let (header, server) = self.table.route(&partitions, target, deadline);
        self.receive(answer, server.unwrap_or_default(), header, behind)
    }

    /// Takes a batch and what it says of the rest.
    fn receive(
        &mut self,
        answer: ScanResponse,
        server: RpcAddress,
        header: RoutingHeader,
        last_key: Option<Bytes>,
    ) -> Result<Progress, ClientError> {
        let operation = Operation::SCAN;
        let newest = answer.kvs.last().map(|record| record.key.clone());
        let incomplete = answer.error == StorageStatus::Incomplete.code();
        if !incomplete {
            self.table.check(operation, answer.error)?;
        }
        if newest.is_some() {
            self.fruitless_restarts = 0;
        }
        let last_key = newest.or(last_key);
        self.batch = answer.kvs.into_iter();
        if incomplete {
            // The server's time limit ended the batch, and no context was kept.
            self.position = behind(last_key);
            self.note_restart(operation)?;
        } else if answer.context_id == CONTEXT_COMPLETED {
            self.targets.pop_front();
            self.position = Position::Start;
        } else if answer.context_id == 0 && self.batch.len() == 0 {
            // Released servers answer an empty range so.
            self.targets.pop_front();
            self.position = Position::Start;
        } else {
            self.position = Position::Context(Context {
                id: answer.context_id,
                server,
                header,
                last_key,
            });
        }
        Ok(Progress::Batch)
    }

    /// Counts a restart; too many without a record in between are an error.
    fn note_restart(&mut self, operation: Operation) -> Result<(), ClientError> {
        self.fruitless_restarts += 1;
        if self.fruitless_restarts <= FRUITLESS_RESTARTS_MAX {
            return Ok(());
        }
        self.fruitless_restarts = 0;
        Err(self
            .table
            .protocol(operation, "the server forgets the scan again and again"))
    }

    fn record(&self, record: KeyValue) -> Result<Record, ClientError> {
        let parts = key::split(&record.key).map_err(|_| {
            self.table
                .protocol(Operation::SCAN, "the server returned a malformed key")
        })?;
        Ok(Record {
            hash_key: record.key.slice_ref(parts.hash_key),
            sort_key: record.key.slice_ref(parts.sort_key),
            value: record.value,
            // The wire's i32 is a u32.
            expire_ts_seconds: record.expire_ts_seconds.map(i32::cast_unsigned),
        })
    }
}

fn behind(last_key: Option<Bytes>) -> Position {
    last_key.map_or(Position::Start, Position::Behind)
}

/// Whether opening the scan again can help.
fn is_transient(error: &ClientError) -> bool {
    match error {
        ClientError::Call { source, .. } => {
            let reaction = crate::retry::react(source, crate::retry::Repeat::Harmless);
            reaction.next == crate::retry::Next::Retry
        }
        ClientError::NoPrimary { .. } => true,
        _ => false,
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        if let Position::Context(context) = &self.position
            && context.id >= 0
        {
            // Never answered.
            self.table.send_if_connected(
                context.server,
                TaskCode::ClearScanner,
                context.header,
                &context.id,
            );
        }
    }
}

/// What a fetch brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A batch, perhaps an empty one.
    Batch,
    /// The end.
    Done,
}
