//! Any bytes for a CRL: whatever they are, the client of the estate in `fuzz/pki` passes by the authority's own CRL
//! alone, and a CRL that cannot be read stops the policy with a text that is harmless.

use ravelin_policy::{PresentedChain, Verdict};
use rustls_pki_types::CertificateDer;

use super::decide::{CLIENT, CONTEXT, ISSUING_CRL, policy};

/// `data` is a CRL in DER. Panics where a promise is broken.
pub(crate) fn run(data: &[u8]) {
    let policy = match policy(data) {
        Ok(policy) => policy,
        Err(problems) => {
            for problem in problems {
                let text = problem.text;
                assert!(text.len() < 8_192 && !text.contains(|c: char| c.is_control()), "{text:?}");
            }
            return;
        }
    };
    let chain = PresentedChain { certificates: vec![CertificateDer::from(CLIENT)] };
    if let Verdict::Permit(_) = policy.decide(&chain, &CONTEXT).verdict {
        // The signed part: a signature in another encoding would still be the authority's.
        let behind_header = &ISSUING_CRL[header_len(ISSUING_CRL)..];
        let signed = &behind_header[..header_len(behind_header) + usize::from(behind_header[2])];
        assert!(data.windows(signed.len()).any(|window| window == signed), "a CRL of nobody's let a client in");
    }
}

/// Bytes before the content of an element whose length is below 256 (both are, and this panics where they are not).
fn header_len(der: &[u8]) -> usize {
    assert_eq!(der[1], 0x81);
    3
}
