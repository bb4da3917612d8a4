//! The messages by which both sides say what they can do.

use std::borrow::Cow;

use serde::Serialize;

use super::{Extension, Unparsed, kind, names, reader::Reader};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unparsed: Option<Unparsed>,
}

impl Hello {
    /// Reads the first fragment of a message of `length` bytes as far as it goes; None for other
    /// messages.
    pub(crate) fn decode(message: u8, fragment: &[u8], length: usize) -> Option<Self> {
        let read = match message {
            kind::CLIENT_HELLO => Self::read_client,
            kind::SERVER_HELLO => Self::read_server,
            kind::HELLO_VERIFY_REQUEST => Self::read_verify_request,
            _ => return None,
        };
        let mut hello = Self::default();
        let mut reader = Reader::new(fragment);
        let _ = read(&mut hello, &mut reader);
        // What is missing in a fragment comes with the next one.
        if fragment.len() == length {
            hello.unparsed = Unparsed::of(reader.rest());
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

    fn read_client(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        self.version = names::version(reader.u16()?);
        reader.take(RANDOM)?;
        self.session_id_length = Some(reader.vector(1)?.rest().len());
        self.cookie_length = Some(reader.vector(1)?.rest().len());
        self.cipher_suites = reader.vector(2)?.u16s().map(names::cipher_suite).collect();
        // Compression methods, of which nobody has more than "null".
        reader.vector(1)?;
        self.read_extensions(reader)
    }

    fn read_server(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        self.version = names::version(reader.u16()?);
        reader.take(RANDOM)?;
        self.session_id_length = Some(reader.vector(1)?.rest().len());
        self.cipher_suites = vec![names::cipher_suite(reader.u16()?)];
        reader.u8()?;
        self.read_extensions(reader)
    }

    fn read_verify_request(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        self.version = names::version(reader.u16()?);
        self.cookie_length = Some(reader.vector(1)?.rest().len());
        Some(())
    }

    fn read_extensions(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        if reader.is_empty() {
            return Some(());
        }
        let mut extensions = reader.vector(2)?;
        while let Some(extension) = Extension::decode(&mut extensions) {
            self.extensions.push(extension);
        }
        Some(())
    }
}

const RANDOM: usize = 32;
