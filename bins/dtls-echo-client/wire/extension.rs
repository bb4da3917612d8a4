//! Extensions of the hellos (RFC 6066 and others).

use std::borrow::Cow;

use serde::Serialize;

use super::{names, reader::Reader};

/// One extension, with what it lists where that is of interest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Extension {
    pub(crate) name: Cow<'static, str>,
    /// May hold anything that a peer has chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<String>,
}

impl Extension {
    /// Takes the first extension off the list; None, and nothing is taken, where none stands.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let mut ahead = *reader;
        let number = ahead.u16()?;
        let content = ahead.vector(2)?;
        *reader = ahead;
        Some(Self {
            name: names::extension(number),
            values: values(number, content).unwrap_or_default(),
        })
    }
}

fn values(number: u16, mut content: Reader<'_>) -> Option<Vec<String>> {
    let named = |list: Reader<'_>, name: fn(u16) -> Cow<'static, str>| {
        list.u16s()
            .map(|number| name(number).into_owned())
            .collect()
    };
    Some(match number {
        SERVER_NAME => {
            let mut list = content.vector(2)?;
            // Its kind, of which there is one.
            list.u8()?;
            vec![text(list.vector(2)?.rest())]
        }
        SUPPORTED_GROUPS => named(content.vector(2)?, names::group),
        SIGNATURE_ALGORITHMS => named(content.vector(2)?, names::signature_algorithm),
        USE_SRTP => named(content.vector(2)?, names::srtp_profile),
        PROTOCOLS => {
            let mut list = content.vector(2)?;
            std::iter::from_fn(|| list.vector(1))
                .map(|name| text(name.rest()))
                .collect()
        }
        // A server names the one that it has chosen.
        SUPPORTED_VERSIONS if content.rest().len() == 2 => named(content, names::version),
        SUPPORTED_VERSIONS => named(content.vector(1)?, names::version),
        CONNECTION_ID => vec![format!("{} bytes", content.vector(1)?.rest().len())],
        _ => Vec::new(),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const USE_SRTP: u16 = 14;
const PROTOCOLS: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;
const CONNECTION_ID: u16 = 54;
