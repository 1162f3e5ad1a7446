//! The HTTP answers of a replica server (tools-and-apis.md section 7). More paths come with the
//! features that they show.

use std::sync::Arc;

use pegasus_rpc::HttpRequest;
use pegasus_rpc::HttpResponse;
use pegasus_rpc::config_pages;

use crate::node::Node;

/// Answers a request.
pub fn answer(node: &Arc<Node>, request: &HttpRequest) -> HttpResponse {
    match request.path.as_str() {
        "/version" => HttpResponse::ok(format!(
            "{{\"Version\":\"{}\",\"GitCommit\":\"{}\"}}",
            env!("CARGO_PKG_VERSION"),
            option_env!("PEGASUS_GIT_COMMIT").unwrap_or("unknown")
        )),
        "/health" => {
            let held = node
                .lease
                .is_held(pegasus_common::clock::MonotonicMillis::now());
            let state = if held {
                "serving"
            } else {
                "without a lease from the meta server"
            };
            HttpResponse {
                status: if held { 200 } else { 503 },
                body: state.to_owned(),
            }
        }
        "/metrics" => HttpResponse::ok(node.metrics.registry.prometheus_text()),
        path => config_pages::answer(&node.running_config, request)
            .unwrap_or_else(|| HttpResponse::not_found(path)),
    }
}
