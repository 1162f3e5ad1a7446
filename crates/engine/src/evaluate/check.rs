//! The condition of `check_and_set` and `check_and_mutate` (data-semantics.md section 5.6).

use std::cmp::Ordering;

use super::integer;
use memchr::memmem;

/// A check type of the wire that has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckType {
    NoCheck,
    NotExist,
    NotExistOrEmpty,
    Exist,
    NotEmpty,
    MatchAnywhere,
    MatchPrefix,
    MatchPostfix,
    Bytes(Comparison),
    Int(Comparison),
}

/// The order that a comparison demands of value and operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    /// An integer comparison met something that is no integer.
    NotAnInteger,
}

impl CheckType {
    /// `None` for numbers without meaning.
    pub(crate) const fn from_wire(number: i32) -> Option<Self> {
        Some(match number {
            0 => Self::NoCheck,
            1 => Self::NotExist,
            2 => Self::NotExistOrEmpty,
            3 => Self::Exist,
            4 => Self::NotEmpty,
            5 => Self::MatchAnywhere,
            6 => Self::MatchPrefix,
            7 => Self::MatchPostfix,
            8 => Self::Bytes(Comparison::Less),
            9 => Self::Bytes(Comparison::LessOrEqual),
            10 => Self::Bytes(Comparison::Equal),
            11 => Self::Bytes(Comparison::GreaterOrEqual),
            12 => Self::Bytes(Comparison::Greater),
            13 => Self::Int(Comparison::Less),
            14 => Self::Int(Comparison::LessOrEqual),
            15 => Self::Int(Comparison::Equal),
            16 => Self::Int(Comparison::GreaterOrEqual),
            17 => Self::Int(Comparison::Greater),
            _ => return None,
        })
    }

    /// Compares the user data of a live record, or its absence, with the operand.
    pub(crate) fn judge(self, value: Option<&[u8]>, operand: &[u8]) -> Verdict {
        let passed = match (self, value) {
            (Self::NoCheck, _) => true,
            (Self::NotExist, value) => value.is_none(),
            (Self::NotExistOrEmpty, value) => value.is_none_or(<[u8]>::is_empty),
            // Everything else asks for a record, the integer types before they look at the operand.
            (_, None) => false,
            (Self::Exist, Some(_)) => true,
            (Self::NotEmpty, Some(value)) => !value.is_empty(),
            (Self::MatchAnywhere, Some(value)) => memmem::find(value, operand).is_some(),
            (Self::MatchPrefix, Some(value)) => value.starts_with(operand),
            (Self::MatchPostfix, Some(value)) => value.ends_with(operand),
            (Self::Bytes(comparison), Some(value)) => comparison.holds(value.cmp(operand)),
            (Self::Int(comparison), Some(value)) => {
                match (integer::parse(value), integer::parse(operand)) {
                    (Some(value), Some(operand)) => comparison.holds(value.cmp(&operand)),
                    _ => return Verdict::NotAnInteger,
                }
            }
        };
        if passed {
            Verdict::Passed
        } else {
            Verdict::Failed
        }
    }
}

impl Comparison {
    const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Equal => ordering.is_eq(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Greater => ordering.is_gt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_vectors;

    #[test]
    fn verdicts_match_the_official_server() {
        for vector in test_vectors::load("semantics.json")["cas"]
            .as_array()
            .unwrap()
        {
            let number = i32::try_from(vector["check_type"].as_i64().unwrap()).unwrap();
            let operand = test_vectors::hex(&vector["operand_hex"]);
            let value =
                (!vector["value_hex"].is_null()).then(|| test_vectors::hex(&vector["value_hex"]));
            let expected = match vector["error"].as_i64().unwrap() {
                0 => Verdict::Passed,
                13 => Verdict::Failed,
                4 => Verdict::NotAnInteger,
                other => panic!("unexpected error {other}"),
            };
            let check_type = CheckType::from_wire(number).unwrap();
            assert_eq!(
                check_type.judge(value.as_deref(), &operand),
                expected,
                "{vector}"
            );
        }
    }

    #[test]
    fn unknown_numbers_have_no_meaning() {
        assert_eq!(CheckType::from_wire(-1), None);
        assert_eq!(CheckType::from_wire(18), None);
    }
}
