//! Certificates and lists that all products share.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ravelin_lab::clock;
use ravelin_lab::pki::{Authority, CertificateSpec, CrlSpec, Issued, Key, KeyType};
use rustls::client::{Resumption, WantsClientCert};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, ServerConfig};

use crate::wire::NAME;

/// A root, an authority below it, a face with either key, and some computers; all but the RSA face on P-256.
pub(crate) struct Estate {
    folder: PathBuf,
    root: Vec<u8>,
    ecdsa: Issued,
    clients: Vec<Issued>,
}

impl Estate {
    /// Makes everything and writes what products read.
    pub(crate) fn write(folder: &Path) -> io::Result<Estate> {
        let root = Authority::root(ROOT, clock::now());
        let issuing = root.issue_authority(CertificateSpec::authority(ISSUING));
        let ecdsa = issuing.issue(CertificateSpec::server(&[NAME]));
        let rsa = issuing.issue(CertificateSpec::server(&[NAME]).key(Key::shared(KeyType::Rsa2048, 0)));
        let clients = (0..COMPUTERS)
            .map(|number| issuing.issue(CertificateSpec::client(&format!("pc{number}.corp.example.test"))))
            .collect();
        let estate = Estate { folder: folder.to_owned(), root: root.certificate_der().to_vec(), ecdsa, clients };
        let put = |name: &str, text: String| std::fs::write(estate.file(name), text);
        put("root.pem", root.pem())?;
        put("issuing.pem", issuing.pem())?;
        put("ca.pem", root.pem() + &issuing.pem())?;
        put("crl.pem", root.crl(CrlSpec::new()).pem() + &issuing.crl(CrlSpec::new()).pem())?;
        for (name, face) in [("ecdsa", &estate.ecdsa), ("rsa", &rsa)] {
            put(&format!("{name}.pem"), face.chain_pem())?;
            put(&format!("{name}.key"), face.key_pem())?;
            put(&format!("{name}-both.pem"), face.chain_pem() + &face.key_pem())?;
        }
        Ok(estate)
    }

    /// Path of one of the files written.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// TLS as the `number`th computer speaks it, with records of at most this many bytes of plaintext.
    pub(crate) fn client(&self, number: usize, record: usize) -> io::Result<Arc<ClientConfig>> {
        let computer = &self.clients[number % self.clients.len()];
        let config = self.trusting()?.with_client_auth_cert(computer.certificates(), computer.private_key());
        let mut config = config.map_err(io::Error::other)?;
        config.max_fragment_size = Some(record + RECORD_HEADER);
        Ok(unresumed(config))
    }

    /// TLS of a client without a certificate.
    pub(crate) fn nobody(&self) -> io::Result<Arc<ClientConfig>> {
        Ok(unresumed(self.trusting()?.with_no_client_auth()))
    }

    /// TLS of a computer of another estate, whose authorities bear the names of ours.
    pub(crate) fn stranger(&self) -> io::Result<Arc<ClientConfig>> {
        let root = Authority::root(ROOT, clock::now());
        let issuing = root.issue_authority(CertificateSpec::authority(ISSUING));
        let computer = issuing.issue(CertificateSpec::client("pc0.corp.example.test"));
        let config = self.trusting()?.with_client_auth_cert(computer.certificates(), computer.private_key());
        config.map(unresumed).map_err(io::Error::other)
    }

    fn trusting(&self) -> io::Result<ConfigBuilder<ClientConfig, WantsClientCert>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone().into()).map_err(io::Error::other)?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(io::Error::other)?;
        Ok(builder.with_root_certificates(roots))
    }

    /// TLS of the server behind the products: the same certificate, asks for none.
    pub(crate) fn server(&self) -> io::Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(self.ecdsa.certificates(), self.ecdsa.private_key())
            .map_err(io::Error::other)?;
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

fn unresumed(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// One suite and one group, so that all products do the same cryptography.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384],
        kx_groups: vec![aws_lc_rs::kx_group::X25519],
        ..aws_lc_rs::default_provider()
    })
}

const ROOT: &str = "Side by Side Root CA";
const ISSUING: &str = "CN=Side by Side Issuing CA";
/// ravelin allows an identity 1,000 tunnels at most; the idle ones need more.
const COMPUTERS: usize = 16;
/// What rustls counts to a fragment besides its plaintext.
const RECORD_HEADER: usize = 5;
