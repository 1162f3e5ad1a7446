//! What the tasks of one connection tell each other.

use std::cell::Cell;

use tokio::sync::Notify;

/// What a connection's own tasks wait for.
#[derive(Debug, Default)]
pub(crate) struct ConnectionSignals {
    /// The socket did not take everything: the drain task has work.
    pub(crate) blocked: Notify,
    /// Output fell below the limit: reading may go on.
    drained: Notify,
    /// The connection must end.
    pub(crate) closed: Notify,
    is_closed: Cell<bool>,
    /// The reader waits for `drained`.
    is_reader_waiting: Cell<bool>,
}

impl ConnectionSignals {
    /// The connection must end: wakes all its tasks.
    pub(crate) fn close(&self) {
        self.is_closed.set(true);
        self.closed.notify_waiters();
        self.blocked.notify_one();
        self.drained.notify_one();
    }

    /// Whether the connection must end.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Waits until the client has taken enough, or the connection must end. Only its reader may wait.
    pub(crate) async fn wait_drained(&self) {
        self.is_reader_waiting.set(true);
        self.drained.notified().await;
        self.is_reader_waiting.set(false);
    }

    /// The client has taken enough: its reader may go on.
    pub(crate) fn wake_reader(&self) {
        if self.is_reader_waiting.get() {
            self.drained.notify_one();
        }
    }
}
