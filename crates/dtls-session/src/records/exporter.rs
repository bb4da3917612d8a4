//! Keying material for other uses, once the `SSL` is gone (RFC 5705).

use zeroize::Zeroizing;

use crate::{error::ExportError, records::secrets::Secrets};

/// What is left of a session's secrets to export from.
pub(crate) enum Exporter {
    /// All of it.
    Secrets(Box<Secrets>),
    /// What was asked for beforehand, by its labels.
    Material(Box<[Material]>),
}

/// What was exported for a label.
pub(crate) struct Material {
    label: Box<str>,
    bytes: Zeroizing<Box<[u8]>>,
}

impl Exporter {
    /// Keeps the secrets, or exports so many bytes for each label and wipes them.
    pub(crate) fn new(
        secrets: Secrets,
        only: Option<&[(String, usize)]>,
    ) -> Result<Self, ExportError> {
        let Some(only) = only else {
            return Ok(Self::Secrets(Box::new(secrets)));
        };
        let material = only.iter().map(|(label, length)| {
            let mut bytes = Zeroizing::new(vec![0; *length].into_boxed_slice());
            secrets.export(label.as_bytes(), None, &mut bytes)?;
            let label = label.as_str().into();
            Ok::<_, ExportError>(Material { label, bytes })
        });
        Ok(Self::Material(material.collect::<Result<_, _>>()?))
    }

    /// Fills `out`. Of what was exported beforehand, it gets as much as it has room for: what is longer
    /// begins alike.
    pub(crate) fn export(
        &self,
        out: &mut [u8],
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<(), ExportError> {
        let material = match self {
            Self::Secrets(secrets) => {
                return Ok(secrets.export(label.as_bytes(), context, out)?);
            }
            Self::Material(material) => material,
        };
        let known = material.iter().find(|known| *known.label == *label);
        let start = known.and_then(|known| known.bytes.get(..out.len()));
        let Some(start) = start.filter(|_| context.is_none()) else {
            return Err(ExportError::Forgotten {
                label: label.to_owned(),
            });
        };
        out.copy_from_slice(start);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        openssl::prf::Digest,
        records::secrets::{MASTER, RANDOM},
    };

    fn secrets() -> Secrets {
        Secrets::new(&[1; MASTER], [2; RANDOM], [3; RANDOM], Digest::Sha256)
    }

    #[test]
    fn what_was_asked_for_is_what_the_secrets_give_and_nothing_else_is_left() {
        let all = Exporter::new(secrets(), None).unwrap();
        let only = [("EXPERIMENTAL a".to_owned(), 40)];
        let some = Exporter::new(secrets(), Some(&only)).unwrap();
        for length in [1, 20, 40] {
            let (mut expected, mut got) = (vec![0; length], vec![0; length]);
            all.export(&mut expected, "EXPERIMENTAL a", None).unwrap();
            some.export(&mut got, "EXPERIMENTAL a", None).unwrap();
            assert_eq!(got, expected);
        }
        for (label, context, length) in [
            ("EXPERIMENTAL b", None, 1),
            ("EXPERIMENTAL a", Some(&b""[..]), 1),
            ("EXPERIMENTAL a", None, 41),
        ] {
            let refused = some.export(&mut vec![0; length], label, context);
            assert!(matches!(refused, Err(ExportError::Forgotten { .. })));
        }
    }
}
