//! Every reason arrives as its alert, in both versions; and nobody is let in.

use ravelin_policy::{Reason, Verdict};
use ravelin_tls::{HandshakeEnd, alert};

use crate::support::*;

#[tokio::test]
async fn each_denial_reason_sends_its_own_alert() {
    // Covers: docs/traps.md row 62; docs/rules.md rule 8.
    let certificate = with_certificate("healthy");
    for version in ["-tls1_2", "-tls1_3"] {
        for reason in Reason::ALL.iter().filter(|reason| **reason != Reason::NoCertificate) {
            let (address, task) = serve(site(), std::sync::Arc::new(Denying(*reason))).await;
            let (failure, said) =
                tokio::join!(failed(task), s_client(address, &usual(version, &certificate), b"ping\n"));
            let expected = alert::for_reason(*reason);
            assert_eq!(said.alert(), Some(expected.0), "{version} {}: {}", reason.label(), said.text);
            assert_eq!(failure.alert_sent, Some(expected), "{version} {}", reason.label());
            assert_eq!(failure.detail, format!("as the test wants: {}", reason.label()));
            let HandshakeEnd::Denied(decision) = failure.end else { panic!("{:?}", failure.end) };
            let Verdict::Denial(denial) = decision.verdict else { panic!("a permit") };
            assert_eq!(denial.reason, *reason);
        }
    }
}

#[tokio::test]
async fn a_denial_by_policy_ends_the_handshake() {
    for (client, reason) in [
        ("expired", Reason::Expired),
        ("not-yet-valid", Reason::NotYetValid),
        ("server-purpose", Reason::WrongPurpose),
        ("partner", Reason::UnknownIssuer),
    ] {
        for version in ["-tls1_2", "-tls1_3"] {
            let (address, task) = serve(site(), estatewide()).await;
            let certificate = with_certificate(client);
            let (failure, said) =
                tokio::join!(failed(task), s_client(address, &usual(version, &certificate), b"ping\n"));
            let HandshakeEnd::Denied(decision) = failure.end else { panic!("{client}: {failure:?}") };
            let Verdict::Denial(denial) = decision.verdict else { panic!("a permit") };
            assert_eq!(denial.reason, reason, "{client}: {}", denial.detail);
            assert_eq!(said.alert(), Some(alert::for_reason(reason).0), "{client}");
            assert!(!said.text.contains("pong"));
        }
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_denied_for_that_reason() {
    for version in ["-tls1_2", "-tls1_3"] {
        let judge = Counting::new(estatewide());
        let (address, task) = serve(site(), judge.clone()).await;
        let (failure, said) = tokio::join!(failed(task), s_client(address, &usual(version, &[]), b"ping\n"));
        assert_eq!(said.alert(), Some(116), "{version}: {}", said.text);
        assert_eq!(failure.alert_sent, Some(alert::Alert::CERTIFICATE_REQUIRED));
        let HandshakeEnd::Denied(decision) = failure.end else { panic!("{version}: {failure:?}") };
        let Verdict::Denial(denial) = decision.verdict else { panic!("a permit") };
        assert_eq!(denial.reason, Reason::NoCertificate);
        assert_eq!(judge.calls(), 1);
    }
}

#[tokio::test]
async fn a_chain_of_too_many_certificates_is_denied_unparsed() {
    // Covers: docs/traps.md row 55; docs/rules.md rule 2.
    let judge = Counting::new(estatewide());
    let (address, task) = serve(site(), judge.clone()).await;
    let client = beside(move || {
        let leaf = &estate().clients.healthy_renewed;
        let mut client = rustls_client(Some(certified(vec![leaf.certificate_der.clone(); 11], leaf)));
        let mut socket = dial(address);
        std::io::copy(&mut rustls::Stream::new(&mut client, &mut socket), &mut std::io::sink()).unwrap_err()
    });
    let (failure, told) = tokio::join!(failed(task), client);
    assert!(told.to_string().contains("BadCertificate"), "{told}");
    let HandshakeEnd::Denied(decision) = failure.end else { panic!("{failure:?}") };
    let Verdict::Denial(denial) = decision.verdict else { panic!("a permit") };
    assert_eq!((denial.reason, judge.calls()), (Reason::ChainTooLong, 0));
}
