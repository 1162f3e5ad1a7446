//! One process has one subscriber, so everything about it stands in one test.

use std::fs;

use pegasus_common::logging::{LoggerSection, Logging};

#[test]
fn events_and_panics_reach_the_file_and_the_level_changes_at_run_time() {
    let directory = tempfile::tempdir().unwrap();
    let logging = Logging::start(directory.path(), "meta", &LoggerSection::default()).unwrap();
    let level = logging.level();

    tracing::info!(table = "temp", partitions = 8, "table created");
    tracing::debug!("not yet");
    level.set("LOG_LEVEL_DEBUG").unwrap();
    tracing::debug!("now visible");
    level.set("off,logging=warn").unwrap();
    tracing::info!("not any more");
    assert!(level.set("no=such=filter").is_err());
    assert_eq!(level.current(), "logging=warn,off");
    let panicking = std::thread::Builder::new().name("doomed".to_owned());
    let panicking = panicking.spawn(move || {
        level.set("error").unwrap();
        panic!("broken invariant");
    });
    assert!(panicking.unwrap().join().is_err());

    assert!(Logging::start(directory.path(), "meta", &LoggerSection::default()).is_err());
    assert_eq!(logging.dropped_lines(), 0);
    drop(logging);
    let text = fs::read_to_string(directory.path().join("meta.log")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains(" INFO "), "{text}");
    assert!(
        lines[0].ends_with("logging: table created table=\"temp\" partitions=8"),
        "{text}"
    );
    assert!(lines[1].ends_with("now visible"), "{text}");
    assert!(lines[2].contains("ERROR doomed pegasus_common::logging: panic: broken invariant"));
    assert!(
        !text.contains("not yet") && !text.contains("not any more"),
        "{text}"
    );
}
