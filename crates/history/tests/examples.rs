//! Small histories, each with one reason to be right or wrong.

use std::time::Duration;

use pegasus_history::key_value::{Answer, Check, Expiry, KeyValue, Operation, Text};
use pegasus_history::{ClientId, Limits, Moment, Outcome, Record, Verdict, check};

type KeyValueRecord = Record<Operation, Answer>;

fn at(second: u64) -> Moment {
    Moment::from(Duration::from_secs(second))
}

fn done(from: u64, to: u64, operation: Operation, answer: Answer) -> KeyValueRecord {
    Record {
        client: ClientId(0),
        invoked: at(from),
        returned: Some(at(to)),
        operation,
        outcome: Outcome::Ok(answer),
    }
}

fn unknown(from: u64, operation: Operation) -> KeyValueRecord {
    Record {
        client: ClientId(9),
        invoked: at(from),
        returned: None,
        operation,
        outcome: Outcome::Unknown,
    }
}

fn value(text: &str) -> Answer {
    Answer::Value(Some(Text::from(text)))
}

fn absent() -> Answer {
    Answer::Value(None)
}

fn set(text: &str) -> Operation {
    Operation::set("a", text)
}

fn get() -> Operation {
    Operation::get("a")
}

fn is_linearizable(records: &[KeyValueRecord]) -> bool {
    match check(&KeyValue::default(), records, Limits::default()) {
        Verdict::Linearizable => true,
        Verdict::Violation(_) => false,
        Verdict::Undecided(_) => panic!("such a small history is decided"),
    }
}

#[test]
fn a_read_after_a_write_sees_it() {
    let written = done(0, 1, set("1"), Answer::Done);
    assert!(is_linearizable(&[
        written.clone(),
        done(2, 3, get(), value("1"))
    ]));
    assert!(!is_linearizable(&[
        written.clone(),
        done(2, 3, get(), absent())
    ]));
    assert!(!is_linearizable(&[written, done(2, 3, get(), value("2"))]));
}

#[test]
fn a_read_beside_a_write_sees_either_but_time_does_not_run_backwards() {
    let written = done(0, 10, set("1"), Answer::Done);
    let old = |from, to| done(from, to, get(), absent());
    let new = |from, to| done(from, to, get(), value("1"));
    assert!(is_linearizable(&[written.clone(), old(1, 2), new(3, 4)]));
    assert!(!is_linearizable(&[written.clone(), new(1, 2), old(3, 4)]));
    assert!(is_linearizable(&[written, new(1, 3), old(2, 4)]));
}

#[test]
fn a_write_of_unknown_outcome_may_happen_late_or_never_but_not_twice() {
    let open = unknown(0, set("x"));
    let other = done(1, 2, set("1"), Answer::Done);
    let late = done(5, 6, get(), value("x"));
    let never = done(5, 6, get(), value("1"));
    assert!(is_linearizable(&[
        open.clone(),
        other.clone(),
        late.clone()
    ]));
    assert!(is_linearizable(&[open.clone(), other, never]));
    let early = done(1, 2, get(), value("x"));
    let between = done(3, 4, set("1"), Answer::Done);
    assert!(!is_linearizable(&[open, early, between, late]));
}

#[test]
fn what_was_not_done_is_never_seen() {
    let mut failed = unknown(0, set("x"));
    failed.outcome = Outcome::Failed;
    assert!(!is_linearizable(&[failed, done(1, 2, get(), value("x"))]));
}

#[test]
fn an_increment_counts_once() {
    let increment = |from, to, sum| {
        let answer = Answer::Number(sum);
        done(from, to, Operation::increment("n", 1), answer)
    };
    assert!(is_linearizable(&[increment(0, 2, 2), increment(1, 3, 1)]));
    assert!(!is_linearizable(&[increment(0, 1, 1), increment(2, 3, 1)]));
    assert!(!is_linearizable(&[increment(0, 1, 1), increment(2, 3, 3)]));
    let open = unknown(1, Operation::increment("n", 1));
    assert!(is_linearizable(&[
        increment(0, 1, 1),
        open.clone(),
        increment(2, 3, 3)
    ]));
    assert!(!is_linearizable(&[
        increment(0, 1, 1),
        open,
        increment(2, 3, 4)
    ]));
}

#[test]
fn a_check_and_its_write_are_one() {
    let swap = |from, to, old: &str, new: &str, answer| {
        let operation = Operation::CheckAndSet {
            check_sort_key: "a".into(),
            check: Check::ValueIs(old.into()),
            sort_key: "a".into(),
            value: new.into(),
        };
        done(from, to, operation, answer)
    };
    let written = done(0, 1, set("1"), Answer::Done);
    let won = swap(2, 9, "1", "2", Answer::Passed);
    let also_won = swap(3, 8, "1", "3", Answer::Passed);
    let lost = |found: &str| {
        let found = Some(found.into());
        swap(3, 8, "1", "3", Answer::Refused { found })
    };
    assert!(!is_linearizable(&[written.clone(), won.clone(), also_won]));
    assert!(is_linearizable(&[written.clone(), won.clone(), lost("2")]));
    assert!(!is_linearizable(&[written, won, lost("3")]));
}

#[test]
fn several_records_are_written_at_once() {
    let both = Operation::MultiSet {
        records: vec![("a".into(), "1".into()), ("b".into(), "1".into())],
    };
    let all = |from, to, records: &[(&str, &str)]| {
        let records = records
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()));
        done(
            from,
            to,
            Operation::GetAll,
            Answer::Records(records.collect()),
        )
    };
    let written = done(0, 10, both, Answer::Done);
    assert!(is_linearizable(&[
        written.clone(),
        all(1, 2, &[]),
        all(3, 4, &[("a", "1"), ("b", "1")])
    ]));
    assert!(!is_linearizable(&[written, all(1, 2, &[("a", "1")])]));
}

#[test]
fn near_its_expiry_a_record_may_be_seen_or_not() {
    let expiry = Some(Expiry {
        not_before: at(10),
        not_after: at(11),
    });
    let operation = Operation::Set {
        sort_key: "a".into(),
        value: "1".into(),
        expiry,
    };
    let written = done(0, 1, operation, Answer::Done);
    for (from, to, seen, unseen) in [
        (2, 3, true, false),
        (10, 10, true, true),
        (12, 13, false, true),
    ] {
        let present = done(from, to, get(), value("1"));
        let gone = done(from, to, get(), absent());
        assert_eq!(is_linearizable(&[written.clone(), present]), seen, "{from}");
        assert_eq!(is_linearizable(&[written.clone(), gone]), unseen, "{from}");
    }
}

#[test]
fn a_violation_names_the_stretch_in_which_it_lies() {
    let mut records = Vec::new();
    for number in 0..100 {
        let text = number.to_string();
        records.push(done(4 * number, 4 * number + 1, set(&text), Answer::Done));
        records.push(done(4 * number + 2, 4 * number + 3, get(), value(&text)));
    }
    records.push(done(500, 501, get(), value("98")));
    let Verdict::Violation(violation) = check(&KeyValue::default(), &records, Limits::default())
    else {
        panic!("the last read is stale");
    };
    assert_eq!(violation.record, 200);
    assert!(violation.window.len() <= 3, "{violation}");
    let text = violation.to_string();
    assert!(text.contains("surely {a=99}"), "{text}");
    assert!(
        text.contains("> client 0 [500.000000 .. 501.000000] get a -> 98"),
        "{text}"
    );
}

#[test]
fn work_is_bounded() {
    let limits = Limits {
        steps: 3,
        ..Limits::default()
    };
    let records: Vec<_> = (0..10)
        .map(|n| done(n, 20, set(&n.to_string()), Answer::Done))
        .collect();
    let verdict = check(&KeyValue::default(), &records, limits);
    assert!(matches!(verdict, Verdict::Undecided(_)));
}
