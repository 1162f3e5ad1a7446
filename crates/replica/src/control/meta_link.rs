//! Carries the stub's questions to meta servers, and the answers back.

use std::cell::RefCell;

use std::time::Duration;

use pegasus_common::metrics::Counter;
use pegasus_rpc::CallError;
use pegasus_rpc::Response;
use pegasus_rpc::RoutingHeader;
use pegasus_rpc::SessionOptions;
use pegasus_rpc::SessionPool;
use pegasus_wire::TaskCode;
use tracing::debug;

use crate::stub::CallFailure;
use crate::stub::MetaAnswer;
use crate::stub::MetaCall;
use crate::stub::MetaQuestion;

/// A meta server that is there takes a connection at once; a lost packet must not cost the lease.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// Half of the default lease: after a cut that the lease could outlive, a new connection is made in
/// time.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// The connections to the meta servers.
pub struct MetaLink {
    pool: RefCell<SessionPool>,
}

impl MetaLink {
    /// No connection yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            pool: RefCell::new(new_pool()),
        }
    }

    /// Uses new connections from now on, without any pause after earlier failures. Calls that are
    /// under way keep the old ones.
    pub fn reconnect(&self) {
        self.pool.replace(new_pool());
    }

    /// Asks, and waits for the answer at most for the call's patience. `beacon_failures` counts.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn ask(
        &self,
        call: MetaCall,
        beacon_failures: Option<&Counter>,
    ) -> Result<MetaAnswer, CallFailure> {
        let pool = self.pool.borrow().clone();
        let header = RoutingHeader::server(call.patience);
        let to = call.to;
        let answer = match &call.question {
            MetaQuestion::Beacon(beacon) => pool.call(to, TaskCode::Beacon, header, beacon).await,
            MetaQuestion::ConfigSync(request) => {
                pool.call(to, TaskCode::ConfigSync, header, &**request)
                    .await
            }
            MetaQuestion::Reconfigure(request) => {
                let code = TaskCode::UpdatePartitionConfiguration;
                pool.call(to, code, header, &**request).await
            }
        };
        let decoded = answer.and_then(|response| decode(&call.question, &response));
        decoded.map_err(|error| {
            debug!(meta = %to, %error, "a question to the meta server has no answer");
            if let (MetaQuestion::Beacon(_), Some(failures)) = (&call.question, beacon_failures) {
                failures.increment();
            }
            failure(&error)
        })
    }
}

fn new_pool() -> SessionPool {
    SessionPool::new(SessionOptions {
        connect_timeout: CONNECT_TIMEOUT,
        silence_max: SILENCE_MAX,
        ..SessionOptions::default()
    })
}

fn decode(question: &MetaQuestion, response: &Response) -> Result<MetaAnswer, CallError> {
    Ok(match question {
        MetaQuestion::Beacon(_) => MetaAnswer::Beacon(response.decode()?),
        MetaQuestion::ConfigSync(_) => MetaAnswer::ConfigSync(Box::new(response.decode()?)),
        MetaQuestion::Reconfigure(_) => MetaAnswer::Reconfigured(Box::new(response.decode()?)),
    })
}

fn failure(error: &CallError) -> CallFailure {
    match error {
        CallError::Connect { .. }
        | CallError::ConnectionLost { .. }
        | CallError::Overloaded { .. } => CallFailure::NotReached,
        CallError::Timeout { .. } => CallFailure::NoAnswer,
        CallError::Refused { .. } | CallError::MalformedAnswer { .. } => CallFailure::BadAnswer,
    }
}
