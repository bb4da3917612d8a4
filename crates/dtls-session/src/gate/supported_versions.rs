//! What a ClientHello says of DTLS 1.3, which looks like 1.2 up to its extensions.

use crate::version::Version;

/// Whether the extensions of a ClientHello, as far as they are there, offer a version
/// (RFC 8446 4.2.1).
pub(crate) fn offer(extensions: &[u8], version: Version) -> bool {
    let Some((_, mut rest)) = extensions.split_at_checked(2) else {
        return false;
    };
    while let Some((header, behind)) = rest.split_at_checked(4) {
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let Some((body, behind)) = behind.split_at_checked(length) else {
            return false;
        };
        if header[..2] == SUPPORTED_VERSIONS {
            return lists(body, version);
        }
        rest = behind;
    }
    false
}

fn lists(body: &[u8], version: Version) -> bool {
    let Some((length, versions)) = body.split_first() else {
        return false;
    };
    let wanted = version.number().to_be_bytes();
    usize::from(*length) == versions.len() && versions.chunks_exact(2).any(|one| one == wanted)
}

const SUPPORTED_VERSIONS: [u8; 2] = [0, 43];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extensions(versions: &[u8]) -> Vec<u8> {
        let length = versions.len() as u8;
        let mut bytes = vec![0, 0, 0, 10, 0, 1, 9, 0, 43, 0, length + 1, length];
        bytes.extend(versions);
        // The next one is cut off, as in a first fragment.
        bytes.extend([0, 51, 4, 0, 1]);
        bytes
    }

    #[test]
    fn a_version_is_found_where_it_stands() {
        let both = extensions(&[0xfe, 0xfc, 0xfe, 0xfd]);
        assert!(offer(&both, Version::Dtls13));
        assert!(offer(&both, Version::Dtls12));
        assert!(!offer(&extensions(&[0xfe, 0xfd]), Version::Dtls13));
        assert!(!offer(&extensions(&[0xfd, 0xfe, 0xfc]), Version::Dtls13));
        assert!(!offer(&[], Version::Dtls13));
        let mut long = both;
        long[11] += 2;
        assert!(!offer(&long, Version::Dtls13));
    }

    proptest! {
        #[test]
        fn any_bytes_are_safe(bytes: Vec<u8>, cut in 0usize..20) {
            let _ = offer(&bytes, Version::Dtls13);
            let mut good = extensions(&[0xfe, 0xfc]);
            good.truncate(good.len().saturating_sub(cut));
            let _ = offer(&good, Version::Dtls13);
        }
    }
}
