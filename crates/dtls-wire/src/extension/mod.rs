//! Extensions of the hellos.

mod content;
mod entries;
mod extensions;

pub use content::{ExtensionContent, Hello};
pub use entries::{KeyShareEntry, ProtocolName};
pub use extensions::{Extension, Extensions};
