//! A section: the options that stand under one `[heading]`.

use super::option::{Given, OptionInfo, Refusal};

/// The options of one section with their values. Made by [`config_section!`](crate::config_section).
pub trait ConfigSection {
    /// The heading, dots included: `pegasus.server`.
    fn name(&self) -> &'static str;

    /// What the section is about.
    fn description(&self) -> &'static str;

    /// What is known about each option, in the order of declaration.
    fn options(&self) -> Vec<OptionInfo>;

    /// The current value of an option, in TOML.
    fn value(&self, key: &str) -> Option<String>;

    /// Replaces the value of an option.
    ///
    /// # Errors
    /// The key is unknown, or the value does not fit; then nothing has changed.
    fn set(&mut self, key: &str, given: &Given) -> Result<(), Refusal>;
}

/// Declares a section: its struct with public fields and `Default`, and its [`ConfigSection`].
///
/// Each field reads `key: type = default => range; mutable,` where range and `; mutable` may be
/// absent. The example is in the module documentation of [`config`](crate::config).
#[macro_export]
macro_rules! config_section {
    (
        $(#[doc = $section_doc:literal])+
        $section:literal => $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident : $type:ty = $default:expr
                $(=> $range:expr)?
                $(; $mutable:ident)?,
            )*
        }
    ) => {
        $(#[doc = $section_doc])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::config::ConfigSection for $name {
            fn name(&self) -> &'static str {
                $section
            }

            fn description(&self) -> &'static str {
                concat!($($section_doc, "\n",)+).trim()
            }

            fn options(&self) -> Vec<$crate::config::OptionInfo> {
                let default = Self::default();
                vec![$(
                    $crate::config::OptionInfo {
                        key: stringify!($field),
                        value_type: <$type as $crate::config::OptionValue>::type_name(),
                        default: $crate::config::OptionValue::to_toml(&default.$field),
                        range: $crate::config_section!(@range $type $(, $range)?),
                        description: concat!($($doc, "\n",)+).trim(),
                        mutability: $crate::config_section!(@mutability $($mutable)?),
                    },
                )*]
            }

            fn value(&self, key: &str) -> Option<String> {
                match key {
                    $( stringify!($field) => {
                        Some($crate::config::OptionValue::to_toml(&self.$field))
                    } )*
                    _ => None,
                }
            }

            fn set(
                &mut self,
                key: &str,
                given: &$crate::config::Given,
            ) -> Result<(), $crate::config::Refusal> {
                match key {
                    $( stringify!($field) => {
                        let value = <$type as $crate::config::OptionValue>::from_given(given)
                            .ok_or_else(|| $crate::config::Refusal::WrongType {
                                expected: <$type as $crate::config::OptionValue>::type_name(),
                            })?;
                        $(
                            if !($range).contains(&value) {
                                return Err($crate::config::Refusal::OutOfRange {
                                    allowed: $crate::config::describe_range::<$type>(&$range),
                                });
                            }
                        )?
                        self.$field = value;
                        Ok(())
                    } )*
                    _ => Err($crate::config::Refusal::UnknownKey),
                }
            }
        }
    };
    (@range $type:ty) => { None };
    (@range $type:ty, $range:expr) => {
        Some($crate::config::describe_range::<$type>(&$range))
    };
    (@mutability) => { $crate::config::Mutability::Fixed };
    (@mutability mutable) => { $crate::config::Mutability::Mutable };
}
