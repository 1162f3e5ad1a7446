//! What an administrator asks of the meta server: the table is made, dropped, and wanted back.

use pegasus_meta::cluster_state::ClusterState;
use pegasus_meta::core::{MetaCore, Now};
use pegasus_meta::effect::{Effect, RequestToken};
use pegasus_meta::table::TableStatus;
use pegasus_wire::meta_admin::{
    ConfigurationCreateAppRequest, ConfigurationDropAppRequest, ConfigurationRecallAppRequest,
    CreateAppOptions,
};

use super::{MetaNode, TABLE};
use crate::surroundings::Surroundings;

impl MetaNode {
    /// An administrator makes the table.
    pub fn create_table(&mut self, around: &mut Surroundings) {
        let request = ConfigurationCreateAppRequest {
            app_name: TABLE.to_owned(),
            options: CreateAppOptions {
                partition_count: around.plan.partitions,
                replica_count: around.plan.replica_count,
                success_if_exist: true,
                app_type: "pegasus".to_owned(),
                is_stateful: true,
                ..CreateAppOptions::default()
            },
        };
        self.administer(around, |core, now, token, out| {
            core.create_app(now, token, &request, out);
        });
    }

    /// An administrator drops the table, if it is in service.
    pub fn drop_table(&mut self, around: &mut Surroundings) {
        let request = ConfigurationDropAppRequest {
            app_name: TABLE.to_owned(),
            ..ConfigurationDropAppRequest::default()
        };
        around.note("drop-table", [0; 3], String::new);
        self.administer(around, |core, now, token, out| {
            core.change_table(now, token, request.into(), out);
        });
    }

    /// An administrator wants the table back, if it is dropped.
    pub fn recall_table(&mut self, around: &mut Surroundings) {
        let Some(app_id) = self.state().and_then(dropped_table) else {
            return;
        };
        around.note("recall-table", [0; 3], String::new);
        let request = ConfigurationRecallAppRequest {
            app_id,
            new_app_name: String::new(),
        };
        self.administer(around, |core, now, token, out| {
            core.change_table(now, token, request.into(), out);
        });
    }

    /// A request of an administrator reaches the process, if it runs. Nobody waits for the answer.
    fn administer(
        &mut self,
        around: &mut Surroundings,
        request: impl FnOnce(&mut MetaCore, Now, RequestToken, &mut Vec<Effect>),
    ) {
        let now = self.now(around.now());
        let mut effects = Vec::new();
        if self.is_up()
            && let Some(process) = &mut self.process
        {
            process.last_number += 1;
            let token = RequestToken(process.last_number);
            request(&mut process.core, now, token, &mut effects);
        }
        for effect in effects {
            self.execute(effect, around);
        }
    }
}

/// The number of the table, if it is dropped.
fn dropped_table(state: &ClusterState) -> Option<i32> {
    let mut infos = state.tables().map(|table| &table.info);
    let dropped = infos.find(|info| info.name == TABLE && info.status == TableStatus::Dropped)?;
    Some(dropped.id.0)
}
