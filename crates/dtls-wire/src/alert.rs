//! Alerts.

use core::fmt;

use crate::{
    AlertDescription, AlertLevel, Decode, Decoder, Encode, EncodeError, Encoder, Malformed,
};

/// An alert (RFC 5246 7.2): the whole body of a record of type
/// [`ContentType::ALERT`](crate::ContentType::ALERT).
///
/// ```
/// use dtls_wire::{Alert, AlertDescription, Decode};
///
/// let alert = Alert::parse(&[2, 48])?;
/// assert_eq!(alert.description, AlertDescription::UNKNOWN_CA);
/// assert_eq!(alert.to_string(), "fatal unknown_ca");
/// # Ok::<_, dtls_wire::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alert {
    /// How grave it is.
    pub level: AlertLevel,
    /// What it says.
    pub description: AlertDescription,
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.level, self.description)
    }
}

impl Decode<'_> for Alert {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            level: AlertLevel::new(from.u8("level")?),
            description: AlertDescription::new(from.u8("description")?),
        })
    }
}

impl Encode for Alert {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.level.encode(to)?;
        self.description.encode(to)
    }
}
