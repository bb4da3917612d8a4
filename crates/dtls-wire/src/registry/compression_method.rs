//! How records are compressed.

use super::registry;

registry! {
    /// How records are compressed: CompressionMethod (RFC 3749 2). Nobody should have more than `null`.
    CompressionMethod(u8), "compression method {}";
    0 NULL "null",
    1 DEFLATE "DEFLATE",
    64 LZS "LZS",
}
