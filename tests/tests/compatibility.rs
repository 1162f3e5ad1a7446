//! docs/compatibility.md says the truth about calls, error codes and table environments.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs;

use pegasus_common::ErrorCode;
use pegasus_common::table_env::TableEnv;
use pegasus_tests::raw_socket::{Ending, RawSocket, request_frame};
use pegasus_tests::{Onebox, OneboxOptions, checkout, shared_directory};
use pegasus_wire::TaskCode;
use pegasus_wire::task_code::TaskKind;

const PAGE: &str = "docs/compatibility.md";
/// Set to rewrite the generated part of the page instead of comparing it.
const UPDATE: &str = "UPDATE_DOCS";

fn page() -> String {
    fs::read_to_string(checkout().join(PAGE)).expect("the page is there")
}

/// What stands between two marks of the page.
fn section<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) = page
        .split_once(&format!("<!-- {name}: begin -->"))
        .unwrap_or_else(|| panic!("{PAGE} has no section '{name}'"));
    let (section, _) = rest
        .split_once(&format!("<!-- {name}: end -->"))
        .unwrap_or_else(|| panic!("the section '{name}' of {PAGE} has no end"));
    section
}

/// The cells of the rows of a table, without its head.
fn rows(section: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
}

/// The words in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// What a page of the original's description names.
fn names_in(reference: &str, prefix: &str) -> BTreeSet<String> {
    let path = shared_directory().join("reference").join(reference);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let is_part = |part: char| part.is_ascii_uppercase() || part.is_ascii_digit() || part == '_';
    let words = text.split(|part| !is_part(part));
    words
        .filter(|word| word.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}

/// How the page says that a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Served,
    /// In a form of our own, which only our servers send.
    OwnForm,
    Absent,
}

fn calls() -> BTreeMap<String, State> {
    let page = page();
    let mut calls = BTreeMap::new();
    for row in rows(section(&page, "calls")) {
        let state = match row[2] {
            text if text.starts_with("same") || text.starts_with("better") => State::Served,
            text if text.starts_with("own form") => State::OwnForm,
            text if text.starts_with("not yet: ") || text.starts_with("not needed: ") => {
                State::Absent
            }
            text => panic!("{PAGE}: '{text}' is no state of a call"),
        };
        for name in quoted(row[0]) {
            let twice = calls.insert(name.to_owned(), state);
            assert_eq!(twice, None, "{PAGE} lists {name} twice");
        }
    }
    calls
}

#[test]
fn every_call_of_the_original_is_listed() {
    /// Beginnings of names, and a name for examples.
    const NO_NAMES: [&str; 3] = ["RPC_CM_GET", "RPC_X", "RPC_CM_"];
    let calls = calls();
    for reference in [
        "meta-server.md",
        "storage.md",
        "replication.md",
        "wire-protocol.md",
    ] {
        for name in names_in(reference, "RPC_") {
            let is_name = !name.ends_with('_') && !NO_NAMES.contains(&&name[..]);
            let call = name.strip_suffix("_ACK").unwrap_or(&name);
            assert!(
                !is_name || calls.contains_key(call),
                "{PAGE} does not list {name}"
            );
        }
    }
    let mut ours = BTreeSet::new();
    for (name, state) in &calls {
        let code = TaskCode::from_name(name.as_bytes());
        assert!(
            *state == State::Absent || code.is_some(),
            "{name} is not known here"
        );
        ours.extend(code);
    }
    // What is left are names of our own, between our own servers and tools.
    let left = TaskCode::ALL.iter().filter(|code| !ours.contains(code));
    for code in left {
        let kind = code.kind();
        assert!(
            matches!(kind, TaskKind::Peer | TaskKind::Group | TaskKind::Admin),
            "{PAGE} does not list {code}"
        );
    }
}

#[test]
fn calls_are_served_as_the_table_says() {
    let onebox = Onebox::start(OneboxOptions::default());
    let nodes = onebox.nodes();
    let address = |role: &str| {
        let node = nodes.iter().find(|node| node.role == role);
        node.expect("one of each role").address.clone()
    };
    let (meta, replica) = (address("meta"), address("replica"));
    for (name, state) in calls() {
        let kind = TaskCode::from_name(name.as_bytes()).map(TaskCode::kind);
        let is_for_meta = name.starts_with("RPC_CM_") || kind == Some(TaskKind::Beacon);
        let (server, partition) = match kind {
            _ if is_for_meta => (&meta, (0, 0)),
            Some(TaskKind::Read | TaskKind::Write) => (&replica, (1, 0)),
            _ => (&replica, (0, 0)),
        };
        let is_known = !is_refused_as_unknown(server, &name, partition);
        match state {
            State::Served => assert!(is_known, "{name} is not served"),
            State::Absent => assert!(!is_known, "{name} is served: {PAGE} does not say so"),
            State::OwnForm => {}
        }
    }
}

/// Whether a server says that it has no handler for a call. The argument is empty: nothing is done.
fn is_refused_as_unknown(server: &str, name: &str, partition: (i32, i32)) -> bool {
    const EMPTY: [u8; 1] = [0];
    let mut socket = RawSocket::open(server);
    assert!(socket.send(&request_frame(name.as_bytes(), partition, &EMPTY)));
    socket.finish_sending();
    let Ending::Closed(answer) = socket.ending() else {
        panic!("{server}: {name} is never done");
    };
    let error = b"ERR_HANDLER_NOT_FOUND";
    answer.windows(error.len()).any(|part| part == error)
}

#[test]
fn every_error_code_is_listed_and_known() {
    let page = page();
    let mut listed = BTreeSet::new();
    for row in rows(section(&page, "error codes")) {
        for name in quoted(row[0]) {
            assert!(listed.insert(name.to_owned()), "{PAGE} lists {name} twice");
        }
    }
    let known: BTreeSet<String> = ErrorCode::ALL
        .iter()
        .map(|code| code.name().to_owned())
        .collect();
    assert_eq!(listed, known, "{PAGE} (left) and the code (right)");
    /// Those that only clients give themselves, and a placeholder.
    const OF_CLIENTS: [&str; 3] = ["ERR_SESSION_RESET", "ERR_THREAD_INTERRUPTED", "ERR_"];
    for name in names_in("wire-protocol.md", "ERR_") {
        let is_of_clients = OF_CLIENTS.contains(&&name[..]);
        assert!(
            is_of_clients || listed.contains(&name),
            "{PAGE} does not list {name}"
        );
    }
}

#[test]
fn every_table_environment_is_described() {
    let mut expected = String::from("\n\n| Key | Values | Effect |\n|---|---|---|\n");
    for env in TableEnv::ALL {
        let values = env.grammar().to_string().replace('|', "\\|");
        let (key, effect) = (env.key(), env.effect().name());
        writeln!(expected, "| `{key}` | `{values}` | {effect} |").expect("a string takes it");
    }
    expected.push('\n');
    let page = page();
    let found = section(&page, "table environments");
    if found == expected {
        return;
    }
    assert!(
        env::var_os(UPDATE).is_some(),
        "{PAGE} does not tell the truth about table environments; {UPDATE}=1 cargo test -p \
         pegasus-tests --test compatibility rewrites it"
    );
    let name = "table environments";
    let before = format!("<!-- {name}: begin -->{found}<!-- {name}: end -->");
    let after = format!("<!-- {name}: begin -->{expected}<!-- {name}: end -->");
    fs::write(checkout().join(PAGE), page.replace(&before, &after)).expect("it can be written");
}
