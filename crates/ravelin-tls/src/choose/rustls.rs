//! Whether rustls can serve a client: its own rules (`rustls::server::hs`), applied to the peeked hello.

use rustls::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme, SupportedCipherSuite};

use crate::hello::client_hello::ClientHello;
use crate::identity::candidate::pick;
use crate::site::SiteTls;

/// The version that rustls would agree on.
pub(super) fn version(site: &SiteTls, hello: &ClientHello) -> Option<ProtocolVersion> {
    let speaks = |version| site.versions.iter().any(|known| known.version == version);
    if speaks(ProtocolVersion::TLSv1_3) && hello.versions.contains(&ProtocolVersion::TLSv1_3.into()) {
        return Some(ProtocolVersion::TLSv1_3);
    }
    let offered = hello.versions.contains(&ProtocolVersion::TLSv1_2.into());
    (speaks(ProtocolVersion::TLSv1_2) && offered).then_some(ProtocolVersion::TLSv1_2)
}

/// Whether it would come as far as its ServerHello.
pub(super) fn can_serve(site: &SiteTls, hello: &ClientHello) -> bool {
    let Some(version) = version(site, hello) else { return false };
    let tls12 = version == ProtocolVersion::TLSv1_2;
    let offered: Vec<CipherSuite> = hello.suites.iter().copied().map(CipherSuite::from).collect();
    let groups: Vec<NamedGroup> = hello.groups.iter().copied().map(NamedGroup::from).collect();
    let shared: Vec<&SupportedCipherSuite> =
        site.provider.cipher_suites.iter().filter(|suite| offered.contains(&suite.suite())).collect();
    let mut schemes: Vec<SignatureScheme> =
        hello.signature_schemes.iter().copied().map(SignatureScheme::from).collect();
    // rustls strikes the schemes that no shared suite can use before the certificate is picked.
    schemes.retain(|scheme| {
        shared.iter().any(|suite| match suite {
            SupportedCipherSuite::Tls12(suite) => suite.sign.contains(scheme),
            SupportedCipherSuite::Tls13(_) => true,
        })
    });
    let named = (!groups.is_empty()).then_some(groups.as_slice());
    let Some(candidate) = pick(&site.candidates, &schemes, named, tls12) else { return false };
    let key = &candidate.certified.key;
    let group_shared =
        site.provider.kx_groups.iter().any(|group| group.usable_for_version(version) && groups.contains(&group.name()));
    if !group_shared {
        return false;
    }
    if tls12 {
        let first = offered.iter().find_map(|offered| {
            shared.iter().find(|suite| {
                suite.suite() == *offered
                    && suite.version().version == version
                    && suite.usable_for_signature_algorithm(key.algorithm())
            })
        });
        let Some(SupportedCipherSuite::Tls12(suite)) = first else { return false };
        return key.choose_scheme(&suite.resolve_sig_schemes(&schemes)).is_some();
    }
    schemes.retain(|scheme| is_of_tls13(*scheme));
    shared.iter().any(|suite| suite.tls13().is_some()) && key.choose_scheme(&schemes).is_some()
}

/// RFC 8446 §4.2.3: neither SHA-1 nor PKCS #1 v1.5 signs a TLS 1.3 handshake.
fn is_of_tls13(scheme: SignatureScheme) -> bool {
    ![
        SignatureScheme::RSA_PKCS1_SHA1,
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512,
        SignatureScheme::ECDSA_SHA1_Legacy,
    ]
    .contains(&scheme)
}
