//! The configuration over HTTP, for every server: `/configs`, `/config?name=`, and
//! `/updateConfig?<option>=<value>` (tools-and-apis.md section 7.2).

use pegasus_common::ErrorCode;
use pegasus_common::config::ConfigFile;
use pegasus_common::config::Mutability;
use pegasus_common::config::RunningConfig;
use percent_encoding::percent_decode_str;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::http::HttpRequest;
use crate::http::HttpResponse;

/// Answers a request about the configuration; `None` for other paths.
pub fn answer<C: ConfigFile + Clone>(
    config: &RunningConfig<C>,
    request: &HttpRequest,
) -> Option<HttpResponse> {
    match request.path.as_str() {
        "/configs" => Some(HttpResponse::ok(
            Value::Object(options(&config.current())).to_string(),
        )),
        "/config" => Some(one(&config.current(), &request.query)),
        "/updateConfig" => Some(update(config, &request.query)),
        _ => None,
    }
}

/// All options by their full name.
fn options<C: ConfigFile>(config: &C) -> Map<String, Value> {
    let mut all = Map::new();
    for section in config.sections() {
        for option in section.options() {
            let tags = match option.mutability {
                Mutability::Mutable => "flag_tag::FT_MUTABLE",
                Mutability::Fixed => "",
            };
            let value = section.value(option.key).unwrap_or_default();
            let described = json!({
                "name": option.key,
                "section": section.name(),
                "type": option.value_type,
                "tags": tags,
                "description": option.description,
                "value": value.trim_matches('"'),
            });
            all.insert(format!("{}.{}", section.name(), option.key), described);
        }
    }
    all
}

fn one<C: ConfigFile>(config: &C, query: &str) -> HttpResponse {
    let Some((_, name)) = single_pair(query).filter(|(key, _)| key == "name") else {
        return HttpResponse {
            status: 400,
            body: "expected: /config?name=<option>".to_owned(),
        };
    };
    let found = options(config)
        .into_iter()
        .find(|(full_name, option)| *full_name == name || option["name"] == name.as_str());
    match found {
        Some((_, option)) => HttpResponse::ok(option.to_string()),
        None => HttpResponse::ok(format!(
            "{}: '{name}' is not found",
            ErrorCode::ObjectNotFound
        )),
    }
}

fn update<C: ConfigFile + Clone>(config: &RunningConfig<C>, query: &str) -> HttpResponse {
    let status = match single_pair(query) {
        Some((name, value)) => match config.change(&name, &value) {
            Ok(()) => {
                tracing::info!(option = name, value, "option changed while running");
                ErrorCode::Ok.name().to_owned()
            }
            Err(problem) => format!("{}: {problem}", ErrorCode::InvalidParameters),
        },
        None => format!(
            "{}: expected exactly one <option>=<value>",
            ErrorCode::InvalidParameters
        ),
    };
    HttpResponse::ok(json!({ "update_status": status }).to_string())
}

/// The only `key=value` of a query, percent-decoded.
fn single_pair(query: &str) -> Option<(String, String)> {
    let (key, value) = query.split_once('=').filter(|_| !query.contains('&'))?;
    let decode = |text: &str| percent_decode_str(text).decode_utf8().ok().map(Into::into);
    Some((decode(key)?, decode(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    pegasus_common::config_section! {
        /// For the test.
        "test" => TestSection {
            /// May change.
            size: u64 = 1 => 0..=10; mutable,
            /// May not.
            name: String = "a b".to_owned(),
        }
    }
    pegasus_common::config_file! {
        /// For the test.
        TestConfig {
            /// The section.
            test: TestSection,
        }
    }

    fn ask(config: &RunningConfig<TestConfig>, path: &str, query: &str) -> HttpResponse {
        let request = HttpRequest {
            path: path.to_owned(),
            query: query.to_owned(),
            body: bytes::Bytes::new(),
        };
        answer(config, &request).unwrap()
    }

    #[test]
    fn options_are_shown_and_mutable_ones_change() {
        let config = RunningConfig::new(TestConfig::default());
        let changed = ask(&config, "/updateConfig", "size=7");
        assert_eq!(changed.body, r#"{"update_status":"ERR_OK"}"#);
        assert_eq!(config.current().test.size, 7);
        let shown: Value =
            serde_json::from_str(&ask(&config, "/config", "name=size").body).unwrap();
        assert_eq!(shown["value"], "7");
        assert_eq!(shown["tags"], "flag_tag::FT_MUTABLE");
        let all: Value = serde_json::from_str(&ask(&config, "/configs", "").body).unwrap();
        assert_eq!(all["test.name"]["value"], "a b");
    }

    #[test]
    fn what_cannot_be_is_refused_and_changes_nothing() {
        let config = RunningConfig::new(TestConfig::default());
        for query in [
            "name=x",
            "size=11",
            "size=x",
            "nosuch=1",
            "size=1&size=2",
            "size",
            "",
        ] {
            let answer = ask(&config, "/updateConfig", query);
            assert!(
                answer.body.contains("ERR_INVALID_PARAMETERS"),
                "{query}: {}",
                answer.body
            );
        }
        assert_eq!(config.current(), TestConfig::default());
        assert_eq!(ask(&config, "/config", "").status, 400);
        assert!(
            ask(&config, "/config", "name=x")
                .body
                .contains("ERR_OBJECT_NOT_FOUND")
        );
    }
}
