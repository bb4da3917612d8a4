//! What a return routability check says.

use super::registry;

registry! {
    /// What a message of the return routability check is (RFC 9853).
    RoutabilityCheckType(u8), "check {}";
    0 PATH_CHALLENGE "path_challenge",
    1 PATH_RESPONSE "path_response",
    2 PATH_DROP "path_drop",
}
