//! Conditional writes: `check_and_set`, `check_and_mutate`.

use bytes::Bytes;
use pegasus_client::{
    Check, CheckKind, CheckOutcome, CheckedValue, Mutation, ReturnValue, SetValue, Ttl, Verdict,
};
use serde_json::{Value, json};

use super::ShellError;
use super::context::Context;
use super::data_arguments::{CheckAndMutateArgs, CheckAndSetArgs, CheckArgs};
use super::escape::{EscapeMode, escape};
use super::lines::LineSource;
use super::tokens::split;

impl Context {
    /// `check_and_set`
    pub(super) async fn check_and_set(&mut self, args: CheckAndSetArgs) -> Result<(), ShellError> {
        let check = check(&args.check)?;
        let table = self.table().await?;
        let set = SetValue {
            sort_key: args.set_sort_key.unwrap_or_default(),
            value: args.set_value.unwrap_or_default(),
            ttl: Ttl::seconds(args.set_value_ttl_seconds),
        };
        let outcome = table.check_and_set(
            &args.check.hash_key,
            args.check.check_sort_key.as_deref().unwrap_or_default(),
            &check,
            set,
            return_value(&args.check),
        );
        let outcome = outcome.await?;
        self.show_outcome(&outcome, "Set")
    }

    /// `check_and_mutate`
    pub(super) async fn check_and_mutate(
        &mut self,
        args: CheckAndMutateArgs,
        lines: &mut LineSource,
    ) -> Result<(), ShellError> {
        let check = check(&args.check)?;
        let mutations = if args.mutation.is_empty() {
            self.read_mutations(lines).await?
        } else {
            let given = args.mutation.iter();
            given.map(parse_mutation).collect::<Result<_, _>>()?
        };
        let table = self.table().await?;
        let outcome = table.check_and_mutate(
            &args.check.hash_key,
            args.check.check_sort_key.as_deref().unwrap_or_default(),
            &check,
            mutations,
            return_value(&args.check),
        );
        let outcome = outcome.await?;
        self.show_outcome(&outcome, "Mutate")
    }

    /// Reads writes line by line up to `ok`.
    async fn read_mutations(
        &mut self,
        lines: &mut LineSource,
    ) -> Result<Vec<Mutation>, ShellError> {
        self.progress(
            "Input the mutations: 'set <sort_key> <value> [ttl_in_seconds]', 'del <sort_key>'; \
             'ok' sends them, 'abort' forgets them.",
        )?;
        let mut mutations = Vec::new();
        while let Some(line) = lines.next("mutation> ").await? {
            match line.trim() {
                "" => {}
                "ok" => return Ok(mutations),
                "abort" => break,
                line => mutations.push(parse_mutation(line)?),
            }
        }
        Err(ShellError::Failed(
            "check_and_mutate was given up".to_owned(),
        ))
    }

    fn show_outcome(&mut self, outcome: &CheckOutcome, verb: &str) -> Result<(), ShellError> {
        let passed = outcome.verdict == Verdict::Passed;
        let mut text = match outcome.verdict {
            Verdict::Passed => format!("{verb} succeed."),
            Verdict::Failed => format!("{verb} failed, because check not passed."),
        };
        let mut value = json!({"passed": passed});
        match &outcome.checked_value {
            CheckedValue::NotReturned => {}
            CheckedValue::Absent => {
                text.push_str("\n\nCheck value not exist.");
                value["check_value"] = Value::Null;
            }
            CheckedValue::Present(checked) => {
                text.push_str(&format!("\n\nCheck value: {}", self.quoted(checked)));
                value["check_value"] = self.escaped(checked);
            }
        }
        self.answer(&text, value)
    }
}

fn check(args: &CheckArgs) -> Result<Check, ShellError> {
    let kind = args.check_type.map_or(CheckKind::NoCheck, CheckKind::from);
    match (&args.check_operand, kind.has_operand()) {
        (Some(operand), true) => Ok(Check::with_operand(kind, operand.clone())),
        (None, true) => Err(ShellError::Usage(
            "this check type compares: give -o|--check_operand".to_owned(),
        )),
        (_, false) => Ok(Check::new(kind)),
    }
}

fn return_value(args: &CheckArgs) -> ReturnValue {
    if args.return_check_value {
        ReturnValue::Yes
    } else {
        ReturnValue::No
    }
}

fn parse_mutation(line: impl AsRef<[u8]>) -> Result<Mutation, ShellError> {
    let line = line.as_ref();
    let tokens: Vec<Bytes> = split(line)?.into_iter().map(Bytes::from).collect();
    let words: Vec<&[u8]> = tokens.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [b"set", _, _] => Ok(set(&tokens, Ttl::Forever)),
        [b"set", _, _, ttl] => {
            let seconds = std::str::from_utf8(ttl)
                .ok()
                .and_then(|ttl| ttl.parse().ok());
            let seconds = seconds.filter(|seconds| *seconds > 0);
            let seconds = seconds.ok_or_else(|| {
                ShellError::Usage("the time to live is a number of seconds above 0".to_owned())
            })?;
            Ok(set(&tokens, Ttl::seconds(seconds)))
        }
        [b"del", _] => Ok(Mutation::Del(tokens[1].clone())),
        _ => Err(ShellError::Usage(format!(
            "'{}' is no mutation: expected 'set <sort_key> <value> [ttl_in_seconds]' or \
             'del <sort_key>'",
            escape(line, EscapeMode::Unprintable)
        ))),
    }
}

fn set(tokens: &[Bytes], ttl: Ttl) -> Mutation {
    Mutation::Set(SetValue {
        sort_key: tokens[1].clone(),
        value: tokens[2].clone(),
        ttl,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutations_are_parsed_like_commands() {
        let Mutation::Set(set) = parse_mutation("set k \"a b\" 10").unwrap() else {
            panic!("not a set");
        };
        assert_eq!(
            (&set.sort_key[..], &set.value[..]),
            (&b"k"[..], &b"a b"[..])
        );
        assert_eq!(set.ttl, Ttl::seconds(10));
        // The shell has unescaped a quoted mutation once already.
        assert!(
            matches!(parse_mutation(b"del \xff"), Ok(Mutation::Del(key)) if key == b"\xff"[..])
        );
        assert!(matches!(parse_mutation("del \"\""), Ok(Mutation::Del(key)) if key.is_empty()));
        for bad in ["", "set k", "set k v 0", "set k v x", "del", "put k v"] {
            assert!(parse_mutation(bad).is_err(), "{bad}");
        }
    }
}
