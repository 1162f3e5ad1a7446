//! What a server's earlier process may still hold when the next one starts.
//!
//! A killed process keeps its locks and its port until the system has taken its memory apart, which
//! takes a while where there is much of it. Whoever starts it again at once should not be told that
//! it is still running.

use std::thread;
use std::time::Duration;
use std::time::Instant;

/// How long a killed process may take to go. One that stays longer is alive.
pub const PREDECESSOR_PATIENCE: Duration = Duration::from_secs(5);

/// Between two tries. It adds to how long a restart is felt.
const PAUSE: Duration = Duration::from_millis(5);

/// Tries to take something until it succeeds, fails for another reason than that somebody holds it,
/// or `patience` has run out. Blocks; for the start of a server.
///
/// # Errors
/// Those of the last try.
pub fn take_over<T, E>(
    patience: Duration,
    is_held: impl Fn(&E) -> bool,
    mut take: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let started = Instant::now();
    loop {
        match take() {
            Err(error) if is_held(&error) && started.elapsed() < patience => thread::sleep(PAUSE),
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: &str = "held";

    #[test]
    fn what_becomes_free_is_taken() {
        let mut tries = 0;
        let taken = take_over(
            Duration::MAX,
            |&error| error == HELD,
            || {
                tries += 1;
                if tries < 3 { Err(HELD) } else { Ok(tries) }
            },
        );
        assert_eq!(taken, Ok(3));
    }

    #[test]
    fn patience_ends_and_other_errors_count_at_once() {
        let refused = |patience, error| {
            let mut tries = 0;
            let take = || {
                tries += 1;
                Err::<(), _>(error)
            };
            assert_eq!(take_over(patience, |&it| it == HELD, take), Err(error));
            tries
        };
        assert_eq!(refused(Duration::MAX, "broken"), 1);
        assert_eq!(refused(Duration::ZERO, HELD), 1);
        assert!(refused(PAUSE * 3, HELD) > 1);
    }
}
