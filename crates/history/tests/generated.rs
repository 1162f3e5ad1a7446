//! Generated histories: those of a real store are accepted, the same ones with a lie are not, and
//! the verdict is that of trying every order.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pegasus_history::key_value::{Answer, Check, HashKeyState, KeyValue, Operation, SubWrite};
use pegasus_history::{
    Call, ClientId, Histories, Limits, Model, Moment, Outcome, Record, Verdict, check, export,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

type KeyValueRecord = Record<Operation, Answer>;

const SORT_KEYS: [&str; 3] = ["a", "b", "n"];

/// What a generated operation is made of; values are made unique by its place.
#[derive(Clone, Debug)]
struct Choice {
    kind: u8,
    sort_key: usize,
    other: usize,
    /// From sending to taking effect, and from there to the answer.
    before: u64,
    after: u64,
    client: u32,
    is_lost: bool,
}

fn choices(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Choice>> {
    let choice = (
        0..11_u8,
        0..3_usize,
        0..3_usize,
        0..40_u64,
        0..40_u64,
        0..4_u32,
        0..12_u8,
    );
    let choice = choice.prop_map(
        |(kind, sort_key, other, before, after, client, lost)| Choice {
            kind,
            sort_key,
            other,
            before,
            after,
            client,
            is_lost: lost == 0,
        },
    );
    prop::collection::vec(choice, len)
}

fn operation(choice: &Choice, place: usize, state: &HashKeyState) -> Operation {
    let sort_key = SORT_KEYS[choice.sort_key];
    let other = SORT_KEYS[choice.other];
    let value = format!("v{place}");
    let check = match state.get(sort_key) {
        Some(stored) if choice.other == 0 => Check::ValueIs(stored.value.clone()),
        _ if choice.other == 1 => Check::Absent,
        _ => Check::Present,
    };
    match choice.kind {
        0..=2 => Operation::get(sort_key),
        3 => Operation::GetAll,
        4 | 5 => Operation::set(sort_key, value),
        6 => Operation::delete(sort_key),
        7 => Operation::increment("n", 1),
        8 => Operation::MultiSet {
            records: vec![
                (sort_key.into(), value.as_str().into()),
                (other.into(), value.into()),
            ],
        },
        9 => Operation::CheckAndSet {
            check_sort_key: sort_key.into(),
            check,
            sort_key: other.into(),
            value: value.into(),
        },
        _ => Operation::CheckAndMutate {
            check_sort_key: sort_key.into(),
            check,
            writes: vec![
                SubWrite::Delete {
                    sort_key: sort_key.into(),
                },
                SubWrite::Set {
                    sort_key: other.into(),
                    value: value.into(),
                },
            ],
        },
    }
}

/// A store's answer: found by asking the model about every possible one.
fn perform(state: &mut HashKeyState, operation: &Operation) -> Answer {
    let find = |sort_key: &str| state.get(sort_key).map(|stored| stored.value.clone());
    let number = |sort_key: &str| match find(sort_key) {
        None => Some(0),
        Some(text) => text.parse::<i64>().ok(),
    };
    let possible = match operation {
        Operation::Get { sort_key } => vec![Answer::Value(find(sort_key))],
        Operation::GetAll => {
            let found = SORT_KEYS
                .iter()
                .filter_map(|key| Some(((*key).into(), find(key)?)));
            vec![Answer::Records(found.collect::<BTreeMap<_, _>>())]
        }
        Operation::Increment { sort_key, by } => match number(sort_key) {
            Some(number) => vec![Answer::Number(number + by)],
            None => vec![Answer::InvalidArgument],
        },
        Operation::CheckAndSet { check_sort_key, .. }
        | Operation::CheckAndMutate { check_sort_key, .. } => {
            vec![
                Answer::Passed,
                Answer::Refused {
                    found: find(check_sort_key),
                },
            ]
        }
        _ => vec![Answer::Done],
    };
    for answer in possible {
        let call = Call {
            invoked: Moment::default(),
            returned: Moment::default(),
            operation,
            answer: Some(&answer),
        };
        let mut next = Vec::new();
        KeyValue::default().step(state, call, &mut next);
        if let Some(after) = next.pop() {
            *state = after;
            return answer;
        }
    }
    panic!("every operation has an answer: {operation} at {state}");
}

/// What clients of a linearizable store record: operation `n` takes effect at time `10 n`.
fn honest_history(choices: &[Choice]) -> Vec<KeyValueRecord> {
    let mut state = HashKeyState::default();
    let mut records = Vec::new();
    for (place, choice) in choices.iter().enumerate() {
        let effect = 100 + 10 * place as u64;
        let operation = operation(choice, place, &state);
        // A lost one takes effect or not.
        let is_done = !choice.is_lost || choice.other != 0;
        let answer = is_done.then(|| perform(&mut state, &operation));
        records.push(Record {
            client: ClientId(choice.client),
            invoked: Moment::from_nanos(effect - choice.before),
            returned: (!choice.is_lost).then(|| Moment::from_nanos(effect + choice.after)),
            operation,
            outcome: match answer {
                Some(answer) if !choice.is_lost => Outcome::Ok(answer),
                _ => Outcome::Unknown,
            },
        });
    }
    records
}

/// Whether some order explains the records, by trying every one.
fn brute_force(records: &[KeyValueRecord], state: &HashKeyState, left: &[usize]) -> bool {
    if left.iter().all(|&index| records[index].answer().is_none()) {
        return true;
    }
    let first_end = left
        .iter()
        .map(|&index| records[index].latest_effect())
        .min();
    left.iter().any(|&index| {
        // Nothing can come before what had ended when it was sent.
        if Some(records[index].invoked) > first_end {
            return false;
        }
        let mut next = Vec::new();
        KeyValue::default().step(state, Call::from(&records[index]), &mut next);
        let rest: Vec<usize> = left
            .iter()
            .copied()
            .filter(|&other| other != index)
            .collect();
        next.iter().any(|state| brute_force(records, state, &rest))
    })
}

fn is_violation(records: &[KeyValueRecord]) -> bool {
    match check(&KeyValue::default(), records, Limits::default()) {
        Verdict::Linearizable => false,
        Verdict::Violation(_) => true,
        Verdict::Undecided(reached) => panic!("undecided: {reached}"),
    }
}

/// Replaces an answer by another.
fn lie(records: &mut [KeyValueRecord], place: usize, source: usize) {
    let (place, source) = (place % records.len(), source % records.len());
    let other = match (&records[place].outcome, &records[source].outcome) {
        (Outcome::Ok(Answer::Value(_)), Outcome::Ok(other @ Answer::Value(_))) => other.clone(),
        (Outcome::Ok(Answer::Value(_)), _) => Answer::Value(None),
        (Outcome::Ok(Answer::Number(number)), _) => Answer::Number(number + 1),
        (Outcome::Ok(Answer::Refused { .. }), _) => Answer::Passed,
        (Outcome::Ok(Answer::Passed), _) => Answer::Refused { found: None },
        _ => return,
    };
    records[place].outcome = Outcome::Ok(other);
}

/// One client writes twice and then reads what it wrote first.
fn append_stale_read(records: &mut Vec<KeyValueRecord>) {
    for (time, operation, answer) in [
        (100_000, Operation::set("z", "old"), Answer::Done),
        (100_002, Operation::set("z", "new"), Answer::Done),
        (
            100_004,
            Operation::get("z"),
            Answer::Value(Some("old".into())),
        ),
    ] {
        records.push(Record {
            client: ClientId(7),
            invoked: Moment::from_nanos(time),
            returned: Some(Moment::from_nanos(time + 1)),
            operation,
            outcome: Outcome::Ok(answer),
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn histories_of_a_store_are_accepted(choices in choices(0..120)) {
        let mut records = honest_history(&choices);
        prop_assert!(!is_violation(&records));
        records.reverse();
        prop_assert!(!is_violation(&records));
    }

    #[test]
    fn the_verdict_is_that_of_trying_every_order(
        choices in choices(1..8),
        lies in prop::collection::vec((0..8_usize, 0..8_usize), 0..3),
    ) {
        let mut records = honest_history(&choices);
        for (place, source) in lies {
            lie(&mut records, place, source);
        }
        let left: Vec<usize> = (0..records.len()).collect();
        let expected = brute_force(&records, &HashKeyState::default(), &left);
        prop_assert_eq!(!is_violation(&records), expected);
    }

    #[test]
    fn a_stale_read_at_the_end_is_found(choices in choices(1..60)) {
        let mut records = honest_history(&choices);
        append_stale_read(&mut records);
        prop_assert!(is_violation(&records));
    }

    #[test]
    fn a_lost_update_and_a_double_increment_are_found(
        choices in choices(1..60),
        first in 0..30_i64,
        step in prop::sample::select(vec![0_i64, 2]),
    ) {
        let mut records = honest_history(&choices);
        // 0: the second one has overwritten the first; 2: one of them was done twice.
        for (time, sum) in [(10_000, first + 1), (10_002, first + 1 + step)] {
            records.push(Record {
                client: ClientId(7),
                invoked: Moment::from_nanos(time),
                returned: Some(Moment::from_nanos(time + 1)),
                operation: Operation::increment("counter", 1),
                outcome: Outcome::Ok(Answer::Number(sum)),
            });
        }
        prop_assert!(is_violation(&records));
    }

    #[test]
    fn exported_histories_come_back(choices in choices(0..40)) {
        let mut histories = Histories::new();
        for (place, record) in honest_history(&choices).into_iter().enumerate() {
            histories.push(format!("key{}", place % 3), record);
        }
        let mut text = Vec::new();
        export::write(&histories, &mut text).unwrap();
        let read: Histories<Operation, Answer> = export::read(text.as_slice()).unwrap();
        prop_assert_eq!(read, histories);
    }
}

#[test]
fn thousands_of_operations_are_checked_quickly() {
    let mut runner = TestRunner::deterministic();
    let mut choices = choices(5_000..5_001)
        .new_tree(&mut runner)
        .unwrap()
        .current();
    // One in two hundred is lost: more than faults leave behind on one key.
    let mut lost = 0;
    for choice in choices.iter_mut().filter(|choice| choice.is_lost) {
        lost += 1;
        choice.is_lost = lost % 16 == 0;
    }
    let mut records = honest_history(&choices);
    let started = Instant::now();
    assert!(!is_violation(&records));
    append_stale_read(&mut records);
    let limits = Limits {
        steps: 1_000_000,
        ..Limits::default()
    };
    // Whether or not all other orders of thousands of operations can be excluded within the limits,
    // the answer that does not fit is named.
    match check(&KeyValue::default(), &records, limits) {
        Verdict::Linearizable => panic!("the last read is stale"),
        Verdict::Violation(found) | Verdict::Undecided(found) => {
            assert_eq!(found.record, records.len() - 1);
        }
    }
    println!(
        "{} records, {} lost: {:?}",
        records.len(),
        lost / 16,
        started.elapsed()
    );
    assert!(started.elapsed() < Duration::from_secs(20));
}
