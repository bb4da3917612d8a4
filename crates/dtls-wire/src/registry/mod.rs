//! Numbers and their names, from the registries of the IANA.

mod alert;
mod cipher_suite;
mod compression_method;
mod content_type;
mod extension_type;
mod handshake_type;
mod max_fragment_length;
mod named_group;
mod protocol_version;
mod psk_key_exchange_mode;
mod routability_check_type;
mod signature_scheme;
mod srtp_profile;

pub use alert::{AlertDescription, AlertLevel};
pub use cipher_suite::CipherSuite;
pub use compression_method::CompressionMethod;
pub use content_type::ContentType;
pub use extension_type::ExtensionType;
pub use handshake_type::HandshakeType;
pub use max_fragment_length::MaxFragmentLength;
pub use named_group::NamedGroup;
pub use protocol_version::ProtocolVersion;
pub use psk_key_exchange_mode::PskKeyExchangeMode;
pub use routability_check_type::RoutabilityCheckType;
pub use signature_scheme::SignatureScheme;
pub use srtp_profile::SrtpProfile;

/// Makes one registry: a number that is written as it is, whether it has a name or not.
///
/// Thirteen times the same hundred lines would hide the tables, which are all that differs.
macro_rules! registry {
    (@name $constant:ident) => { stringify!($constant) };
    (@name $constant:ident $name:literal) => { $name };
    (
        $(#[$attribute:meta])*
        $registry:ident($number:ident), $unnamed:literal;
        $($value:literal $constant:ident $($name:literal)?,)*
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $registry($number);

        #[allow(non_upper_case_globals, reason = "names as the IANA has them")]
        impl $registry {
            $(
                #[doc = concat!("`", registry!(@name $constant $($name)?), "`, ", stringify!($value), ".")]
                pub const $constant: Self = Self($value);
            )*

            /// Wraps the number that stands on the wire.
            #[inline]
            pub const fn new(number: $number) -> Self {
                Self(number)
            }

            /// Returns the number that stands on the wire.
            #[inline]
            pub const fn number(self) -> $number {
                self.0
            }

            /// Returns the name that the IANA has given it, or None for a number without one.
            pub const fn name(self) -> Option<&'static str> {
                Some(match self.0 {
                    $($value => registry!(@name $constant $($name)?),)*
                    _ => return None,
                })
            }
        }

        /// The name, or the number where it has none.
        impl core::fmt::Display for $registry {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => write!(f, $unnamed, self.0),
                }
            }
        }

        /// As for people: a list of them is read more often than their type's name.
        impl core::fmt::Debug for $registry {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }

        impl From<$number> for $registry {
            fn from(number: $number) -> Self {
                Self(number)
            }
        }

        impl From<$registry> for $number {
            fn from(value: $registry) -> Self {
                value.0
            }
        }

        impl<'a> crate::Decode<'a> for $registry {
            #[inline]
            fn decode(from: &mut crate::Decoder<'a>) -> Result<Self, crate::Malformed> {
                from.$number(stringify!($registry)).map(Self)
            }
        }

        impl crate::Encode for $registry {
            fn encode(&self, to: &mut crate::Encoder<'_>) -> Result<(), crate::EncodeError> {
                to.$number(self.0)
            }
        }
    };
}

use registry;
