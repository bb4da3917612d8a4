//! Records: a header, and what it protects.

mod any;
mod connection_id;
mod full;
mod inner_plaintext;
mod records;
mod unified;

pub use any::AnyRecord;
pub use connection_id::connection_id;
pub use full::Record;
pub use inner_plaintext::InnerPlaintext;
pub use records::{Records, records, records_with_cid};
pub use unified::{UnifiedRecord, restore_sequence};
