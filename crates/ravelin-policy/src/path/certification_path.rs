//! A certification path (RFC 5280 §6): certificates that sign one another, from the leaf up to a trust anchor.

use crate::certificate::Certificate;
use crate::origin::Origin;

/// Leaf first, anchor last; at least these two.
#[derive(Clone, Debug)]
pub(crate) struct Path<'a> {
    pub(crate) certificates: Vec<&'a Certificate>,
    /// Where the anchor was configured.
    pub(crate) anchor_origin: Option<&'a Origin>,
}

impl<'a> Path<'a> {
    /// The certificate and its issuer, leaf first; the anchor only as an issuer.
    pub(crate) fn links(&self) -> impl DoubleEndedIterator<Item = (&'a Certificate, &'a Certificate)> + '_ {
        self.certificates.iter().zip(self.certificates.iter().skip(1)).map(|(subject, issuer)| (*subject, *issuer))
    }

    /// For a report: `leaf <- issuing authority <- root (origin)`.
    pub(crate) fn text(&self) -> String {
        let origin = self.anchor_origin.map(Origin::to_string).unwrap_or_default();
        let labels: Vec<String> = self.certificates.iter().map(|one| one.label()).collect();
        format!("{} (anchor: {})", labels.join(" <- "), crate::escape::escape(&origin))
    }
}
