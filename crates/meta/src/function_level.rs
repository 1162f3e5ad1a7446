//! How far the meta server may act by itself (meta-server.md section 2).

use std::fmt;
use std::str::FromStr;

/// Upstream's `meta_function_level`; each level may do everything of the lower ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum FunctionLevel {
    /// Nothing.
    Stopped = 100,
    /// Nothing; upstream's level for moving the metadata elsewhere.
    Blind = 200,
    /// Membership stays as it is, because too few servers live to judge.
    Freezed = 300,
    /// Partitions are cured.
    #[default]
    Steady = 400,
    /// Partitions are cured, and load is balanced.
    Lively = 500,
}

impl FunctionLevel {
    const ALL: [Self; 5] = [
        Self::Stopped,
        Self::Blind,
        Self::Freezed,
        Self::Steady,
        Self::Lively,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The level of a number from the wire.
    #[must_use]
    pub fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.code() == code)
    }

    /// The name in configuration files and tools.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Blind => "blind",
            Self::Freezed => "freezed",
            Self::Steady => "steady",
            Self::Lively => "lively",
        }
    }

    /// Whether memberships may change and tables be made.
    #[must_use]
    pub fn allows_change(self) -> bool {
        self > Self::Freezed
    }
}

impl fmt::Display for FunctionLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no level.
#[derive(Debug, thiserror::Error)]
#[error("'{text}' is no function level: expected stopped, blind, freezed, steady or lively")]
pub struct ParseLevelError {
    text: String,
}

impl FromStr for FunctionLevel {
    type Err = ParseLevelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|level| level.name() == text);
        named.ok_or_else(|| ParseLevelError {
            text: text.to_owned(),
        })
    }
}

/// When losing servers freezes the cluster: so many lost at once is more likely a fault of the
/// network than of the servers, and moving everything would make it worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreezeRule {
    /// Fewer live servers than this freeze.
    pub live_nodes_min: usize,
    /// Fewer live servers than this share of all known ones, in percent, freeze.
    pub live_percent_min: usize,
}

impl FreezeRule {
    /// The level that holds while `alive` of the known servers live and `dead` do not.
    #[must_use]
    pub fn effective(self, configured: FunctionLevel, alive: usize, dead: usize) -> FunctionLevel {
        let frozen =
            alive < self.live_nodes_min || alive * 100 < self.live_percent_min * (alive + dead);
        if frozen {
            configured.min(FunctionLevel::Freezed)
        } else {
            configured
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_upstreams_numbers_and_names() {
        assert_eq!(FunctionLevel::from_code(400), Some(FunctionLevel::Steady));
        assert_eq!(FunctionLevel::from_code(10_000), None);
        for level in FunctionLevel::ALL {
            assert_eq!(level.name().parse::<FunctionLevel>().unwrap(), level);
        }
        assert!("fl_steady".parse::<FunctionLevel>().is_err());
    }

    #[test]
    fn losing_many_servers_freezes_and_never_raises() {
        let rule = FreezeRule {
            live_nodes_min: 3,
            live_percent_min: 65,
        };
        let effective = |alive, dead| rule.effective(FunctionLevel::Lively, alive, dead);
        assert_eq!(effective(2, 0), FunctionLevel::Freezed);
        assert_eq!(effective(3, 0), FunctionLevel::Lively);
        assert_eq!(effective(4, 2), FunctionLevel::Lively);
        assert_eq!(effective(3, 2), FunctionLevel::Freezed);
        let blind = rule.effective(FunctionLevel::Blind, 0, 9);
        assert_eq!(blind, FunctionLevel::Blind);
    }
}
