//! Requests from sockets to the core and answers back.

use std::rc::Rc;

use pegasus_common::ErrorCode;
use pegasus_common::config::RunningConfig;
use pegasus_rpc::{HttpRequest, HttpResponse, Request, Responder, Service, config_pages};
use pegasus_wire::failure_detector::{BeaconAck, BeaconMsg};
use pegasus_wire::layer2::{PartitionConfiguration, QueryCfgResponse};
use pegasus_wire::meta_admin::{
    ConfigurationBalancerResponse, ConfigurationClusterInfoRequest,
    ConfigurationClusterInfoResponse, ConfigurationCreateAppResponse, ConfigurationDropAppRequest,
    ConfigurationDropAppResponse, ConfigurationGetAtomicIdempotentResponse,
    ConfigurationGetMaxReplicaCountResponse, ConfigurationListAppsResponse,
    ConfigurationListNodesResponse, ConfigurationMetaControlResponse,
    ConfigurationQueryByNodeResponse, ConfigurationRecallAppRequest,
    ConfigurationRecallAppResponse, ConfigurationRenameAppRequest, ConfigurationRenameAppResponse,
    ConfigurationSetAtomicIdempotentRequest, ConfigurationSetAtomicIdempotentResponse,
    ConfigurationSetMaxReplicaCountRequest, ConfigurationSetMaxReplicaCountResponse,
    ConfigurationUpdateAppEnvRequest, ConfigurationUpdateAppEnvResponse,
    ConfigurationUpdateResponse, DddDiagnoseResponse, MetaDumpRequest, MetaDumpResponse,
    MetaMembersResponse,
};
use pegasus_wire::{Message, TaskCode};
use tokio::task::spawn_local;

use crate::config::MetaServerConfig;
use crate::core::{MetaCore, Now};
use crate::driver::{Driver, Role};
use crate::effect::{Effect, RequestToken};
use crate::group::Group;
use crate::table_request::TableRequest;

/// The meta server's side of its connections.
#[derive(Debug)]
pub struct MetaService {
    driver: Rc<Driver>,
    group: Option<Rc<Group>>,
    config: RunningConfig<MetaServerConfig>,
}

impl MetaService {
    /// Serves what the driver drives, and the other members of the group, if there is one.
    #[must_use]
    pub fn new(
        driver: Rc<Driver>,
        group: Option<Rc<Group>>,
        config: RunningConfig<MetaServerConfig>,
    ) -> Self {
        Self {
            driver,
            group,
            config,
        }
    }

    /// Answers at once from what the core returns; `None` leaves the request without an answer.
    fn answer<A: Message, R: Message>(
        &self,
        request: Request,
        handle: impl FnOnce(&mut MetaCore, Now, &A, &mut Vec<Effect>) -> Option<R>,
    ) {
        let Ok(argument) = pegasus_wire::argument::decode::<A>(&request.argument) else {
            return request.responder.fail(ErrorCode::InvalidData);
        };
        let answer = self
            .driver
            .with_core(|core, now, out| handle(core, now, &argument, out));
        match answer.flatten() {
            Some(answer) => request.responder.reply(&answer),
            None => request.responder.leave_unanswered(),
        }
    }

    /// Lets the core answer later.
    fn answer_later<A: Message>(
        &self,
        request: Request,
        handle: impl FnOnce(&mut MetaCore, Now, RequestToken, &A, &mut Vec<Effect>),
    ) {
        let Ok(argument) = pegasus_wire::argument::decode::<A>(&request.argument) else {
            return request.responder.fail(ErrorCode::InvalidData);
        };
        let token = self.driver.keep(request.code, request.responder);
        self.driver
            .with_core(|core, now, out| handle(core, now, token, &argument, out));
    }

    /// A change of a table that exists.
    fn change_table<A: Message + Clone + Into<TableRequest>>(&self, request: Request) {
        self.answer_later(request, |core, now, token, argument: &A, out| {
            core.change_table(now, token, argument.clone().into(), out);
        });
    }

    /// RPC_CM_META_DUMP.
    fn dump(&self, request: Request) {
        if pegasus_wire::argument::decode::<MetaDumpRequest>(&request.argument).is_err() {
            return request.responder.fail(ErrorCode::InvalidData);
        }
        let driver = Rc::clone(&self.driver);
        spawn_local(async move {
            match driver.dump().await {
                Some(dump) => request.responder.reply(&MetaDumpResponse {
                    err: ErrorCode::Ok,
                    dump,
                }),
                None => refuse(request.code, request.responder, ErrorCode::ServiceNotActive),
            }
        });
    }

    fn lead(&self, request: Request) {
        match request.code {
            TaskCode::QueryConfig => {
                self.answer(request, |core, _, argument, _| {
                    Some(core.query_cfg(argument))
                });
            }
            TaskCode::ListApps => {
                self.answer(request, |core, _, argument, _| {
                    Some(core.list_apps(argument))
                });
            }
            TaskCode::ListNodes => {
                self.answer(request, |core, _, argument, _| {
                    Some(core.list_nodes(argument))
                });
            }
            TaskCode::ClusterInfo => {
                let members = self.group.as_ref().map(|group| group.addresses());
                self.answer(
                    request,
                    |core, _, _: &ConfigurationClusterInfoRequest, _| {
                        Some(core.cluster_info(members))
                    },
                );
            }
            TaskCode::ControlMeta => {
                self.answer(request, |core, _, argument, _| {
                    Some(core.control_meta(argument))
                });
            }
            TaskCode::MetaDump => self.dump(request),
            TaskCode::MetaMembers => match &self.group {
                Some(group) => group.on_members(request),
                None => request.responder.fail(ErrorCode::HandlerNotFound),
            },
            TaskCode::Beacon => self.answer(request, MetaCore::beacon),
            TaskCode::ConfigSync => self.answer(request, |core, now, argument, out| {
                Some(core.config_sync(now, argument, out))
            }),
            TaskCode::ProposeBalancer => self.answer(request, |core, now, argument, out| {
                Some(core.propose_balancer(now, argument, out))
            }),
            TaskCode::DddDiagnose => {
                self.answer(request, |core, _, argument, _| {
                    Some(core.ddd_diagnose(argument))
                });
            }
            TaskCode::CreateApp => self.answer_later(request, MetaCore::create_app),
            TaskCode::DropApp => self.change_table::<ConfigurationDropAppRequest>(request),
            TaskCode::RecallApp => self.change_table::<ConfigurationRecallAppRequest>(request),
            TaskCode::RenameApp => self.change_table::<ConfigurationRenameAppRequest>(request),
            TaskCode::UpdateAppEnv => {
                self.change_table::<ConfigurationUpdateAppEnvRequest>(request);
            }
            TaskCode::SetMaxReplicaCount => {
                self.change_table::<ConfigurationSetMaxReplicaCountRequest>(request);
            }
            TaskCode::SetAtomicIdempotent => {
                self.change_table::<ConfigurationSetAtomicIdempotentRequest>(request);
            }
            TaskCode::GetMaxReplicaCount => self.answer(request, |core, _, argument, _| {
                Some(core.max_replica_count(argument))
            }),
            TaskCode::GetAtomicIdempotent => self.answer(request, |core, _, argument, _| {
                Some(core.atomic_idempotent(argument))
            }),
            TaskCode::UpdatePartitionConfiguration => {
                self.answer_later(request, |core, _, token, argument, out| {
                    core.update_configuration(token, argument, out);
                });
            }
            _ => request.responder.fail(ErrorCode::HandlerNotFound),
        }
    }

    /// Answers without a core: another meta server leads, or this one is loading.
    fn stand_by(&self, request: Request, role: &Role) {
        match request.code {
            TaskCode::Beacon => {
                let Ok(beacon) = pegasus_wire::argument::decode(&request.argument) else {
                    return request.responder.fail(ErrorCode::InvalidData);
                };
                request.responder.reply(&self.refused_beacon(&beacon, role));
            }
            TaskCode::QueryConfig => request.responder.reply(&QueryCfgResponse {
                err: role.refusal(),
                partitions: role.leader().map_or_else(Vec::new, |leader| {
                    vec![PartitionConfiguration {
                        primary: leader,
                        ..PartitionConfiguration::default()
                    }]
                }),
                ..QueryCfgResponse::default()
            }),
            code => refuse(code, request.responder, role.refusal()),
        }
    }

    fn refused_beacon(&self, beacon: &BeaconMsg, role: &Role) -> BeaconAck {
        BeaconAck {
            time: beacon.time,
            this_node: self.driver.address(),
            primary_node: role.leader().unwrap_or_default(),
            is_master: false,
            allowed: true,
            ..BeaconAck::default()
        }
    }
}

/// Answers a call with an error in the place where its callers look for it.
pub fn refuse(code: TaskCode, responder: Responder, err: ErrorCode) {
    macro_rules! reply {
        ($response:ident) => {
            responder.reply(&$response {
                err,
                ..$response::default()
            })
        };
    }
    match code {
        TaskCode::QueryConfig => reply!(QueryCfgResponse),
        TaskCode::ListApps => reply!(ConfigurationListAppsResponse),
        TaskCode::ListNodes => reply!(ConfigurationListNodesResponse),
        TaskCode::ClusterInfo => reply!(ConfigurationClusterInfoResponse),
        TaskCode::ControlMeta => reply!(ConfigurationMetaControlResponse),
        TaskCode::ConfigSync => reply!(ConfigurationQueryByNodeResponse),
        TaskCode::ProposeBalancer => responder.reply(&ConfigurationBalancerResponse { err }),
        TaskCode::DddDiagnose => reply!(DddDiagnoseResponse),
        TaskCode::MetaMembers => reply!(MetaMembersResponse),
        TaskCode::MetaDump => reply!(MetaDumpResponse),
        TaskCode::CreateApp => reply!(ConfigurationCreateAppResponse),
        TaskCode::DropApp => responder.reply(&ConfigurationDropAppResponse { err }),
        TaskCode::RecallApp => reply!(ConfigurationRecallAppResponse),
        TaskCode::RenameApp => reply!(ConfigurationRenameAppResponse),
        TaskCode::UpdateAppEnv => reply!(ConfigurationUpdateAppEnvResponse),
        TaskCode::GetMaxReplicaCount => reply!(ConfigurationGetMaxReplicaCountResponse),
        TaskCode::SetMaxReplicaCount => reply!(ConfigurationSetMaxReplicaCountResponse),
        TaskCode::GetAtomicIdempotent => reply!(ConfigurationGetAtomicIdempotentResponse),
        TaskCode::SetAtomicIdempotent => reply!(ConfigurationSetAtomicIdempotentResponse),
        TaskCode::UpdatePartitionConfiguration => reply!(ConfigurationUpdateResponse),
        _ => responder.fail(ErrorCode::HandlerNotFound),
    }
}

impl Service for MetaService {
    fn on_request(&self, request: Request) {
        if request.code == TaskCode::MetaGroup
            && let Some(group) = &self.group
        {
            return group.on_message(request);
        }
        match self.driver.standby_role() {
            None => self.lead(request),
            Some(role) => self.stand_by(request, &role),
        }
    }

    fn on_http(&self, request: &HttpRequest) -> HttpResponse {
        match request.path.as_str() {
            "/version" => HttpResponse::ok(format!(
                "{{\"Version\":\"{}\",\"GitCommit\":\"\"}}",
                env!("CARGO_PKG_VERSION")
            )),
            "/health" => HttpResponse::ok(match self.driver.standby_role() {
                None => "leader",
                Some(Role::Loading) => "loading",
                Some(_) => "standby",
            }),
            "/metrics" => HttpResponse::ok(self.driver.metrics_text()),
            path => config_pages::answer(&self.config, request)
                .unwrap_or_else(|| HttpResponse::not_found(path)),
        }
    }
}
