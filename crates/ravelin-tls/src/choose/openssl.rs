//! Whether OpenSSL may and can serve a client: what the site allows, compared with the peeked hello.

use crate::hello::client_hello::ClientHello;
use crate::legacy::TlsVersion;
use crate::site::SiteTls;
use crate::site::offer::{GROUPS, Offer};
use crate::suites::{KeyKind, Suite};

/// The version that OpenSSL would agree on: the newest in common, TLS 1.2 at most.
pub(super) fn version(site: &SiteTls, hello: &ClientHello) -> Option<TlsVersion> {
    if site.offers.is_empty() {
        return None;
    }
    let within = |version: &TlsVersion| (site.min..=site.max).contains(version);
    let mut known = [TlsVersion::V1_2, TlsVersion::V1_1, TlsVersion::V1_0].into_iter().filter(within);
    known.find(|version| match hello.versions.as_slice() {
        // A hello without `supported_versions` names the newest, and means all before it.
        [newest] if *newest <= TlsVersion::V1_2.code() => version.code() <= *newest,
        versions => versions.contains(&version.code()),
    })
}

/// The offer that takes the client and the suite that they would agree on.
pub(super) fn serving<'a>(site: &'a SiteTls, hello: &ClientHello) -> Option<(&'a Offer, &'static Suite)> {
    let version = version(site, hello)?;
    let sha1 = site.min < TlsVersion::V1_2;
    let served: Vec<(&Offer, &'static Suite)> = site
        .offers
        .iter()
        .filter(|offer| version < TlsVersion::V1_2 || can_verify(hello, offer.key, sha1))
        .filter(|offer| offer.curve.is_none_or(|curve| knows_group(hello, curve.into())))
        .filter_map(|offer| {
            let common = |suite: &&&Suite| {
                hello.suites.contains(&suite.code)
                    && (version >= TlsVersion::V1_2 || !suite.tls12_only)
                    && (!suite.on_a_curve() || GROUPS.iter().any(|group| hello.groups.contains(group)))
            };
            offer.suites.iter().find(common).map(|suite| (offer, *suite))
        })
        .collect();
    // Certificates in the site's order; but what an offer of null suites is preferred for decides first.
    let by_null = served.iter().find(|(_, suite)| suite.is_null() == site.prefers_null());
    by_null.or_else(|| served.first()).copied()
}

/// A client without the extension verifies on any curve (RFC 8422 §4). To agree on a key is another matter: neither
/// engine picks a group for a client that names none.
fn knows_group(hello: &ClientHello, group: u16) -> bool {
    hello.groups.is_empty() || hello.groups.contains(&group)
}

/// Whether a TLS 1.2 client can verify what the engine signs with. OpenSSL asks so for RSA key exchange too.
fn can_verify(hello: &ClientHello, key: KeyKind, sha1: bool) -> bool {
    let (schemes, with_sha1) = match key {
        KeyKind::Rsa => (&[0x0401, 0x0501, 0x0601], 0x0201),
        KeyKind::Ecdsa => (&[0x0403, 0x0503, 0x0603], 0x0203),
    };
    // Without the extension a client means SHA-1 (RFC 5246 §7.4.1.4.1).
    let offered = |scheme: &u16| hello.signature_schemes.contains(scheme);
    schemes.iter().any(offered) || (sha1 && (hello.signature_schemes.is_empty() || offered(&with_sha1)))
}
