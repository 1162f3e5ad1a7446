//! Settings of a client and of its operations.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use pegasus_common::clock::PEGASUS_EPOCH_UNIX_SECONDS;
use pegasus_rpc::SessionOptions;
use pegasus_wire::rrdb::FilterType;

/// Settings of a [`Cluster`](crate::Cluster).
#[derive(Clone, Debug)]
pub struct ClientOptions {
    pub(crate) operation_timeout: Duration,
    pub(crate) meta_timeout: Duration,
    pub(crate) write_repetition: WriteRepetition,
    pub(crate) session: SessionOptions,
}

impl Default for ClientOptions {
    /// 5 s for an operation and for a call to the meta servers.
    fn default() -> Self {
        Self {
            operation_timeout: Duration::from_secs(5),
            meta_timeout: Duration::from_secs(5),
            write_repetition: WriteRepetition::default(),
            session: SessionOptions::default(),
        }
    }
}

impl ClientOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The deadline of each data operation, retries included;
    /// [`Table::with_timeout`](crate::Table::with_timeout) changes it for one handle.
    #[must_use]
    pub fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout;
        self
    }

    /// The deadline of each call to the meta servers, the search for their leader included.
    #[must_use]
    pub fn meta_timeout(mut self, timeout: Duration) -> Self {
        self.meta_timeout = timeout;
        self
    }

    /// Whether plain writes may be sent again.
    #[must_use]
    pub fn write_repetition(mut self, repetition: WriteRepetition) -> Self {
        self.write_repetition = repetition;
        self
    }

    /// Limits of each connection.
    #[must_use]
    pub fn session(mut self, options: SessionOptions) -> Self {
        self.session = options;
        self
    }
}

/// Whether a write that sets or deletes may be sent again when it may have been executed already.
/// `incr` and the check operations never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteRepetition {
    /// It may, until its deadline: the record ends as the write wants it. In between, the write of
    /// another client may be seen and then overwritten by the repetition.
    #[default]
    Idempotent,
    /// It is sent at most once; a failure says whether it may have been executed
    /// ([`ClientError::write_fate`](crate::ClientError::write_fate)). For applications that need
    /// each write to take effect at one instant.
    Never,
}

/// How long a record lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ttl {
    /// For ever (or as long as the table's `default_ttl` says).
    #[default]
    Forever,
    /// From now; whole seconds, rounded up.
    After(Duration),
}

impl Ttl {
    /// A number of seconds; 0 is [`Ttl::Forever`].
    #[must_use]
    pub fn seconds(seconds: u32) -> Self {
        match seconds {
            0 => Self::Forever,
            seconds => Self::After(Duration::from_secs(u64::from(seconds))),
        }
    }

    /// The expiry as the wire has it: seconds since 2016, 0 for never (data-semantics.md section
    /// 2.2). Sums beyond what the wire holds become the latest date.
    #[allow(clippy::cast_possible_wrap, reason = "the wire's i32 is read as u32")]
    pub(crate) fn expire_ts_seconds(self) -> i32 {
        let Self::After(ttl) = self else { return 0 };
        let rounded_up = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix = unix.map_or(0, |now| now.as_secs());
        let epoch = u64::try_from(PEGASUS_EPOCH_UNIX_SECONDS).unwrap_or(0);
        let expiry = unix.saturating_sub(epoch).saturating_add(rounded_up.max(1));
        u32::try_from(expiry).unwrap_or(u32::MAX) as i32
    }
}

/// What `incr` does to the expiry of a record that exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncrTtl {
    /// Leave it.
    #[default]
    Keep,
    /// Remove it.
    Clear,
    /// Replace it.
    Set(Ttl),
}

impl IncrTtl {
    pub(crate) fn expire_ts_seconds(self) -> i32 {
        match self {
            Self::Keep => 0,
            Self::Clear | Self::Set(Ttl::Forever) => -1,
            Self::Set(ttl) => ttl.expire_ts_seconds(),
        }
    }
}

/// A condition on hash keys or sort keys. An empty pattern matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub(crate) kind: FilterKind,
    pub(crate) pattern: Bytes,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FilterKind {
    #[default]
    None,
    Anywhere,
    Prefix,
    Postfix,
}

impl Filter {
    /// Matches keys that contain `pattern`.
    #[must_use]
    pub fn anywhere(pattern: impl Into<Bytes>) -> Self {
        Self::new(FilterKind::Anywhere, pattern)
    }

    /// Matches keys that start with `pattern`.
    #[must_use]
    pub fn prefix(pattern: impl Into<Bytes>) -> Self {
        Self::new(FilterKind::Prefix, pattern)
    }

    /// Matches keys that end with `pattern`.
    #[must_use]
    pub fn postfix(pattern: impl Into<Bytes>) -> Self {
        Self::new(FilterKind::Postfix, pattern)
    }

    fn new(kind: FilterKind, pattern: impl Into<Bytes>) -> Self {
        Self {
            kind,
            pattern: pattern.into(),
        }
    }

    pub(crate) fn wire_type(&self) -> FilterType {
        FilterType(match self.kind {
            FilterKind::None => 0,
            FilterKind::Anywhere => 1,
            FilterKind::Prefix => 2,
            FilterKind::Postfix => 3,
        })
    }

    /// The pattern of a prefix filter that says something.
    pub(crate) fn narrowing_prefix(&self) -> Option<&Bytes> {
        (self.kind == FilterKind::Prefix && !self.pattern.is_empty()).then_some(&self.pattern)
    }
}

/// Whether an end of a range belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// It does.
    Inclusive,
    /// It does not.
    Exclusive,
}

impl Bound {
    pub(crate) fn is_inclusive(self) -> bool {
        self == Self::Inclusive
    }
}

/// Whether records come with their values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// They do.
    #[default]
    Fetched,
    /// Values are left empty.
    Omitted,
}

/// From which end a limited range read takes its records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The first ones.
    #[default]
    Forward,
    /// The last ones; they are returned in ascending order all the same.
    Reverse,
}

/// Options of the `multi_get` family.
#[derive(Clone, Debug)]
pub struct MultiGetOptions {
    pub(crate) max_count: i32,
    pub(crate) max_bytes: i32,
    pub(crate) values: Values,
    pub(crate) start: Bound,
    pub(crate) stop: Bound,
    pub(crate) filter: Filter,
    pub(crate) direction: Direction,
}

impl Default for MultiGetOptions {
    /// As the official clients: at most 100 records and 1,000,000 bytes, start inclusive, stop
    /// exclusive.
    fn default() -> Self {
        Self {
            max_count: 100,
            max_bytes: 1_000_000,
            values: Values::Fetched,
            start: Bound::Inclusive,
            stop: Bound::Exclusive,
            filter: Filter::default(),
            direction: Direction::Forward,
        }
    }
}

impl MultiGetOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Most records of one answer; 0 leaves it to the server's limit (3000).
    #[must_use]
    pub fn max_count(mut self, count: u32) -> Self {
        self.max_count = i32::try_from(count).unwrap_or(i32::MAX);
        self
    }

    /// Most bytes of one answer, one record more at most; 0 leaves it to the server's limit.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u32) -> Self {
        self.max_bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
        self
    }

    /// Whether values are wanted.
    #[must_use]
    pub fn values(mut self, values: Values) -> Self {
        self.values = values;
        self
    }

    /// Whether the start sort key belongs to the range (ranges only).
    #[must_use]
    pub fn start(mut self, bound: Bound) -> Self {
        self.start = bound;
        self
    }

    /// Whether the stop sort key belongs to the range (ranges only).
    #[must_use]
    pub fn stop(mut self, bound: Bound) -> Self {
        self.stop = bound;
        self
    }

    /// Which sort keys are wanted (ranges only).
    #[must_use]
    pub fn sort_key_filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// From which end to read (ranges only).
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }
}

/// Options of scanners.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    pub(crate) batch_size: i32,
    pub(crate) values: Values,
    pub(crate) start: Bound,
    pub(crate) stop: Bound,
    pub(crate) hash_key_filter: Filter,
    pub(crate) sort_key_filter: Filter,
    pub(crate) with_expiry: bool,
}

impl Default for ScanOptions {
    /// Batches of 100 records with values, start inclusive, stop exclusive, without expiry times.
    fn default() -> Self {
        Self {
            batch_size: 100,
            values: Values::Fetched,
            start: Bound::Inclusive,
            stop: Bound::Exclusive,
            hash_key_filter: Filter::default(),
            sort_key_filter: Filter::default(),
            with_expiry: false,
        }
    }
}

impl ScanOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records of one round trip; the server takes at most 1000.
    #[must_use]
    pub fn batch_size(mut self, records: u32) -> Self {
        self.batch_size = i32::try_from(records).unwrap_or(i32::MAX);
        self
    }

    /// Whether values are wanted.
    #[must_use]
    pub fn values(mut self, values: Values) -> Self {
        self.values = values;
        self
    }

    /// Whether the start sort key belongs to the range (hash scans only).
    #[must_use]
    pub fn start(mut self, bound: Bound) -> Self {
        self.start = bound;
        self
    }

    /// Whether the stop sort key belongs to the range (hash scans only).
    #[must_use]
    pub fn stop(mut self, bound: Bound) -> Self {
        self.stop = bound;
        self
    }

    /// Which hash keys are wanted (full scans only).
    #[must_use]
    pub fn hash_key_filter(mut self, filter: Filter) -> Self {
        self.hash_key_filter = filter;
        self
    }

    /// Which sort keys are wanted.
    #[must_use]
    pub fn sort_key_filter(mut self, filter: Filter) -> Self {
        self.sort_key_filter = filter;
        self
    }

    /// Also fetches when each record expires.
    #[must_use]
    pub fn with_expiry(mut self) -> Self {
        self.with_expiry = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ttl_counts_from_2016_and_rounds_up() {
        assert_eq!(Ttl::Forever.expire_ts_seconds(), 0);
        assert_eq!(Ttl::seconds(0), Ttl::Forever);
        let ten = Ttl::seconds(10).expire_ts_seconds();
        let short = Ttl::After(Duration::from_millis(9_001)).expire_ts_seconds();
        assert!((ten - short).abs() <= 1, "{ten} {short}");
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let unix = i64::try_from(unix).unwrap();
        assert!((i64::from(ten) - (unix - PEGASUS_EPOCH_UNIX_SECONDS + 10)).abs() <= 1);
        let far = Ttl::After(Duration::from_secs(u64::MAX)).expire_ts_seconds();
        assert_eq!(far, -1, "the latest date is u32::MAX");
    }

    #[test]
    fn incr_never_asks_to_keep_by_accident() {
        assert_eq!(IncrTtl::Keep.expire_ts_seconds(), 0);
        assert_eq!(IncrTtl::Clear.expire_ts_seconds(), -1);
        assert_eq!(IncrTtl::Set(Ttl::Forever).expire_ts_seconds(), -1);
        assert!(IncrTtl::Set(Ttl::seconds(1)).expire_ts_seconds() > 0);
    }
}
