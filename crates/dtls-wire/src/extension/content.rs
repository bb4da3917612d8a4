//! What extensions hold.

use crate::{
    Decode, Decoder, Encode, EncodeError, Encoder, Extension, ExtensionType, Fault, KeyShareEntry,
    List, Malformed, MaxFragmentLength, NamedGroup, ProtocolName, ProtocolVersion,
    PskKeyExchangeMode, SignatureScheme, SrtpProfile,
};

/// Which message extensions stand in: some hold another thing in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hello {
    /// A ClientHello.
    Client,
    /// A ServerHello, or the EncryptedExtensions behind it.
    Server,
    /// A HelloRetryRequest.
    Retry,
}

/// What an extension holds. Written, it is the whole extension, with its type and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtensionContent<'a> {
    /// The name that a client wants to reach; None where a server says that it has used it
    /// (RFC 6066 3).
    ServerName(Option<&'a [u8]>),
    /// How much records may carry (RFC 6066 4).
    MaxFragmentLength(MaxFragmentLength),
    /// How keys can be agreed on (RFC 8422 5.1.1, RFC 8446 4.2.7).
    SupportedGroups(List<'a, NamedGroup>),
    /// How points on curves may be written (RFC 8422 5.1.2), a byte each.
    EcPointFormats(&'a [u8]),
    /// What signatures are understood (RFC 8446 4.2.3).
    SignatureAlgorithms(List<'a, SignatureScheme>),
    /// What signatures are understood in certificates (RFC 8446 4.2.3).
    SignatureAlgorithmsCert(List<'a, SignatureScheme>),
    /// How media are protected (RFC 5764 4.1.1).
    UseSrtp {
        /// What a client offers, or the one that a server has chosen.
        profiles: List<'a, SrtpProfile>,
        /// The master key's identifier; empty for none.
        mki: &'a [u8],
    },
    /// The application's protocols, or the one that a server has chosen (RFC 7301).
    Protocols(List<'a, ProtocolName<'a>>),
    /// CBC suites authenticate what they have encrypted (RFC 7366).
    EncryptThenMac,
    /// The master secret depends on the whole handshake (RFC 7627).
    ExtendedMasterSecret,
    /// How much a record may carry, in bytes (RFC 8449).
    RecordSizeLimit(u16),
    /// A ticket by which a session is resumed; empty for the wish to get one (RFC 5077 3.2).
    SessionTicket(&'a [u8]),
    /// The versions that a client offers (RFC 8446 4.2.1).
    SupportedVersions(List<'a, ProtocolVersion>),
    /// The version that a server has chosen (RFC 8446 4.2.1).
    SelectedVersion(ProtocolVersion),
    /// What a HelloRetryRequest asks to see again (RFC 8446 4.2.2).
    Cookie(&'a [u8]),
    /// How pre-shared keys may be used (RFC 8446 4.2.9).
    PskKeyExchangeModes(List<'a, PskKeyExchangeMode>),
    /// A client's keys (RFC 8446 4.2.8).
    KeyShares(List<'a, KeyShareEntry<'a>>),
    /// A server's key (RFC 8446 4.2.8).
    KeyShare(KeyShareEntry<'a>),
    /// The group that a HelloRetryRequest asks a key for (RFC 8446 4.2.8).
    SelectedGroup(NamedGroup),
    /// By what the sender wants to be known in each record; empty for the readiness to use the
    /// other's (RFC 9146 3).
    ConnectionId(&'a [u8]),
    /// The return routability check can be answered (RFC 9853 3).
    Rrc,
    /// What the last handshake of this connection was; empty in the first (RFC 5746 3.2).
    RenegotiationInfo(&'a [u8]),
    /// Any other.
    Other(Extension<'a>),
}

impl<'a> ExtensionContent<'a> {
    /// Returns the extension's number.
    pub const fn extension_type(&self) -> ExtensionType {
        match self {
            Self::ServerName(_) => ExtensionType::SERVER_NAME,
            Self::MaxFragmentLength(_) => ExtensionType::MAX_FRAGMENT_LENGTH,
            Self::SupportedGroups(_) => ExtensionType::SUPPORTED_GROUPS,
            Self::EcPointFormats(_) => ExtensionType::EC_POINT_FORMATS,
            Self::SignatureAlgorithms(_) => ExtensionType::SIGNATURE_ALGORITHMS,
            Self::SignatureAlgorithmsCert(_) => ExtensionType::SIGNATURE_ALGORITHMS_CERT,
            Self::UseSrtp { .. } => ExtensionType::USE_SRTP,
            Self::Protocols(_) => ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
            Self::EncryptThenMac => ExtensionType::ENCRYPT_THEN_MAC,
            Self::ExtendedMasterSecret => ExtensionType::EXTENDED_MASTER_SECRET,
            Self::RecordSizeLimit(_) => ExtensionType::RECORD_SIZE_LIMIT,
            Self::SessionTicket(_) => ExtensionType::SESSION_TICKET,
            Self::SupportedVersions(_) | Self::SelectedVersion(_) => {
                ExtensionType::SUPPORTED_VERSIONS
            }
            Self::Cookie(_) => ExtensionType::COOKIE,
            Self::PskKeyExchangeModes(_) => ExtensionType::PSK_KEY_EXCHANGE_MODES,
            Self::KeyShares(_) | Self::KeyShare(_) | Self::SelectedGroup(_) => {
                ExtensionType::KEY_SHARE
            }
            Self::ConnectionId(_) => ExtensionType::CONNECTION_ID,
            Self::Rrc => ExtensionType::RRC,
            Self::RenegotiationInfo(_) => ExtensionType::RENEGOTIATION_INFO,
            Self::Other(extension) => extension.extension_type,
        }
    }

    pub(super) fn read(extension: Extension<'a>, hello: Hello) -> Result<Self, Malformed> {
        let mut from = Decoder::new(extension.body);
        let content = Self::decode(&mut from, extension, hello)?;
        from.end()?;
        Ok(content)
    }

    fn decode(
        from: &mut Decoder<'a>,
        extension: Extension<'a>,
        hello: Hello,
    ) -> Result<Self, Malformed> {
        Ok(match (extension.extension_type, hello) {
            (ExtensionType::SERVER_NAME, Hello::Client) => Self::ServerName(Some(host_name(from)?)),
            (ExtensionType::SERVER_NAME, _) => Self::ServerName(None),
            (ExtensionType::MAX_FRAGMENT_LENGTH, _) => {
                Self::MaxFragmentLength(MaxFragmentLength::decode(from)?)
            }
            (ExtensionType::SUPPORTED_GROUPS, _) => {
                Self::SupportedGroups(list16(from, "named_group_list")?)
            }
            (ExtensionType::EC_POINT_FORMATS, _) => {
                Self::EcPointFormats(from.vector8("ec_point_format_list")?)
            }
            (ExtensionType::SIGNATURE_ALGORITHMS, _) => {
                Self::SignatureAlgorithms(list16(from, "supported_signature_algorithms")?)
            }
            (ExtensionType::SIGNATURE_ALGORITHMS_CERT, _) => {
                Self::SignatureAlgorithmsCert(list16(from, "supported_signature_algorithms")?)
            }
            (ExtensionType::USE_SRTP, _) => Self::UseSrtp {
                profiles: list16(from, "SRTPProtectionProfiles")?,
                mki: from.vector8("srtp_mki")?,
            },
            (ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION, _) => {
                Self::Protocols(list16(from, "protocol_name_list")?)
            }
            (ExtensionType::ENCRYPT_THEN_MAC, _) => Self::EncryptThenMac,
            (ExtensionType::EXTENDED_MASTER_SECRET, _) => Self::ExtendedMasterSecret,
            (ExtensionType::RECORD_SIZE_LIMIT, _) => {
                Self::RecordSizeLimit(from.u16("record_size_limit")?)
            }
            (ExtensionType::SESSION_TICKET, _) => Self::SessionTicket(from.take_rest()),
            (ExtensionType::SUPPORTED_VERSIONS, Hello::Client) => {
                Self::SupportedVersions(list8(from, "versions")?)
            }
            (ExtensionType::SUPPORTED_VERSIONS, _) => {
                Self::SelectedVersion(ProtocolVersion::decode(from)?)
            }
            (ExtensionType::COOKIE, _) => Self::Cookie(from.vector16("cookie")?),
            (ExtensionType::PSK_KEY_EXCHANGE_MODES, _) => {
                Self::PskKeyExchangeModes(list8(from, "ke_modes")?)
            }
            (ExtensionType::KEY_SHARE, Hello::Client) => {
                Self::KeyShares(list16(from, "client_shares")?)
            }
            (ExtensionType::KEY_SHARE, Hello::Server) => {
                Self::KeyShare(KeyShareEntry::decode(from)?)
            }
            (ExtensionType::KEY_SHARE, Hello::Retry) => {
                Self::SelectedGroup(NamedGroup::decode(from)?)
            }
            (ExtensionType::CONNECTION_ID, _) => Self::ConnectionId(from.vector8("cid")?),
            (ExtensionType::RRC, _) => Self::Rrc,
            (ExtensionType::RENEGOTIATION_INFO, _) => {
                Self::RenegotiationInfo(from.vector8("renegotiated_connection")?)
            }
            _ => {
                from.take_rest();
                Self::Other(extension)
            }
        })
    }

    fn encode_body(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        match self {
            Self::ServerName(None)
            | Self::EncryptThenMac
            | Self::ExtendedMasterSecret
            | Self::Rrc => Ok(()),
            Self::ServerName(Some(name)) => to.nested16("server_name_list", |to| {
                to.u8(HOST_NAME)?;
                to.vector16("HostName", name)
            }),
            Self::MaxFragmentLength(length) => length.encode(to),
            Self::SupportedGroups(groups) => {
                to.nested16("named_group_list", |to| groups.encode(to))
            }
            Self::EcPointFormats(formats) => to.vector8("ec_point_format_list", formats),
            Self::SignatureAlgorithms(schemes) | Self::SignatureAlgorithmsCert(schemes) => {
                to.nested16("supported_signature_algorithms", |to| schemes.encode(to))
            }
            Self::UseSrtp { profiles, mki } => {
                to.nested16("SRTPProtectionProfiles", |to| profiles.encode(to))?;
                to.vector8("srtp_mki", mki)
            }
            Self::Protocols(names) => to.nested16("protocol_name_list", |to| names.encode(to)),
            Self::RecordSizeLimit(limit) => to.u16(*limit),
            Self::SessionTicket(ticket) => to.bytes(ticket),
            Self::SupportedVersions(versions) => to.nested8("versions", |to| versions.encode(to)),
            Self::SelectedVersion(version) => version.encode(to),
            Self::Cookie(cookie) => to.vector16("cookie", cookie),
            Self::PskKeyExchangeModes(modes) => to.nested8("ke_modes", |to| modes.encode(to)),
            Self::KeyShares(shares) => to.nested16("client_shares", |to| shares.encode(to)),
            Self::KeyShare(share) => share.encode(to),
            Self::SelectedGroup(group) => group.encode(to),
            Self::ConnectionId(cid) => to.vector8("cid", cid),
            Self::RenegotiationInfo(verify_data) => {
                to.vector8("renegotiated_connection", verify_data)
            }
            Self::Other(extension) => to.bytes(extension.body),
        }
    }
}

impl Encode for ExtensionContent<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.extension_type().encode(to)?;
        to.nested16("extension_data", |to| self.encode_body(to))
    }
}

/// The one entry that the list may have (RFC 6066 3): there is no other kind of name.
fn host_name<'a>(from: &mut Decoder<'a>) -> Result<&'a [u8], Malformed> {
    let list = from.vector16("server_name_list")?;
    let mut list = from.within(list);
    if list.u8("name_type")? != HOST_NAME {
        return Err(list.fault("name_type", 1, Fault::Value));
    }
    let name = list.vector16("HostName")?;
    list.end()?;
    Ok(name)
}

fn list8<'a, T: Decode<'a> + Copy>(
    from: &mut Decoder<'a>,
    field: &'static str,
) -> Result<List<'a, T>, Malformed> {
    let bytes = from.vector8(field)?;
    List::read(from.within(bytes))
}

fn list16<'a, T: Decode<'a> + Copy>(
    from: &mut Decoder<'a>,
    field: &'static str,
) -> Result<List<'a, T>, Malformed> {
    let bytes = from.vector16(field)?;
    List::read(from.within(bytes))
}

const HOST_NAME: u8 = 0;
