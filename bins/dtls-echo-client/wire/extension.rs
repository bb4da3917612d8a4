//! Extensions of the hellos, as they are shown.

use std::borrow::Cow;

use dtls_wire::{Decode, ExtensionContent, List};
use serde::Serialize;

use super::names;

/// One extension, with what it lists where that is of interest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Extension {
    pub(crate) name: Cow<'static, str>,
    /// May hold anything that a peer has chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<String>,
}

impl Extension {
    /// Says what an extension of a hello holds; nothing where that is malformed.
    pub(super) fn of(extension: &dtls_wire::Extension<'_>, hello: dtls_wire::Hello) -> Self {
        let content = extension.content(hello);
        Self {
            name: names::shown(&extension.extension_type, extension.extension_type.name()),
            values: content.map(values).unwrap_or_default(),
        }
    }
}

fn values(content: ExtensionContent<'_>) -> Vec<String> {
    match content {
        ExtensionContent::ServerName(Some(name)) => vec![text(name)],
        ExtensionContent::SupportedGroups(groups) => shown(groups),
        ExtensionContent::SignatureAlgorithms(schemes)
        | ExtensionContent::SignatureAlgorithmsCert(schemes) => shown(schemes),
        ExtensionContent::UseSrtp { profiles, .. } => profiles
            .iter()
            .map(|profile| names::srtp_profile(profile).into_owned())
            .collect(),
        ExtensionContent::Protocols(names) => names.iter().map(|name| text(name.0)).collect(),
        ExtensionContent::SupportedVersions(versions) => shown(versions),
        ExtensionContent::SelectedVersion(version) => vec![version.to_string()],
        ExtensionContent::KeyShares(shares) => {
            shares.iter().map(|share| share.group.to_string()).collect()
        }
        ExtensionContent::KeyShare(share) => vec![share.group.to_string()],
        ExtensionContent::SelectedGroup(group) => vec![group.to_string()],
        ExtensionContent::ConnectionId(id) => vec![format!("{} bytes", id.len())],
        _ => Vec::new(),
    }
}

fn shown<'a, T: Decode<'a> + Copy + ToString>(list: List<'a, T>) -> Vec<String> {
    list.iter().map(|value| value.to_string()).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
