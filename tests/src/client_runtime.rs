//! Where the asynchronous part of a test runs.

use tokio::runtime::{Builder, Runtime};

/// A runtime on the test's own thread, enough for any number of clients of one test.
///
/// # Panics
/// The system gives no event queue.
#[must_use]
pub fn client_runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("an event queue")
}
