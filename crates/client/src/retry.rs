//! What follows from a failed attempt: pure decisions (wire-protocol.md section 8.2).
//!
//! One rule stands above the table: a write that cannot be repeated is not sent again once it may
//! have been executed.

use std::time::Duration;

use pegasus_common::ErrorCode;
use pegasus_rpc::{CallError, RequestFate};

/// First pause between two attempts; doubled with each (the official C++ client's figures).
const BACKOFF_FIRST: Duration = Duration::from_millis(8);
/// The longest pause while the primary is looked for. It adds to how long a failover is felt.
const SEARCH_PAUSE_MAX: Duration = Duration::from_millis(100);
/// The longest pause for a server that asks for less load.
const RELIEF_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long the first attempt waits for the meta server's answer; doubled with each. A meta server
/// that is away must not keep operations from servers that are there.
const QUERY_PATIENCE_FIRST: Duration = Duration::from_millis(250);

/// Whether executing an operation twice is the same as executing it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Reads, and writes that set or delete.
    Harmless,
    /// incr and the check operations.
    Harmful,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reaction {
    /// Whether to try again before the deadline.
    pub(crate) next: Next,
    /// Whether the partition's primary may have moved.
    pub(crate) routing: RoutingTrust,
}

/// The operation's next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try again.
    Retry,
    /// Tell the caller.
    Fail,
}

/// What the failure says of the routing table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoutingTrust {
    /// Nothing.
    Kept,
    /// Ask the meta server again.
    Lost,
}

/// Whether the operation surely had no effect.
pub(crate) fn surely_not_executed(error: &CallError) -> bool {
    match error {
        CallError::Refused { code, .. } => refused_before_execution(*code),
        _ => error.fate() == RequestFate::NotSent,
    }
}

/// The codes that a server answers before it has proposed a write (wire-protocol.md section 8.4).
fn refused_before_execution(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ObjectNotFound
            | ErrorCode::HandlerNotFound
            | ErrorCode::AclDeny
            | ErrorCode::InvalidState
            | ErrorCode::InactiveState
            | ErrorCode::InvalidData
            | ErrorCode::InvalidParameters
            | ErrorCode::OperationDisabled
            | ErrorCode::Splitting
            | ErrorCode::ParentPartitionMisused
            | ErrorCode::DiskInsufficient
            | ErrorCode::NotEnoughMember
            | ErrorCode::CapacityExceeded
            | ErrorCode::Busy
    )
}

/// Judges a failed attempt of an operation.
pub(crate) fn react(error: &CallError, repeat: Repeat) -> Reaction {
    let (next, routing) = by_kind(error);
    let unsafe_to_repeat = repeat == Repeat::Harmful && !surely_not_executed(error);
    Reaction {
        next: if unsafe_to_repeat { Next::Fail } else { next },
        routing,
    }
}

fn by_kind(error: &CallError) -> (Next, RoutingTrust) {
    use ErrorCode as E;
    match error {
        CallError::Connect { .. } | CallError::ConnectionLost { .. } => {
            (Next::Retry, RoutingTrust::Lost)
        }
        // The attempt had all the time that was left. The server may hang: ask for another one.
        CallError::Timeout { .. } => (Next::Fail, RoutingTrust::Lost),
        CallError::Overloaded { .. } => (Next::Retry, RoutingTrust::Kept),
        CallError::MalformedAnswer { .. } => (Next::Fail, RoutingTrust::Kept),
        CallError::Refused { code, .. } => match code {
            E::ObjectNotFound | E::InvalidState | E::InactiveState | E::ParentPartitionMisused => {
                (Next::Retry, RoutingTrust::Lost)
            }
            E::NetworkFailure => (Next::Retry, RoutingTrust::Lost),
            E::Timeout | E::NotEnoughMember | E::CapacityExceeded => {
                (Next::Retry, RoutingTrust::Kept)
            }
            _ => (Next::Fail, RoutingTrust::Kept),
        },
    }
}

/// The pauses between the attempts of one operation.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next pause: doubled each time, up to a limit, of which a random quarter is left out so
    /// that clients that failed together do not come back together.
    pub(crate) fn next_pause(&mut self, routing: RoutingTrust) -> Duration {
        let longest = match routing {
            RoutingTrust::Lost => SEARCH_PAUSE_MAX,
            RoutingTrust::Kept => RELIEF_PAUSE_MAX,
        };
        let pause = (BACKOFF_FIRST * (1 << self.attempts.min(10))).min(longest);
        self.attempts = self.attempts.saturating_add(1);
        pause.mul_f64(rand::random_range(0.75..=1.0))
    }

    /// How long to wait for the meta server before the next attempt is made with what is known.
    pub(crate) fn query_patience(&self) -> Duration {
        QUERY_PATIENCE_FIRST * (1 << self.attempts.min(10))
    }
}

#[cfg(test)]
mod tests {
    use pegasus_common::RpcAddress;

    use super::*;

    fn refused(code: ErrorCode) -> CallError {
        CallError::Refused {
            server: RpcAddress::INVALID,
            code,
        }
    }

    fn timeout(fate: RequestFate) -> CallError {
        CallError::Timeout {
            server: RpcAddress::INVALID,
            fate,
            timeout: Duration::ZERO,
        }
    }

    fn lost(fate: RequestFate) -> CallError {
        CallError::ConnectionLost {
            server: RpcAddress::INVALID,
            fate,
            reason: pegasus_rpc::CloseReason::ClosedByPeer,
        }
    }

    #[test]
    fn a_write_that_may_have_happened_is_repeated_only_when_harmless() {
        let sent = lost(RequestFate::MayHaveArrived);
        assert_eq!(react(&sent, Repeat::Harmless).next, Next::Retry);
        assert_eq!(react(&sent, Repeat::Harmful).next, Next::Fail);
        let unsent = lost(RequestFate::NotSent);
        assert_eq!(react(&unsent, Repeat::Harmful).next, Next::Retry);
        let refusal = refused(ErrorCode::Timeout);
        assert_eq!(react(&refusal, Repeat::Harmless).next, Next::Retry);
        assert_eq!(react(&refusal, Repeat::Harmful).next, Next::Fail);
        let unknown = refused(ErrorCode::Unknown);
        assert_eq!(react(&unknown, Repeat::Harmful).next, Next::Fail);
    }

    #[test]
    fn no_code_lets_a_harmful_write_be_repeated_unless_it_was_refused_before_execution() {
        for &code in ErrorCode::ALL {
            let reaction = react(&refused(code), Repeat::Harmful);
            assert!(
                reaction.next == Next::Fail || refused_before_execution(code),
                "{code}"
            );
        }
    }

    #[test]
    fn routing_is_refreshed_where_the_official_clients_do() {
        for code in [
            ErrorCode::ObjectNotFound,
            ErrorCode::InvalidState,
            ErrorCode::InactiveState,
            ErrorCode::ParentPartitionMisused,
        ] {
            let reaction = react(&refused(code), Repeat::Harmful);
            assert_eq!(reaction.routing, RoutingTrust::Lost, "{code}");
            assert_eq!(reaction.next, Next::Retry, "{code}");
        }
        for code in [ErrorCode::NotEnoughMember, ErrorCode::CapacityExceeded] {
            let reaction = react(&refused(code), Repeat::Harmful);
            assert_eq!(reaction.routing, RoutingTrust::Kept, "{code}");
            assert_eq!(reaction.next, Next::Retry, "{code}");
        }
        for code in [
            ErrorCode::Busy,
            ErrorCode::Splitting,
            ErrorCode::DiskInsufficient,
            ErrorCode::HandlerNotFound,
            ErrorCode::OperationDisabled,
            ErrorCode::InvalidData,
            ErrorCode::AclDeny,
        ] {
            assert_eq!(
                react(&refused(code), Repeat::Harmless).next,
                Next::Fail,
                "{code}"
            );
        }
        let late = react(&timeout(RequestFate::MayHaveArrived), Repeat::Harmless);
        assert_eq!(late.routing, RoutingTrust::Lost);
    }

    #[test]
    fn pauses_grow_and_are_bounded() {
        for (routing, longest) in [
            (RoutingTrust::Lost, SEARCH_PAUSE_MAX),
            (RoutingTrust::Kept, RELIEF_PAUSE_MAX),
        ] {
            let mut backoff = Backoff::default();
            let first = backoff.next_pause(routing);
            assert!(first <= BACKOFF_FIRST && first >= BACKOFF_FIRST.mul_f64(0.75));
            for _ in 0..100 {
                assert!(backoff.next_pause(routing) <= longest);
            }
            assert!(backoff.next_pause(routing) >= longest.mul_f64(0.75));
        }
    }
}
