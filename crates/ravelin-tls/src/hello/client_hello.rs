//! The fields of a ClientHello.

use super::server_name::ServerName;

/// The fields of a ClientHello that choices are made from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClientHello {
    /// What the client wrote as server name.
    pub server_name: ServerName,
    /// Offered suites, in order.
    pub suites: Vec<u16>,
    /// `supported_versions`, else the legacy version alone.
    pub versions: Vec<u16>,
    /// `supported_groups`.
    pub groups: Vec<u16>,
    /// `signature_algorithms`.
    pub signature_schemes: Vec<u16>,
}
