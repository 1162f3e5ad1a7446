//! RPC_CM_UPDATE_APP_ENV: what a request makes of a table's environments (meta-server.md
//! section 14.1).

use std::collections::BTreeMap;

use pegasus_common::ErrorCode;
use pegasus_common::table_env::{self, InvalidEnv};
use pegasus_wire::meta_admin::{AppEnvOperation, ConfigurationUpdateAppEnvRequest};

/// A request that makes sense by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvChange {
    /// Gives these keys these values.
    Set(Vec<(String, String)>),
    /// Removes these keys; those that are not there do not matter.
    Delete(Vec<String>),
    /// Removes every key, or those of a family: with `a.b` all that begin with `a.b.`.
    Clear {
        /// The family; empty is every key.
        family: String,
    },
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvRefusal {
    /// A part of the request is missing, or keys and values do not match.
    #[error("{0}")]
    Incomplete(&'static str),
    /// A pair that cannot be set.
    #[error(transparent)]
    Invalid(#[from] InvalidEnv),
}

impl EnvRefusal {
    /// The answer's error.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::InvalidParameters
    }
}

/// What a change comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvOutcome {
    /// These are the table's environments from now on.
    Changed {
        /// All of them.
        envs: BTreeMap<String, String>,
        /// For the administrator.
        hint: String,
    },
    /// Nothing changes, and that is fine.
    Unchanged {
        /// For the administrator.
        hint: String,
    },
}

impl EnvChange {
    /// Reads a request. Every pair is checked before anything is set.
    ///
    /// # Errors
    /// It makes no sense.
    pub fn of_request(request: &ConfigurationUpdateAppEnvRequest) -> Result<Self, EnvRefusal> {
        let keys = request.keys.as_deref().unwrap_or_default();
        match request.op {
            AppEnvOperation::APP_ENV_OP_SET => {
                let values = request.values.as_deref().unwrap_or_default();
                if keys.is_empty() || keys.len() != values.len() {
                    return Err(EnvRefusal::Incomplete(
                        "there must be keys, and as many values",
                    ));
                }
                let pairs = keys.iter().cloned().zip(values.iter().cloned());
                let pairs: Vec<_> = pairs.collect();
                for (key, value) in &pairs {
                    table_env::check(key, value)?;
                }
                Ok(Self::Set(pairs))
            }
            AppEnvOperation::APP_ENV_OP_DEL if keys.is_empty() => {
                Err(EnvRefusal::Incomplete("there must be keys"))
            }
            AppEnvOperation::APP_ENV_OP_DEL => Ok(Self::Delete(keys.to_vec())),
            AppEnvOperation::APP_ENV_OP_CLEAR => match &request.clear_prefix {
                Some(family) => Ok(Self::Clear {
                    family: family.clone(),
                }),
                None => Err(EnvRefusal::Incomplete("there must be a prefix")),
            },
            _ => Err(EnvRefusal::Incomplete(
                "the operation must be SET, DEL or CLEAR",
            )),
        }
    }

    /// Applies the change.
    ///
    /// # Errors
    /// All together would be too large.
    pub fn apply(self, envs: &BTreeMap<String, String>) -> Result<EnvOutcome, EnvRefusal> {
        match self {
            Self::Set(pairs) => {
                let mut envs = envs.clone();
                envs.extend(pairs);
                table_env::check_size(&envs)?;
                let hint = String::new();
                Ok(EnvOutcome::Changed { envs, hint })
            }
            Self::Delete(keys) => Ok(without(envs, |key| keys.iter().any(|gone| gone == key))),
            Self::Clear { family } if family.is_empty() => Ok(without(envs, |_| true)),
            Self::Clear { family } => Ok(without(envs, |key| {
                let member = key.strip_prefix(family.as_str());
                member.is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'))
            })),
        }
    }
}

fn without(envs: &BTreeMap<String, String>, is_gone: impl Fn(&str) -> bool) -> EnvOutcome {
    let (gone, envs): (BTreeMap<_, _>, BTreeMap<_, _>) =
        envs.clone().into_iter().partition(|(key, _)| is_gone(key));
    if gone.is_empty() {
        let hint = "no key needs to be deleted".to_owned();
        return EnvOutcome::Unchanged { hint };
    }
    let mut hint = "deleted keys:".to_owned();
    for key in gone.keys() {
        hint.push_str("\n    ");
        hint.push_str(key);
    }
    EnvOutcome::Changed { envs, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(op: AppEnvOperation) -> ConfigurationUpdateAppEnvRequest {
        ConfigurationUpdateAppEnvRequest {
            app_name: "temp".to_owned(),
            op,
            ..ConfigurationUpdateAppEnvRequest::default()
        }
    }

    fn texts(texts: &[&str]) -> Option<Vec<String>> {
        Some(texts.iter().map(|&text| text.to_owned()).collect())
    }

    fn set(keys: &[&str], values: &[&str]) -> Result<EnvChange, EnvRefusal> {
        EnvChange::of_request(&ConfigurationUpdateAppEnvRequest {
            keys: texts(keys),
            values: texts(values),
            ..request(AppEnvOperation::APP_ENV_OP_SET)
        })
    }

    fn envs(keys: &[&str]) -> BTreeMap<String, String> {
        let pairs = keys.iter().map(|&key| (key.to_owned(), "1".to_owned()));
        pairs.collect()
    }

    #[test]
    fn every_pair_is_checked_before_any_is_set() {
        let refusal = set(&["default_ttl", "no.such"], &["10", "1"]).unwrap_err();
        assert_eq!(refusal.to_string(), "app_env 'no.such' is not supported");
        let refusal = set(&["default_ttl"], &["soon"]).unwrap_err();
        assert!(refusal.to_string().contains("'soon'"), "{refusal}");
        assert_eq!(refusal.code(), ErrorCode::InvalidParameters);
        let change = set(&["default_ttl", "business.info"], &["10", "x"]).unwrap();
        let Ok(EnvOutcome::Changed { envs, hint }) = change.apply(&envs(&["default_ttl"])) else {
            panic!("a change");
        };
        assert_eq!(envs["default_ttl"], "10");
        assert_eq!((envs.len(), hint.as_str()), (2, ""));
    }

    #[test]
    fn incomplete_requests_are_refused() {
        for (keys, values) in [(&[][..], &[][..]), (&["default_ttl"], &[])] {
            let refusal = set(keys, values).unwrap_err();
            assert!(matches!(refusal, EnvRefusal::Incomplete(_)), "{refusal}");
        }
        for op in [
            AppEnvOperation::APP_ENV_OP_INVALID,
            AppEnvOperation::APP_ENV_OP_SET,
            AppEnvOperation::APP_ENV_OP_DEL,
            AppEnvOperation::APP_ENV_OP_CLEAR,
            AppEnvOperation(77),
        ] {
            assert!(EnvChange::of_request(&request(op)).is_err(), "{op:?}");
        }
    }

    #[test]
    fn what_is_too_large_together_is_refused() {
        let half = "x".repeat(table_env::ENVS_BYTES_MAX / 2);
        let first = set(&["business.info"], &[&half]).unwrap();
        let Ok(EnvOutcome::Changed { envs, .. }) = first.apply(&BTreeMap::new()) else {
            panic!("half of it fits");
        };
        let second = set(&["user_specified_compaction"], &[&half]).unwrap();
        let refusal = second.apply(&envs).unwrap_err();
        assert!(matches!(
            refusal,
            EnvRefusal::Invalid(InvalidEnv::TooLarge { .. })
        ));
    }

    #[test]
    fn deleted_keys_are_named_and_missing_ones_do_not_matter() {
        let delete = |keys: &[&str]| {
            let change = EnvChange::of_request(&ConfigurationUpdateAppEnvRequest {
                keys: texts(keys),
                ..request(AppEnvOperation::APP_ENV_OP_DEL)
            });
            change.unwrap().apply(&envs(&["a", "b", "c"])).unwrap()
        };
        let changed = EnvOutcome::Changed {
            envs: envs(&["b"]),
            hint: "deleted keys:\n    a\n    c".to_owned(),
        };
        assert_eq!(delete(&["c", "a", "x"]), changed);
        let hint = "no key needs to be deleted".to_owned();
        assert_eq!(delete(&["x"]), EnvOutcome::Unchanged { hint });
    }

    #[test]
    fn a_family_is_cleared_by_its_prefix_and_a_dot() {
        let clear = |family: &str| {
            let change = EnvChange::of_request(&ConfigurationUpdateAppEnvRequest {
                clear_prefix: Some(family.to_owned()),
                ..request(AppEnvOperation::APP_ENV_OP_CLEAR)
            });
            let all = envs(&["a", "a.", "a.b", "a.c", "ab.c", "default_ttl"]);
            match change.unwrap().apply(&all).unwrap() {
                EnvOutcome::Changed { envs, .. } => envs.into_keys().collect::<Vec<_>>(),
                EnvOutcome::Unchanged { .. } => Vec::new(),
            }
        };
        assert_eq!(clear("a"), ["a", "a.", "ab.c", "default_ttl"]);
        assert_eq!(clear(""), Vec::<String>::new());
        assert_eq!(clear("a.b"), Vec::<String>::new(), "nothing to clear");
    }
}
