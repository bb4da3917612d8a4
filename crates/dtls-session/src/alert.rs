//! Alert descriptions by their RFC names.

pub use dtls_wire::AlertDescription as Alert;
