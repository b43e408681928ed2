//! A site: what a listener offers under a server name.

use std::sync::Arc;

use ravelin_iphttps::RequestRules;
use ravelin_policy::Policy;
use ravelin_tls::SiteTls;

/// What a listener offers under a server name.
pub struct Site {
    /// Its name in the configuration.
    pub name: String,
    /// The TLS side.
    pub tls: SiteTls,
    /// The policy.
    pub policy: Arc<Policy>,
    /// The pool's name.
    pub pool: String,
    /// What a request must look like.
    pub request: RequestRules,
    /// The head that servers get.
    pub server_head: Vec<u8>,
    /// Its certificates, for `status` and metrics.
    pub certificates: Vec<SiteCertificate>,
}

/// One certificate a site shows.
#[derive(Clone, Debug)]
pub struct SiteCertificate {
    /// Subject or first name.
    pub subject: String,
    /// Unix seconds.
    pub not_after: i64,
}
