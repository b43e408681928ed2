//! RSA and ECDSA side by side, picked by what the client can verify; nothing in common is named so.

use ravelin_tls::{HandshakeEnd, TlsVersion, alert};

use crate::support::*;

#[tokio::test]
async fn the_certificate_fits_the_client() {
    let (rsa, ecdsa) = (&estate().face_rsa, &estate().face_ecdsa);
    let all: &[&str] = &[];
    let only_rsa: &[&str] = &["-sigalgs", "rsa_pss_rsae_sha256:rsa_pkcs1_sha256"];
    let only_ecdsa: &[&str] =
        &["-sigalgs", "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"];
    // Curves of TLS 1.2 bound its signatures too.
    let other_curve: &[&str] = &["-groups", "P-384"];
    let rsa_suites: &[&str] = &["-cipher", "ECDHE-RSA-AES128-GCM-SHA256"];
    for (case, faces, version, client, shown) in [
        ("both, prefers ECDSA", &[rsa, ecdsa][..], "-tls1_3", all, "ECDSA"),
        ("both, prefers ECDSA", &[rsa, ecdsa], "-tls1_2", all, "ECDSA"),
        ("both, the other way round", &[ecdsa, rsa], "-tls1_3", all, "ECDSA"),
        ("RSA signatures alone", &[rsa, ecdsa], "-tls1_3", only_rsa, "RSA"),
        ("RSA signatures alone", &[rsa, ecdsa], "-tls1_2", only_rsa, "RSA"),
        ("RSA suites alone", &[rsa, ecdsa], "-tls1_2", rsa_suites, "RSA"),
        ("ECDSA suites alone", &[rsa, ecdsa], "-tls1_2", only_ecdsa, "ECDSA"),
        ("a curve of another group in TLS 1.2", &[rsa, ecdsa], "-tls1_2", other_curve, "RSA"),
        ("a curve of another group in TLS 1.3", &[rsa, ecdsa], "-tls1_3", other_curve, "ECDSA"),
        ("RSA alone", &[rsa], "-tls1_3", all, "RSA"),
        ("ECDSA alone", &[ecdsa], "-tls1_2", all, "ECDSA"),
    ] {
        let (address, task) = serve(site_of(faces, TlsVersion::V1_3), estatewide()).await;
        let certificate = with_certificate("healthy");
        let mut arguments = vec!["-brief", "-servername", NAME, version];
        arguments.extend(certificate.iter().map(String::as_str));
        arguments.extend(client);
        let server = tokio::spawn(async move {
            if let Ok(accepted) = ended(task).await {
                accepted.stream.close().await;
            }
        });
        let said = s_client(address, &arguments, b"").await;
        server.await.unwrap();
        let kind = said.text.lines().find_map(|line| line.strip_prefix("Signature type: "));
        assert!(kind.is_some_and(|kind| kind.starts_with(shown)), "{case} {version}: {}", said.text);
    }
}

#[tokio::test]
async fn a_client_that_shares_nothing_with_the_site_is_reported_so() {
    let (rsa, ecdsa) = (&estate().face_rsa, &estate().face_ecdsa);
    for (case, face, max, arguments, alert) in [
        (
            "old suites",
            rsa,
            TlsVersion::V1_3,
            &["-tls1_2", "-cipher", "AES128-SHA:AES256-SHA256"][..],
            alert::Alert::HANDSHAKE_FAILURE,
        ),
        (
            "null encryption",
            rsa,
            TlsVersion::V1_3,
            &["-tls1_2", "-cipher", "NULL-SHA256:NULL-SHA:@SECLEVEL=0"],
            alert::Alert::HANDSHAKE_FAILURE,
        ),
        ("TLS 1.1", rsa, TlsVersion::V1_3, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], alert::Alert::PROTOCOL_VERSION),
        ("TLS 1.3 alone", rsa, TlsVersion::V1_2, &["-tls1_3"], alert::Alert::PROTOCOL_VERSION),
        ("groups", rsa, TlsVersion::V1_3, &["-tls1_3", "-groups", "X448"], alert::Alert::HANDSHAKE_FAILURE),
        (
            "suites for another key",
            ecdsa,
            TlsVersion::V1_3,
            &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"],
            alert::Alert::HANDSHAKE_FAILURE,
        ),
        (
            "signatures",
            ecdsa,
            TlsVersion::V1_3,
            &["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"],
            alert::Alert::HANDSHAKE_FAILURE,
        ),
    ] {
        let judge = Counting::new(estatewide());
        let (address, task) = serve(site_of(&[face], max), judge.clone()).await;
        let mut all = vec!["-quiet", "-servername", NAME];
        all.extend(arguments);
        let (failure, said) = tokio::join!(failed(task), s_client(address, &all, b""));
        assert!(matches!(failure.end, HandshakeEnd::NoCommonSuite), "{case}: {failure:?} {}", said.text);
        assert_eq!(failure.alert_sent, Some(alert), "{case}");
        assert_eq!(said.alert(), Some(alert.0), "{case}: {}", said.text);
        assert_eq!(judge.calls(), 0, "{case}");
    }
}
