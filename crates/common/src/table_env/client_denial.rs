//! `replica.deny_client_request`: clients are turned away while a table is moved or protected.

use std::str::FromStr;

use super::throttling::fields;

/// Which requests are denied, and how. Written `<timeout|reconfig>*<all|write|read>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientDenial {
    /// What their senders get.
    pub answer: DenialAnswer,
    /// Which ones.
    pub requests: DeniedRequests,
}

/// What the sender of a denied request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialAnswer {
    /// Nothing: it runs into its timeout.
    Silence,
    /// ERR_INVALID_STATE: it asks the meta server where the table is now.
    Reconfigure,
}

/// Which requests are denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeniedRequests {
    /// Every one.
    All,
    /// Writes.
    Writes,
    /// Reads.
    Reads,
}

impl DeniedRequests {
    /// Whether reads are among them.
    #[must_use]
    pub const fn cover_reads(self) -> bool {
        matches!(self, Self::All | Self::Reads)
    }

    /// Whether writes are among them.
    #[must_use]
    pub const fn cover_writes(self) -> bool {
        matches!(self, Self::All | Self::Writes)
    }
}

/// The text denies nothing that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected <timeout|reconfig>*<all|write|read>")]
pub struct ParseDenialError;

impl FromStr for ClientDenial {
    type Err = ParseDenialError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let [answer, requests] = fields(text).ok_or(ParseDenialError)?;
        let answer = match answer {
            "timeout" => DenialAnswer::Silence,
            "reconfig" => DenialAnswer::Reconfigure,
            _ => return Err(ParseDenialError),
        };
        let requests = match requests {
            "all" => DeniedRequests::All,
            "write" => DeniedRequests::Writes,
            "read" => DeniedRequests::Reads,
            _ => return Err(ParseDenialError),
        };
        Ok(Self { answer, requests })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_understood() {
        for (answer_text, answer) in [
            ("timeout", DenialAnswer::Silence),
            ("reconfig", DenialAnswer::Reconfigure),
        ] {
            for (requests_text, requests) in [
                ("all", DeniedRequests::All),
                ("write", DeniedRequests::Writes),
                ("read", DeniedRequests::Reads),
            ] {
                let text = format!("{answer_text}*{requests_text}");
                assert_eq!(text.parse(), Ok(ClientDenial { answer, requests }));
            }
        }
        for bad in [
            "",
            "timeout",
            "timeout*",
            "timeout*all*",
            "all*timeout",
            "Timeout*all",
        ] {
            assert_eq!(bad.parse::<ClientDenial>(), Err(ParseDenialError), "{bad}");
        }
    }

    #[test]
    fn each_scope_covers_what_it_says() {
        let covered = [
            DeniedRequests::All,
            DeniedRequests::Writes,
            DeniedRequests::Reads,
        ]
        .map(|requests| (requests.cover_writes(), requests.cover_reads()));
        assert_eq!(covered, [(true, true), (true, false), (false, true)]);
    }
}
