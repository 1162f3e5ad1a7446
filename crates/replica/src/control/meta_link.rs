//! Calls to the leading meta server, whoever that is now.

use std::cell::Cell;
use std::time::Duration;

use pegasus_common::RpcAddress;
use pegasus_rpc::CallError;
use pegasus_rpc::Response;
use pegasus_rpc::RoutingHeader;
use pegasus_rpc::SessionOptions;
use pegasus_rpc::SessionPool;
use pegasus_wire::Message;
use pegasus_wire::TaskCode;

/// The meta servers and which of them leads, as far as known.
pub struct MetaLink {
    metas: Vec<RpcAddress>,
    pool: SessionPool,
    /// A meta server that a beacon's answer named; may be none of the list.
    leader: Cell<RpcAddress>,
    next: Cell<usize>,
}

impl MetaLink {
    /// For a list that is not empty.
    #[must_use]
    pub fn new(metas: Vec<RpcAddress>) -> Self {
        let leader = metas.first().copied().unwrap_or(RpcAddress::INVALID);
        Self {
            metas,
            pool: SessionPool::new(SessionOptions::default()),
            leader: Cell::new(leader),
            next: Cell::new(0),
        }
    }

    /// The meta server that is asked now.
    pub fn leader(&self) -> RpcAddress {
        self.leader.get()
    }

    /// Asks `leader` from now on.
    pub fn follow(&self, leader: RpcAddress) {
        self.leader.set(leader);
    }

    /// The one that was asked does not lead or does not answer: asks the next one from now on.
    pub fn try_next(&self) {
        if self.metas.is_empty() {
            return;
        }
        let next = (self.next.get() + 1) % self.metas.len();
        self.next.set(next);
        self.leader.set(self.metas[next]);
    }

    /// Calls the leading meta server.
    ///
    /// # Errors
    /// It is not reached, does not answer in time, or refuses.
    pub async fn call<M: Message>(
        &self,
        code: TaskCode,
        timeout: Duration,
        argument: &M,
    ) -> Result<Response, CallError> {
        self.pool
            .call(
                self.leader(),
                code,
                RoutingHeader::server(timeout),
                argument,
            )
            .await
    }
}
