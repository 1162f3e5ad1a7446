//! What administrators do to the table while servers die: they change its environments and its number
//! of replicas, drop it and recall it.

use pegasus_meta::effect::RequestToken;
use pegasus_meta::table_request::TableRequest;
use pegasus_wire::meta_admin::{
    AppEnvOperation, ConfigurationDropAppRequest, ConfigurationRecallAppRequest,
    ConfigurationSetMaxReplicaCountRequest, ConfigurationUpdateAppEnvRequest,
};

use crate::cluster::{Cluster, MEMBERS, TABLE};

/// One of so many steps sees a request.
const REQUEST_EVERY: u64 = 400;
/// How often a good administrator looks after the faults, in milliseconds.
const LOOK_EVERY: u64 = 500;
/// Nobody waits for the answers.
const NOBODY: RequestToken = RequestToken(0);

impl Cluster {
    /// A request in the midst of the faults.
    pub fn administer(&mut self) {
        if !self.meta_runs() || self.random.below(REQUEST_EVERY) > 0 {
            return;
        }
        let request = match self.random.below(4) {
            0 => set_env(self.random.below(1_000)),
            1 => {
                let most = u64::try_from(MEMBERS).unwrap();
                replicas(self.random.between(1, most))
            }
            2 => TableRequest::Drop(ConfigurationDropAppRequest {
                app_name: TABLE.to_owned(),
                ..ConfigurationDropAppRequest::default()
            }),
            _ => recall(),
        };
        self.change_table(request);
    }

    /// After the faults the table is to be in service, with all its replicas.
    pub fn put_right(&mut self) {
        if self.meta_runs() && self.now.is_multiple_of(LOOK_EVERY) {
            self.change_table(recall());
            self.change_table(replicas(u64::try_from(MEMBERS).unwrap()));
        }
    }

    fn change_table(&mut self, request: TableRequest) {
        self.note("asked", &request);
        self.with_core(|core, now, out| core.change_table(now, NOBODY, request, out));
    }
}

fn recall() -> TableRequest {
    TableRequest::Recall(ConfigurationRecallAppRequest {
        app_id: 1,
        new_app_name: String::new(),
    })
}

fn replicas(count: u64) -> TableRequest {
    TableRequest::SetReplicaCount(ConfigurationSetMaxReplicaCountRequest {
        app_name: TABLE.to_owned(),
        max_replica_count: i32::try_from(count).unwrap(),
    })
}

fn set_env(ttl: u64) -> TableRequest {
    TableRequest::UpdateEnvs(ConfigurationUpdateAppEnvRequest {
        app_name: TABLE.to_owned(),
        op: AppEnvOperation::APP_ENV_OP_SET,
        keys: Some(vec!["default_ttl".to_owned()]),
        values: Some(vec![ttl.to_string()]),
        clear_prefix: None,
    })
}
