//! `pegasus shell` and `pegasus bench` as a person and a script use them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use pegasus_tests::{Onebox, OneboxOptions, binary};
use serde_json::{Value, json};

const WORKLOADS: [&str; 11] = [
    "put",
    "get",
    "mixed",
    "multi_get",
    "scan",
    "ycsb-a",
    "ycsb-b",
    "ycsb-c",
    "ycsb-d",
    "ycsb-e",
    "ycsb-f",
];

/// A cluster and how to talk to it.
struct Shell {
    meta: String,
    _onebox: Onebox,
}

impl Shell {
    fn start() -> Self {
        let onebox = Onebox::start(OneboxOptions {
            durability: "os",
            ..OneboxOptions::default()
        });
        Self {
            meta: onebox.meta_list(),
            _onebox: onebox,
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command.args(["shell", "--meta", &self.meta, "--table", "temp"]);
        command
    }

    fn run(&self, options: &[&str], line: &str) -> Output {
        let mut command = self.command();
        command.args(options).args(["-c", line]);
        command.output().expect("the binary can be run")
    }

    /// The text that a command prints.
    fn text(&self, line: &str) -> String {
        let output = self.run(&[], line);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Compares the text up to the empty line before the details of who answered.
    fn expect(&self, line: &str, expected: &str) {
        let text = self.text(line);
        let end = text.find("\n\napp_id  ").unwrap_or(text.len());
        assert_eq!(text[..end].trim_end(), expected, "{line}");
    }

    /// The value that a command prints with `--json`.
    fn json(&self, line: &str) -> Value {
        let output = self.run(&["--json"], line);
        assert!(output.status.success(), "{line}: {output:?}");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{line} prints no JSON ({error}): {output:?}"))
    }

    /// Compares the given fields of the JSON value.
    fn expect_json(&self, line: &str, expected: &Value) {
        let found = self.json(line);
        for (name, value) in expected.as_object().expect("fields") {
            assert_eq!(&found[name], value, "{name} of {line}: {found}");
        }
    }

    /// The command fails, and says so with these words.
    fn expect_failure(&self, line: &str, words: &[&str]) {
        let output = self.run(&[], line);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
        assert!(output.stdout.is_empty(), "{line}: {output:?}");
        for word in words {
            assert!(message.contains(word), "{line}: no '{word}' in: {message}");
        }
    }
}

#[test]
fn every_command_works_in_text_and_json() {
    let shell = Shell::start();
    single_records(&shell);
    records_of_one_hash_key(&shell);
    conditional_writes(&shell);
    scans(&shell);
    cluster_commands(&shell);
    tables(&shell);
    changes_of_tables(&shell);
    the_shell_itself(&shell);
    wrong_usage(&shell);
    piped_input(&shell);
}

fn single_records(shell: &Shell) {
    shell.expect("set user name Ada", "OK");
    shell.expect("get user name", "\"Ada\"");
    let text = shell.text("get user name");
    for field in [
        "app_id          : 1\n",
        "partition_index : ",
        "server          : ",
    ] {
        assert!(text.contains(field), "no '{field}' in: {text}");
    }
    shell.expect_json(
        "get user name",
        &json!({"found": true, "value": "Ada", "app_id": 1}),
    );
    shell.expect("exist user name", "True");
    shell.expect_json("exist user none", &json!({"exists": false}));
    shell.expect("ttl user name", "Infinite");
    shell.expect_json("set user lease v 1000", &json!({"result": "OK"}));
    let left = shell.json("ttl user lease")["ttl_seconds"].as_u64();
    assert!(
        left.is_some_and(|left| (900..=1000).contains(&left)),
        "{left:?}"
    );
    shell.expect("ttl user none", "Not found");
    shell.expect("del user name", "OK");
    shell.expect("get user name", "Not found");
    shell.expect_json("get user name", &json!({"found": false}));
    // Any bytes, by escapes; they come back in the same form.
    shell.expect(r#"set "\x00\xff" "" "a\n\"\\ b""#, "OK");
    shell.expect(r#"get "\x00\xff" """#, r#""a\n\"\\ b""#);
    shell.expect_json(r#"get \x00\xFF """#, &json!({"value": r#"a\n\"\\ b"#}));
    shell.expect("incr user visits", "1");
    shell.expect("incr user visits 41", "42");
    shell.expect_json("incr user visits -2", &json!({"new_value": 40}));
    shell.expect("del user visits", "OK");
    shell.expect("del user lease", "OK");
}

fn records_of_one_hash_key(shell: &Shell) {
    shell.expect(r"multi_set m a 1 b 2 c 3 \xff 4", "OK");
    shell.expect("count m", "4");
    shell.expect_json("count none", &json!({"count": 0}));
    shell.expect(
        "multi_get m c a none",
        "\"m\" : \"c\" => \"3\"\n\"m\" : \"a\" => \"1\"\n\n\
         2 key-value pairs got, fetch completed.",
    );
    shell.expect_json(
        "multi_get_range m a c",
        &json!({"complete": true, "count": 2, "records": [
            {"sort_key": "a", "value": "1"}, {"sort_key": "b", "value": "2"}
        ]}),
    );
    shell.expect_json(
        "multi_get_range m \"\" \"\" -a false -b true -n 2 -r -i",
        &json!({"count": 2, "complete": false,
               "records": [{"sort_key": "c"}, {"sort_key": "\\xFF"}]}),
    );
    shell.expect(
        "multi_get_range m \"\" \"\" -s exact -y b",
        "\"m\" : \"b\" => \"2\"\n\n1 key-value pairs got, fetch completed.",
    );
    shell.expect_json("multi_get_sortkeys m", &json!({"count": 4}));
    shell.expect("multi_del m a none", "2 key-value pairs deleted.");
    shell.expect_json("multi_del_range m b c", &json!({"deleted": 1}));
    shell.expect_json(
        "multi_get m",
        &json!({"records": [
            {"sort_key": "c", "value": "3"}, {"sort_key": "\\xFF", "value": "4"}
        ]}),
    );
}

fn conditional_writes(shell: &Shell) {
    let set = "check_and_set cas -c k -t not_exist -s k -v 5 -r";
    shell.expect(set, "Set succeed.\n\nCheck value not exist.");
    shell.expect(
        set,
        "Set failed, because check not passed.\n\nCheck value: \"5\"",
    );
    shell.expect_json(
        "check_and_set cas -c k -t int_less_or_equal -o 5 -s k2 -v v2 -l 100",
        &json!({"passed": true, "check_value": null}),
    );
    shell.expect_json(
        r#"check_and_mutate cas -c k -t bytes_equal -o 5 -r -m "set \"\\x01\" \xfe" -m "del k2""#,
        &json!({"passed": true, "check_value": "5"}),
    );
    shell.expect(
        "multi_get cas",
        "\"cas\" : \"\\x01\" => \"\\xFE\"\n\"cas\" : \"k\" => \"5\"\n\n\
         2 key-value pairs got, fetch completed.",
    );
    shell.expect(
        "check_and_mutate cas -c k -t not_exist -m 'del k'",
        "Mutate failed, because check not passed.",
    );
    shell.expect("multi_del cas k \"\\x01\"", "2 key-value pairs deleted.");
}

fn scans(shell: &Shell) {
    shell.expect(
        "hash_scan m \"\" \"\"",
        "\"m\" : \"c\" => \"3\"\n\"m\" : \"\\xFF\" => \"4\"\n\n2 key-value pairs got.",
    );
    shell.expect_json(
        "hash_scan m \"\" \"\" -s prefix -y c -i",
        &json!({"count": 1, "records": [{"hash_key": "m", "sort_key": "c"}]}),
    );
    let all = shell.json("full_scan");
    assert_eq!(all["count"], 3, "{all}");
    shell.expect_json(r"full_scan -h prefix -x \x00 -d", &json!({"count": 1}));
    shell.expect(
        "full_scan -v exact -z 4",
        "\"m\" : \"\\xFF\" => \"4\"\n\n1 key-value pairs got.",
    );
    shell.expect("full_scan -n 0", "0 key-value pairs got.");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("records");
    let line = format!("full_scan -h exact -x m -o {}", path.display());
    shell.expect_json(&line, &json!({"count": 2}));
    let written = std::fs::read_to_string(path).expect("the file is written");
    assert_eq!(
        written,
        "\"m\" : \"c\" => \"3\"\n\"m\" : \"\\xFF\" => \"4\"\n"
    );
}

fn cluster_commands(shell: &Shell) {
    let text = shell.text("nodes -d");
    assert!(text.starts_with("[details]\naddress "), "{text}");
    assert!(text.contains("alive_node_count    : 3\n"), "{text}");
    shell.expect_json(
        "nodes",
        &json!({"summary": {
            "total_node_count": "3", "alive_node_count": "3", "unalive_node_count": "0"
        }}),
    );
    let unalive = shell.json("nodes -s unalive");
    assert_eq!(unalive["details"], json!({}), "{unalive}");
    let text = shell.text("cluster_info");
    assert!(
        text.contains("meta_function_level           : steady"),
        "{text}"
    );
    let info = shell.json("cluster_info");
    assert_eq!(
        info["cluster_info"]["primary_meta_server"],
        shell.meta.as_str()
    );
    let hash = shell.json("hash a b");
    assert_eq!(hash["key_hash"], "10101437924136188988", "{hash}");
    let index: u32 = hash["partition_index"]
        .as_str()
        .unwrap_or("")
        .parse()
        .expect("a number");
    assert!(index < 8, "{hash}");
    assert!(shell.text("hash a b").contains("partition_count  : 8"));
}

fn tables(shell: &Shell) {
    let made = shell.text("create made -p 2 -e a=1,b=2");
    assert!(made.ends_with("create app \"made\" succeed\n"), "{made}");
    shell.expect_json("create made2 -p 4", &json!({"app_name": "made2"}));
    let list = shell.text("ls");
    assert!(
        list.starts_with("[general_info]\napp_id  status "),
        "{list}"
    );
    assert!(list.contains("total_app_count  : 3\n"), "{list}");
    let list = shell.json("ls -d");
    let apps = list["general_info"].as_object().expect("tables");
    let names: BTreeSet<_> = apps
        .values()
        .filter_map(|app| app["app_name"].as_str())
        .collect();
    assert_eq!(names, ["made", "made2", "temp"].into());
    assert_eq!(list["summary"]["fully_healthy_app_count"], "3", "{list}");
    let found = shell.json("ls -p made -m prefix");
    assert_eq!(found["summary"]["total_app_count"], "2", "{found}");
    let app = shell.json("app made -d");
    assert_eq!(
        app["replicas"].as_object().map(serde_json::Map::len),
        Some(2),
        "{app}"
    );
    assert_eq!(
        app["healthy"]["fully_healthy_partition_count"], "2",
        "{app}"
    );
    assert!(shell.text("app made").contains("partition_count    : 2"));
    shell.expect(
        "drop made -r 100",
        "reserve_seconds = 100\ndrop app made succeed",
    );
    shell.expect_json("drop made2", &json!({"app_name": "made2"}));
    assert!(shell.text("ls -s dropped").contains("DROPPED"));
}

fn changes_of_tables(shell: &Shell) {
    shell.expect("get_app_envs", "[app_envs]");
    shell.expect(
        "set_app_envs rocksdb.usage_scenario normal",
        "set app envs succeed",
    );
    let envs = "[app_envs]\nrocksdb.usage_scenario  : normal";
    shell.expect("get_app_envs", envs);
    shell.expect_json(
        "get_app_envs",
        &json!({"app_envs": {"rocksdb.usage_scenario": "normal"}}),
    );
    shell.expect_failure(
        "set_app_envs default_ttl soon",
        &["ERR_INVALID_PARAMETERS", "'soon'", ">= 0"],
    );
    shell.expect_failure("set_app_envs a b c", &["'c' has no value"]);
    let rule = "=============================";
    shell.expect(
        "del_app_envs rocksdb.usage_scenario",
        &format!("del app envs succeed\n{rule}\ndeleted keys:\n    rocksdb.usage_scenario\n{rule}"),
    );
    shell.expect(
        "clear_app_envs -a",
        &format!("clear app envs succeed\n{rule}\nno key needs to be deleted\n{rule}"),
    );
    let count = "[max_replica_count]\nmax_replica_count  : 3";
    shell.expect("get_replica_count temp", count);
    shell.expect(
        "set_replica_count temp 3",
        "set replica count of app(temp) from 3 to 3 succeed",
    );
    shell.expect_failure("set_replica_count temp 9", &["ERR_INVALID_PARAMETERS"]);
    let mark = "set_atomic_idempotent from false to true: ERR_OK";
    shell.expect("enable_atomic_idempotent temp", mark);
    shell.expect_json(
        "get_atomic_idempotent temp",
        &json!({"atomic_idempotent": {"atomic_idempotent": "true"}}),
    );
    shell.text("disable_atomic_idempotent temp");

    shell.text("create old -p 1");
    shell.expect(
        "rename old new",
        "rename app ok, old_app_name(old), new_app_name(new)",
    );
    shell.expect_failure("rename old other", &["ERR_APP_NOT_EXIST"]);
    let app = shell.json("app new");
    let id = app["general"]["app_id"]
        .as_str()
        .expect("a number")
        .to_owned();
    shell.text("drop new");
    shell.expect_failure("recall 99", &["ERR_APP_NOT_EXIST"]);
    let recalled = shell.text(&format!("recall {id} back"));
    let end = format!("recall app {id} succeed\n");
    assert!(recalled.ends_with(&end), "{recalled}");
    shell.expect_json("drop back", &json!({"app_name": "back"}));
}

fn the_shell_itself(shell: &Shell) {
    shell.expect("use", "The current using app is: temp");
    shell.expect_json("use other", &json!({"current_app": "other"}));
    let help = shell.text("help");
    for command in [
        "ls",
        "create",
        "multi_get_range",
        "check_and_mutate",
        "full_scan",
        "version",
    ] {
        let is_listed = help
            .lines()
            .any(|line| line.split(' ').next() == Some(command));
        assert!(is_listed, "'help' does not list {command}: {help}");
    }
    assert!(
        shell
            .text("help incr")
            .contains("incr <HASH_KEY> <SORT_KEY> [INCREMENT]")
    );
    assert!(shell.text("version").starts_with("pegasus "));
    let version = shell.json("version");
    assert!(version["version"].is_string(), "{version}");
    shell.expect("escape_all true", "Current escape_all: true.");
    shell.expect("timeout 100", "Current timeout: 100 ms.");
}

fn wrong_usage(shell: &Shell) {
    let cases: [(&str, &[&str]); 17] = [
        ("bogus", &["bogus"]),
        ("set a b", &["<VALUE>", "Usage: set"]),
        ("set a b c 0", &["TTL_IN_SECONDS"]),
        ("set a b \"c", &["\" opened at column 9"]),
        ("ttl a b c", &["'c'"]),
        ("incr a b x", &["INCREMENT", "'x'"]),
        ("multi_set h a", &["SORT_KEY VALUE"]),
        ("multi_set h a 1 a 2", &["\"a\"", "twice"]),
        ("multi_get \"\"", &["hash key is empty"]),
        ("check_and_set h -c a -t nonsense -s b -v c", &["nonsense"]),
        (
            "check_and_set h -c a -t int_less -s b -v c",
            &["--check_operand"],
        ),
        (
            "check_and_mutate h -c a -t exist -m 'put a b'",
            &["'put a b'"],
        ),
        ("full_scan -p 99", &["partition 99"]),
        ("create temp -f", &["ERR_APP_EXIST"]),
        ("create uneven -p 3", &["ERR_INVALID_PARAMETERS"]),
        ("drop none", &["ERR_APP_NOT_EXIST"]),
        ("app none", &["'none'", "no such table"]),
    ];
    for (line, words) in cases {
        shell.expect_failure(line, words);
    }
    let mut command = Command::new(binary());
    command.args(["shell", "--meta", &shell.meta, "-c", "get a b"]);
    let output = command.output().expect("the binary can be run");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("--table"),
        "{output:?}"
    );
}

/// Every line runs, whatever became of those before; the exit code tells.
fn piped_input(shell: &Shell) {
    let mut child = shell
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    let lines = "# a comment\n\nset pipe a 1\nbogus\n\
                 check_and_mutate pipe -c a -t exist\nset b 2\ndel a\nok\n\
                 multi_get pipe\nexit\nget never reached\n";
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(lines.as_bytes()).expect("the shell reads");
    drop(input);
    let output = child.wait_with_output().expect("the shell ends");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("ERROR: unrecognized subcommand 'bogus'"),
        "{text}"
    );
    assert!(text.contains("Mutate succeed."), "{text}");
    assert!(
        text.contains("\"pipe\" : \"b\" => \"2\"\n\n1 key-value pairs got"),
        "{text}"
    );
    assert!(!text.contains("Not found"), "{text}");
}

#[test]
fn every_bench_workload_runs_without_failures() {
    let shell = Shell::start();
    let start = |workload: &str, options: &[&str]| {
        let mut command = Command::new(binary());
        command.args(["bench", "--meta", &shell.meta, "--workload", workload]);
        command.args([
            "--duration",
            "1",
            "--keys",
            "200",
            "--connections",
            "2",
            "--json",
        ]);
        command
            .args(["--warmup", "0", "--timeout-ms", "30000"])
            .args(options);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the binary can be run")
    };
    let finish = |workload: &str, child: std::process::Child| {
        let output = child.wait_with_output().expect("the benchmark ends");
        assert!(output.status.success(), "{workload}: {output:?}");
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{workload} prints no JSON ({error}): {output:?}"));
        assert_eq!(report["workload"], workload, "{report}");
        assert_eq!(report["failures"], 0, "{report}");
        assert!(report["operations"].as_u64() > Some(0), "{report}");
        let latencies = &report["latency_us"];
        assert!(
            latencies["p50"].as_f64() <= latencies["max"].as_f64(),
            "{report}"
        );
    };
    // Most of the time is waiting for the second to pass: all others run side by side.
    finish(WORKLOADS[0], start(WORKLOADS[0], &["--load"]));
    let others = WORKLOADS[1..]
        .iter()
        .map(|workload| (workload, start(workload, &[])));
    for (workload, child) in others.collect::<Vec<_>>() {
        finish(workload, child);
    }
}
