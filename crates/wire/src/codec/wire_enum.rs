//! Enums of the IDL: open numbers, so that a value from a newer version survives.

/// Defines one enum of the IDL with its values, their names, and its encoding as `i32`.
macro_rules! wire_enum {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$value_doc:meta])* $value:ident = $number:literal, $text:literal;)* }
    ) => {
        $(#[$doc])*
        ///
        /// A value that this version does not know is kept as its number.
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i32);

        impl $name {
            $($(#[$value_doc])* pub const $value: Self = Self($number);)*

            /// Every value that this version knows, with its name in the IDL.
            pub const ALL: &'static [(Self, &'static str)] =
                &[$((Self::$value, $text),)*];

            /// The name in the IDL, if the value is known.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                Self::ALL.iter().find(|(value, _)| *value == self).map(|(_, name)| *name)
            }

            /// The value of a name in the IDL, if it is known.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().find(|(_, known)| *known == name).map(|(value, _)| *value)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!(stringify!($name), "({})"), self.0),
                }
            }
        }

        impl $crate::codec::Message for $name {
            const FIELD_TYPE: $crate::codec::FieldType = $crate::codec::FieldType::I32;
            const MIN_LEN: usize = 4;

            #[inline]
            fn decode(
                reader: &mut $crate::codec::Reader<'_>,
            ) -> Result<Self, $crate::codec::DecodeError> {
                <i32 as $crate::codec::Message>::decode(reader).map(Self)
            }

            #[inline]
            fn encode(&self, out: &mut bytes::BytesMut) {
                $crate::codec::Message::encode(&self.0, out);
            }

            #[inline]
            fn encode_field(&self, out: &mut bytes::BytesMut, id: i16) {
                $crate::codec::Message::encode_field(&self.0, out, id);
            }

            #[inline]
            fn encoded_len_hint(&self) -> usize {
                4
            }
        }
    };
}

pub(crate) use wire_enum;
