//! The messages by which both sides say what they can do.

use std::borrow::Cow;

use dtls_wire::{
    ClientHello, ClientHelloStart, Decode, Extensions, Fragment, HandshakeType, HelloVerifyRequest,
    Malformed, ProtocolVersion, ServerHello,
};
use serde::Serialize;

use super::{Extension, Unparsed, names};

/// What is of interest in a ClientHello, a ServerHello or a HelloVerifyRequest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Hello {
    pub(crate) version: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session_id_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cookie_length: Option<usize>,
    /// What a client offers, or the one that the server has chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) cipher_suites: Vec<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) extensions: Vec<Extension>,
    /// What is malformed, to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unparsed: Option<Unparsed>,
}

impl Hello {
    /// Reads the first fragment of a message as far as it goes; None for other messages.
    pub(super) fn of(fragment: &Fragment<'_>) -> Option<Self> {
        let body = fragment.body;
        let (read, whole) = match fragment.handshake_type {
            HandshakeType::CLIENT_HELLO => (Self::of_client(body), ClientHello::parse(body).err()),
            HandshakeType::SERVER_HELLO => (Self::of_server(body), ServerHello::parse(body).err()),
            HandshakeType::HELLO_VERIFY_REQUEST => {
                let request = HelloVerifyRequest::parse(body);
                (request.map(|it| Self::of_request(&it)), request.err())
            }
            _ => return None,
        };
        let mut hello = read.unwrap_or_else(|_| Self {
            version: body.first_chunk().map_or_else(Cow::default, |bytes| {
                version(ProtocolVersion::new(u16::from_be_bytes(*bytes)))
            }),
            ..Self::default()
        });
        // What is missing in a fragment comes with the next one.
        if fragment.is_whole() {
            let rest = whole.and_then(|malformed| body.get(malformed.offset()..));
            hello.unparsed = rest.and_then(Unparsed::of);
        }
        Some(hello)
    }

    /// The values of an extension; None if it is not there.
    pub(crate) fn extension(&self, name: &str) -> Option<&[String]> {
        let extension = self
            .extensions
            .iter()
            .find(|extension| extension.name == name);
        extension.map(|extension| &*extension.values)
    }

    fn of_client(fragment: &[u8]) -> Result<Self, Malformed> {
        let hello = ClientHelloStart::parse(fragment)?;
        let suites = hello.cipher_suites();
        Ok(Self {
            version: version(hello.version),
            session_id_length: Some(hello.session_id.len()),
            cookie_length: Some(hello.cookie.len()),
            cipher_suites: suites
                .into_iter()
                .flatten()
                .map(names::cipher_suite)
                .collect(),
            extensions: extensions(&hello.extensions, dtls_wire::Hello::Client),
            unparsed: None,
        })
    }

    fn of_server(fragment: &[u8]) -> Result<Self, Malformed> {
        let hello = ServerHello::parse_start(fragment)?;
        Ok(Self {
            version: version(hello.version),
            session_id_length: Some(hello.session_id.len()),
            cookie_length: None,
            cipher_suites: vec![names::cipher_suite(hello.cipher_suite)],
            extensions: extensions(&hello.extensions.unwrap_or_default(), hello.hello()),
            unparsed: None,
        })
    }

    fn of_request(request: &HelloVerifyRequest<'_>) -> Self {
        Self {
            version: version(request.version),
            cookie_length: Some(request.cookie.len()),
            ..Self::default()
        }
    }
}

fn extensions(extensions: &Extensions<'_>, hello: dtls_wire::Hello) -> Vec<Extension> {
    extensions
        .iter()
        .map(|extension| Extension::of(&extension, hello))
        .collect()
}

fn version(version: ProtocolVersion) -> Cow<'static, str> {
    names::shown(&version, version.name())
}
