//! The replica server's half of failure detection: until when it may serve (design invariant I4).
//!
//! The lease counts from the *sending* of a beacon that the leading meta server acknowledged, on this
//! machine's monotonic clock; the meta server's grace counts from the receipt and is longer. So this
//! server stops serving before its partitions are given away, whatever the network does.
//!
//! A lease that has lapsed may return, but in between the meta server may have given this server's
//! partitions away. So leases have *terms*: what was true of a partition in one term says nothing
//! about the next. A primary serves only in the term in which the meta server confirmed it.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use pegasus_common::clock::MonotonicMillis;
use pegasus_pacifica::LeaseTerm;

/// Until when, and in which term, this server may serve as primary. The stub writes it; any thread
/// reads it, for every read and before every acknowledgement.
///
/// # Why a reader is never wrong
///
/// A term is stored before the expiry that makes it valid, both with release semantics, and a reader
/// loads them in the opposite order. So who sees an expiry sees its term, or a later one: a reader
/// that asks for an earlier term is refused.
#[derive(Debug)]
pub struct Lease {
    length: Duration,
    /// Writers take turns; readers never wait for them.
    writing: Mutex<Closing>,
    /// A [`LeaseTerm`].
    term: AtomicU64,
    /// A [`MonotonicMillis`]; 0 is "never held" or "closed".
    expires_ms: AtomicU64,
}

/// Whether the lease can still be extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    Open,
    Closed,
}

/// What an acknowledged beacon did for the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// A lease that had lapsed, or was never held, is held in this new term: nobody is confirmed in
    /// it yet.
    Began(LeaseTerm),
    /// The present term lasts longer.
    Prolonged,
    /// Nothing: the beacon is too old, or the lease is closed.
    None,
}

impl Lease {
    /// No lease held yet; each acknowledged beacon gives `length`.
    #[must_use]
    pub fn new(length: Duration) -> Self {
        Self {
            length,
            writing: Mutex::new(Closing::Open),
            term: AtomicU64::new(LeaseTerm::NEVER.0),
            expires_ms: AtomicU64::new(0),
        }
    }

    /// How long an acknowledged beacon lets this server serve.
    #[must_use]
    pub const fn length(&self) -> Duration {
        self.length
    }

    /// The leading meta server acknowledged the beacon that was sent at `sent`; the answer is looked
    /// at `now`. A late answer to an older beacon never shortens the lease.
    ///
    /// If the lease is still held at `now`, the meta server has not declared this server dead between
    /// the beacons, so the term goes on, however late the store below becomes visible.
    pub fn extend(&self, sent: MonotonicMillis, now: MonotonicMillis) -> Extension {
        let closing = self.writing.lock();
        let (expires, wanted) = (
            self.expires_ms.load(Ordering::Relaxed),
            sent.after(self.length).0,
        );
        if *closing == Closing::Closed || wanted <= now.0 || wanted <= expires {
            return Extension::None;
        }
        if now.0 < expires {
            self.expires_ms.store(wanted, Ordering::Release);
            return Extension::Prolonged;
        }
        let term = LeaseTerm(self.term.load(Ordering::Relaxed) + 1);
        self.term.store(term.0, Ordering::Release);
        self.expires_ms.store(wanted, Ordering::Release);
        Extension::Began(term)
    }

    /// Ends the lease for good: this server says goodbye. No answer that is still on its way brings
    /// it back.
    pub fn close(&self) {
        let mut closing = self.writing.lock();
        *closing = Closing::Closed;
        self.expires_ms.store(0, Ordering::Release);
    }

    /// The term in which the lease is held at `now`, if it is.
    #[must_use]
    pub fn held_term(&self, now: MonotonicMillis) -> Option<LeaseTerm> {
        let expires = self.expires_ms.load(Ordering::Acquire);
        // Not older than the term of `expires`; a newer one began after `expires` had passed.
        let term = LeaseTerm(self.term.load(Ordering::Acquire));
        (now.0 < expires).then_some(term)
    }

    /// Whether the lease is held at `now`, and in this very term.
    #[must_use]
    pub fn is_held_in(&self, term: LeaseTerm, now: MonotonicMillis) -> bool {
        self.held_term(now) == Some(term)
    }

    /// Whether the lease is held at `now`, in whatever term.
    #[must_use]
    pub fn is_held(&self, now: MonotonicMillis) -> bool {
        self.held_term(now).is_some()
    }

    /// When the lease lapses if no further beacon is acknowledged; `None` if it was never held or is
    /// closed.
    #[must_use]
    pub fn expiry(&self) -> Option<MonotonicMillis> {
        match self.expires_ms.load(Ordering::Acquire) {
            0 => None,
            expires => Some(MonotonicMillis(expires)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use proptest::prelude::*;

    use super::*;

    const LENGTH: Duration = Duration::from_millis(2_000);

    fn at(millis: u64) -> MonotonicMillis {
        MonotonicMillis(millis)
    }

    #[test]
    fn the_lease_counts_from_the_sending_and_never_shrinks() {
        let lease = Lease::new(LENGTH);
        assert_eq!(lease.held_term(at(1_000)), None);
        let began = Extension::Began(LeaseTerm(1));
        assert_eq!(lease.extend(at(1_500), at(1_700)), began);
        assert_eq!(lease.extend(at(1_200), at(1_800)), Extension::None);
        assert!(lease.is_held_in(LeaseTerm(1), at(3_499)));
        assert!(!lease.is_held(at(3_500)));
    }

    #[test]
    fn a_lapse_begins_a_new_term() {
        let lease = Lease::new(LENGTH);
        lease.extend(at(1_000), at(1_001));
        assert_eq!(lease.extend(at(2_900), at(2_999)), Extension::Prolonged);
        // Held until 4,900; the next answer is looked at when that has passed.
        let began = Extension::Began(LeaseTerm(2));
        assert_eq!(lease.extend(at(4_800), at(4_900)), began);
        assert!(!lease.is_held_in(LeaseTerm(1), at(4_900)));
        assert!(lease.is_held_in(LeaseTerm(2), at(6_799)));
    }

    #[test]
    fn an_answer_that_is_older_than_a_lease_gives_nothing() {
        let lease = Lease::new(LENGTH);
        assert_eq!(lease.extend(at(1_000), at(3_000)), Extension::None);
        assert_eq!(lease.held_term(at(3_000)), None);
    }

    #[test]
    fn a_closed_lease_stays_closed() {
        let lease = Lease::new(LENGTH);
        lease.extend(at(1_000), at(1_001));
        lease.close();
        assert!(!lease.is_held(at(1_002)));
        assert_eq!(lease.extend(at(1_001), at(1_003)), Extension::None);
        assert!(!lease.is_held(at(1_004)));
        assert_eq!(lease.expiry(), None);
    }

    proptest! {
        /// Against a model that keeps every beacon: a term is held without a break, and it is held
        /// only within `LENGTH` of the sending of an acknowledged beacon.
        #[test]
        fn terms_have_no_holes(steps in prop::collection::vec((1_u64..1_500, 0_u64..3_000), 1..60)) {
            let lease = Lease::new(LENGTH);
            let (mut now, mut expires, mut term) = (10_000, 0, 0);
            for (pause, age) in steps {
                now += pause;
                let sent = now - age;
                let was_held = now < expires;
                let extension = lease.extend(at(sent), at(now));
                let wanted = sent + 2_000;
                if wanted > now && wanted > expires {
                    expires = wanted;
                    if was_held {
                        prop_assert_eq!(extension, Extension::Prolonged);
                    } else {
                        term += 1;
                        prop_assert_eq!(extension, Extension::Began(LeaseTerm(term)));
                    }
                } else {
                    prop_assert_eq!(extension, Extension::None);
                }
                let held = (now < expires).then_some(LeaseTerm(term));
                prop_assert_eq!(lease.held_term(at(now)), held);
                prop_assert_eq!(lease.held_term(at(expires)), None);
            }
        }
    }

    /// Readers on other threads, while terms begin and lapse: whoever is told that a term is held at
    /// an instant asks about an instant of that term. Each term `n` lasts from `n * 10_000` for
    /// `LENGTH`.
    #[test]
    fn readers_never_see_an_old_term_with_a_new_expiry() {
        let lease = Arc::new(Lease::new(LENGTH));
        let is_over = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (lease, is_over) = (Arc::clone(&lease), Arc::clone(&is_over));
                std::thread::spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        let Some(expiry) = lease.expiry() else {
                            continue;
                        };
                        let instant = at(expiry.0 - 1);
                        let previous = LeaseTerm(instant.0 / 10_000 - 1);
                        assert!(!lease.is_held_in(previous, instant));
                    }
                })
            })
            .collect();
        for term in 1..20_000_u64 {
            let sent = at(term * 10_000);
            assert_eq!(lease.extend(sent, sent), Extension::Began(LeaseTerm(term)));
        }
        is_over.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
    }
}
