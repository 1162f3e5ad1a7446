use std::path::Path;

use super::*;

crate::config_choice! {
    /// How fast.
    Speed {
        /// Slow.
        Slow = "slow",
        /// Fast.
        Fast = "fast",
    }
}

crate::config_section! {
    /// Replication.
    "replication" => ReplicationSection {
        /// The lease of a replica. Seconds.
        fd_lease_seconds: u64 = 9 => 1..=3_600,
        /// A range beyond 32 bits.
        log_size_limit_bytes: u64 = 1 << 31 => 1..=1 << 40,
        /// Data directories.
        data_dirs: Vec<String> = Vec::new(),
        /// How fast to go; a | in the text is harmless.
        speed: Speed = Speed::Slow; mutable,
    }
}

crate::config_section! {
    /// The storage engine.
    "pegasus.server" => ServerSection {
        /// A ratio.
        cache_ratio: f64 = 0.5 => 0.0..=1.0; mutable,
        /// A name.
        label: String = "a\"b".to_owned(),
    }
}

crate::config_file! {
    /// For the tests.
    TestConfig {
        /// Section `[replication]`.
        replication: ReplicationSection,
        /// Section `[pegasus.server]`.
        server: ServerSection,
    }
}

fn problems_of(text: &str) -> String {
    parse::<TestConfig>(text, "f.toml").unwrap_err().to_string()
}

#[test]
fn an_empty_text_gives_the_defaults() {
    let config: TestConfig = parse("", "f.toml").unwrap();
    assert_eq!(config, TestConfig::default());
    assert_eq!(config.replication.fd_lease_seconds, 9);
}

#[test]
fn values_of_every_type_are_taken() {
    let text = "[replication]\nfd_lease_seconds = 1_0\ndata_dirs = 'a:/x, b:/y'\nspeed = 'fast'\n\
                [pegasus.server]\ncache_ratio = 1\nlabel = '''x'''";
    let config: TestConfig = parse(text, "f.toml").unwrap();
    assert_eq!(config.replication.fd_lease_seconds, 10);
    assert_eq!(config.replication.data_dirs, ["a:/x", "b:/y"]);
    assert_eq!(config.replication.speed, Speed::Fast);
    assert_eq!(config.server.cache_ratio, 1.0);
    assert_eq!(config.server.label, "x");

    let list: TestConfig = parse("[replication]\ndata_dirs = ['a', 'b']", "f.toml").unwrap();
    assert_eq!(list.replication.data_dirs, ["a", "b"]);
}

#[test]
fn unknown_names_are_refused_with_line_and_suggestion() {
    assert_eq!(
        problems_of("\n[replication]\nfd_lease_second = 3\n"),
        "f.toml:3: unknown key 'fd_lease_second' in section [replication]; \
         did you mean 'fd_lease_seconds'?"
    );
    assert_eq!(
        problems_of("[pegasus.serve]\ncache_ratio = 0.1"),
        "f.toml:1: unknown section [pegasus.serve]; did you mean 'pegasus.server'?"
    );
    assert_eq!(
        problems_of("[replication]\ncache_ratio = 0.1"),
        "f.toml:2: unknown key 'cache_ratio' in section [replication]; \
         did you mean 'pegasus.server.cache_ratio'?"
    );
    assert_eq!(
        problems_of("fd_lease_seconds = 3"),
        "f.toml:1: 'fd_lease_seconds' stands outside of any section; \
         did you mean 'replication.fd_lease_seconds'?"
    );
    assert_eq!(
        problems_of("[replication]\nzzz = 3"),
        "f.toml:2: unknown key 'zzz' in section [replication]"
    );
}

#[test]
fn bad_values_name_key_line_and_what_was_expected() {
    assert_eq!(
        problems_of("[replication]\nfd_lease_seconds = \"3\"\nspeed = 'warp'"),
        "f.toml:2: replication.fd_lease_seconds: expected integer, found the string \"3\"\n\
         f.toml:3: replication.speed: expected one of `slow`, `fast`, found the string \"warp\""
    );
    assert_eq!(
        problems_of("[replication]\nfd_lease_seconds = 0"),
        "f.toml:2: replication.fd_lease_seconds: the integer 0 is outside of 1..=3600"
    );
    assert!(problems_of("[replication]\nfd_lease_seconds = -1").contains("expected integer"));
    assert!(problems_of("[replication]\n\nx ==").starts_with("f.toml:3: "));
}

#[test]
fn a_missing_file_is_named() {
    let error = load::<TestConfig>(Path::new("/no/such.toml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the configuration file /no/such.toml"
    );
}

#[test]
fn what_is_written_reads_back() {
    let mut config = TestConfig::default();
    assert_eq!(to_toml(&config, Detail::Changed), "");
    config.server.label = "tab\t\"quoted\" \\ \u{1}".to_owned();
    config.replication.data_dirs = vec!["a b".to_owned()];
    for detail in [Detail::Changed, Detail::All] {
        let text = to_toml(&config, detail);
        assert_eq!(
            parse::<TestConfig>(&text, "f.toml").unwrap(),
            config,
            "{text}"
        );
    }
}

#[test]
fn a_running_server_changes_mutable_options_only() {
    let mut config = TestConfig::default();
    config.change("pegasus.server.cache_ratio", "0.25").unwrap();
    config.change("speed", "fast").unwrap();
    assert_eq!(config.server.cache_ratio, 0.25);
    assert_eq!(config.replication.speed, Speed::Fast);

    let refused = |name, value| {
        let error = TestConfig::default().change(name, value).unwrap_err();
        error.to_string()
    };
    assert_eq!(refused("speeed", "fast"), "unknown option 'speeed'");
    assert_eq!(
        refused("replication.sped", "fast"),
        "unknown option 'replication.sped'; did you mean 'replication.speed'?"
    );
    assert!(refused("fd_lease_seconds", "5").contains("followed by a restart"));
    assert_eq!(
        refused("cache_ratio", "2"),
        "pegasus.server.cache_ratio: '2' is outside of 0.0..=1.0"
    );
    let values = config.values();
    assert!(values.contains(&("replication.speed".to_owned(), "\"fast\"".to_owned())));
}

#[test]
fn the_reference_lists_every_option_and_drift_is_noticed() {
    let config = TestConfig::default();
    let markdown = reference_markdown(&config.sections());
    assert!(undocumented(&config.sections(), &markdown).is_empty());
    assert!(markdown.contains("`1..=1099511627776`"), "{markdown}");
    let drifted = markdown.replace("`9`", "`8`");
    assert_eq!(
        undocumented(&config.sections(), &drifted),
        ["replication.fd_lease_seconds"]
    );
    assert_eq!(undocumented(&config.sections(), "").len(), 6);
}

#[test]
fn a_running_configuration_tells_its_subscribers() {
    use std::sync::Arc;
    use std::sync::Mutex;

    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    let running = RunningConfig::new(TestConfig::default())
        .subscribe(move |config| hearing.lock().unwrap().push(config.replication.speed));
    running.change("speed", "fast").unwrap();
    assert!(running.change("fd_lease_seconds", "3").is_err());
    assert_eq!(*heard.lock().unwrap(), [Speed::Slow, Speed::Fast]);
    assert_eq!(running.current().replication.speed, Speed::Fast);
}
