//! The operations of the workload: drawn at random, done with the Rust client, recorded as what the
//! checker understands.

use bytes::Bytes;
use pegasus_client::{
    Check as ClientCheck, CheckKind, CheckOutcome, CheckedValue, ClientError, Completeness,
    IncrTtl, MultiGetOptions, Mutation, ReturnValue, SetValue, SortKeyValue, Table, Ttl, Verdict,
    WriteFate,
};
use pegasus_common::StorageStatus;
use pegasus_history::Outcome;
use pegasus_history::key_value::{Answer, Check, Operation, SubWrite, Text};
use rand::Rng;

/// The records of a hash key.
const SORT_KEYS: [&str; 3] = ["a", "b", "c"];
/// The record that increments count in.
const COUNTER: &str = "n";

/// Draws an operation. `value` is one that nobody has written.
pub fn draw(random: &mut impl Rng, value: String) -> Operation {
    let sort_key = Text::from(SORT_KEYS[random.random_range(0..SORT_KEYS.len())]);
    let other = Text::from(SORT_KEYS[random.random_range(0..SORT_KEYS.len())]);
    let value = Text::from(value);
    match random.random_range(0..100) {
        0..22 => Operation::Get { sort_key },
        22..32 => Operation::GetAll,
        32..35 => Operation::Count,
        35..60 => Operation::Set {
            sort_key,
            value,
            expiry: None,
        },
        60..66 => Operation::Delete { sort_key },
        66..81 => Operation::increment(COUNTER, 1),
        81..88 => Operation::MultiSet {
            records: vec![(sort_key, value.clone()), (other, value)],
        },
        88..91 => Operation::MultiDelete {
            sort_keys: vec![sort_key, other],
        },
        91..96 => Operation::CheckAndSet {
            check_sort_key: sort_key,
            check: draw_check(random),
            sort_key: other,
            value,
        },
        _ => Operation::CheckAndMutate {
            check_sort_key: sort_key.clone(),
            check: draw_check(random),
            writes: vec![
                SubWrite::Delete { sort_key },
                SubWrite::Set {
                    sort_key: other,
                    value,
                },
            ],
        },
    }
}

fn draw_check(random: &mut impl Rng) -> Check {
    match random.random_range(0..2) {
        0 => Check::Absent,
        _ => Check::Present,
    }
}

/// Does an operation once; says what came of it.
pub async fn perform(table: &Table, hash_key: &str, operation: &Operation) -> Outcome<Answer> {
    match ask(table, hash_key.as_bytes(), operation).await {
        Ok(answer) => Outcome::Ok(answer),
        Err(error) => match error.write_fate() {
            WriteFate::Unknown => Outcome::Unknown,
            WriteFate::NotExecuted => Outcome::Failed,
        },
    }
}

async fn ask(table: &Table, hash_key: &[u8], operation: &Operation) -> Result<Answer, ClientError> {
    Ok(match operation {
        Operation::Get { sort_key } => {
            let value = table.get(hash_key, sort_key.as_bytes()).await?;
            Answer::Value(value.as_deref().map(text))
        }
        Operation::GetAll => get_all(table, hash_key).await?,
        Operation::Count => Answer::Count(table.sort_key_count(hash_key).await?),
        Operation::Set {
            sort_key, value, ..
        } => {
            let value = bytes(value);
            table.set(hash_key, sort_key.as_bytes(), value).await?;
            Answer::Done
        }
        Operation::Delete { sort_key } => {
            table.del(hash_key, sort_key.as_bytes()).await?;
            Answer::Done
        }
        Operation::MultiSet { records } => {
            let records = records
                .iter()
                .map(|(key, value)| (bytes(key), bytes(value)));
            table.multi_set(hash_key, records, Ttl::Forever).await?;
            Answer::Done
        }
        Operation::MultiDelete { sort_keys } => {
            let sort_keys = sort_keys.iter().map(bytes).collect();
            table.multi_del(hash_key, sort_keys).await?;
            Answer::Done
        }
        Operation::Increment { sort_key, by } => {
            let sum = table.incr(hash_key, sort_key.as_bytes(), *by, IncrTtl::Keep);
            match sum.await {
                Err(error) if error.storage_status() == Some(StorageStatus::InvalidArgument) => {
                    Answer::InvalidArgument
                }
                sum => Answer::Number(sum?),
            }
        }
        Operation::CheckAndSet {
            check_sort_key,
            check,
            sort_key,
            value,
        } => {
            let set = set_value(sort_key, value);
            let (key, check) = (check_sort_key.as_bytes(), client_check(check));
            let outcome = table.check_and_set(hash_key, key, &check, set, ReturnValue::Yes);
            checked(outcome.await?)
        }
        Operation::CheckAndMutate {
            check_sort_key,
            check,
            writes,
        } => {
            let writes = writes.iter().map(mutation).collect();
            let (key, check) = (check_sort_key.as_bytes(), client_check(check));
            let outcome = table.check_and_mutate(hash_key, key, &check, writes, ReturnValue::Yes);
            checked(outcome.await?)
        }
    })
}

async fn get_all(table: &Table, hash_key: &[u8]) -> Result<Answer, ClientError> {
    let options = MultiGetOptions::new();
    let result = table.multi_get(hash_key, Vec::new(), &options).await?;
    if result.completeness == Completeness::Partial {
        return Err(ClientError::Protocol {
            table: table.name().to_owned(),
            operation: "multi_get",
            reason: "a few records were not returned as a whole",
        });
    }
    let pair = |record: &SortKeyValue| (text(&record.sort_key), text(&record.value));
    Ok(Answer::Records(result.records.iter().map(pair).collect()))
}

fn checked(outcome: CheckOutcome) -> Answer {
    let found = match outcome.checked_value {
        CheckedValue::Present(value) => Some(text(&value)),
        CheckedValue::Absent | CheckedValue::NotReturned => None,
    };
    match outcome.verdict {
        Verdict::Passed => Answer::Passed,
        Verdict::Failed => Answer::Refused { found },
    }
}

fn client_check(check: &Check) -> ClientCheck {
    match check {
        Check::Absent => ClientCheck::new(CheckKind::NotExist),
        Check::Present => ClientCheck::new(CheckKind::Exist),
        Check::ValueIs(value) => ClientCheck::with_operand(CheckKind::BytesEqual, bytes(value)),
    }
}

fn mutation(write: &SubWrite) -> Mutation {
    match write {
        SubWrite::Set { sort_key, value } => Mutation::Set(set_value(sort_key, value)),
        SubWrite::Delete { sort_key } => Mutation::Del(bytes(sort_key)),
    }
}

fn set_value(sort_key: &Text, value: &Text) -> SetValue {
    SetValue {
        sort_key: bytes(sort_key),
        value: bytes(value),
        ttl: Ttl::Forever,
    }
}

fn bytes(text: &Text) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn text(bytes: &[u8]) -> Text {
    String::from_utf8_lossy(bytes).into()
}
