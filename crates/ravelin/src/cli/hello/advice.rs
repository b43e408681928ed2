//! Which engine would take a client, and if none, which switches would let it in.

use std::path::{Path, PathBuf};

use ravelin_tls::hello::ClientHello;
use ravelin_tls::{EngineChoice, LegacyTls, ServerIdentity, SiteTls, SiteTlsSpec, TlsVersion};

use ravelin_config::switches;
use ravelin_config::{Problem, TlsConfig};
use ravelin_gateway::trust::build_site;
use ravelin_ops::process::files::FileProblems;

/// Who is asked: a site, or the default settings with either kind of certificate.
pub(super) struct Advisor {
    subjects: Vec<Subject>,
}

struct Subject {
    /// `site europe`, `an RSA certificate`.
    title: String,
    site: SiteTls,
    /// Settings with one switch more, and the switch.
    trials: Vec<(String, SiteTls)>,
}

/// What one subject says to a client.
pub(super) struct Advice<'a> {
    /// Who says it.
    pub(super) title: &'a str,
    /// `rustls` or `openssl`; `None`: nobody, and why.
    pub(super) engine: Result<&'static str, String>,
    /// Where nobody takes it: each switch that would change that.
    pub(super) served_with: Vec<&'a str>,
}

impl Advisor {
    /// The settings and certificates of a site. Nothing else that the configuration names is read.
    pub(super) fn of_site(file: &Path, name: &str) -> Result<Advisor, Vec<Problem>> {
        let (config, _) = ravelin_config::load(file)?;
        let Some(site) = config.sites.get(name) else {
            let known = config.sites.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(vec![Problem::error(file, "", format!("has no site {name:?}; it has: {known}"))]);
        };
        let mut problems = FileProblems::default();
        let key = format!("sites.{name}.certificates");
        let mut identities =
            || site.certificates.iter().map(|files| build_site::read_identity(files, &key, &mut problems)).collect();
        match Subject::new(format!("site {name}"), &site.tls, file, &mut identities) {
            Some(Ok(subject)) => Ok(Advisor { subjects: vec![subject] }),
            Some(Err(wrong)) => Err(wrong),
            None => Err(problems.into_inner()),
        }
    }

    /// The default settings, with an RSA certificate and with an ECDSA one.
    pub(super) fn of_default_settings() -> Result<Advisor, Vec<Problem>> {
        let settings = TlsConfig { min: TlsVersion::V1_2, max: TlsVersion::V1_3, legacy: LegacyTls::default() };
        let mut subjects = Vec::new();
        for (kind, chain, key) in STAND_INS {
            let mut identities =
                || Some(vec![ServerIdentity::from_pem("ravelin hello", chain, "ravelin hello", key).ok()?]);
            let title = format!("default settings with {kind}");
            match Subject::new(title, &settings, &PathBuf::from("ravelin hello"), &mut identities) {
                Some(subject) => subjects.push(subject?),
                None => return Err(vec![Problem::error(Path::new("ravelin hello"), "", "cannot read a certificate")]),
            }
        }
        Ok(Advisor { subjects })
    }

    /// What each subject says.
    pub(super) fn ask(&self, hello: &ClientHello) -> Vec<Advice<'_>> {
        self.subjects.iter().map(|subject| subject.ask(hello)).collect()
    }
}

impl Subject {
    /// `None`: an identity cannot be had, which was reported.
    fn new(
        title: String,
        settings: &TlsConfig,
        file: &Path,
        identities: &mut dyn FnMut() -> Option<Vec<ServerIdentity>>,
    ) -> Option<Result<Subject, Vec<Problem>>> {
        let site = match build(identities()?, settings) {
            Ok(site) => site,
            Err(problems) => {
                let told = problems
                    .into_iter()
                    .map(|problem| Problem::error(file, &title, format!("{}: {}", problem.key, problem.text)));
                return Some(Err(told.collect()));
            }
        };
        let mut trials = Vec::new();
        for (switch, settings) in switches::switches(settings) {
            // A build without the second engine has no trials.
            if let Ok(site) = build(identities()?, &settings) {
                trials.push((switch, site));
            }
        }
        Some(Ok(Subject { title, site, trials }))
    }

    fn ask(&self, hello: &ClientHello) -> Advice<'_> {
        let engine = match self.site.choose(hello) {
            EngineChoice::Rustls => Ok(ravelin_tls::Engine::Rustls.label()),
            EngineChoice::OpenSsl => Ok(ravelin_tls::Engine::OpenSsl.label()),
            EngineChoice::None { why } => Err(why),
        };
        let serves = |site: &SiteTls| !matches!(site.choose(hello), EngineChoice::None { .. });
        let served_with = match &engine {
            Ok(_) => Vec::new(),
            Err(_) => self.trials.iter().filter(|(_, site)| serves(site)).map(|(switch, _)| switch.as_str()).collect(),
        };
        Advice { title: &self.title, engine, served_with }
    }
}

fn build(identities: Vec<ServerIdentity>, settings: &TlsConfig) -> Result<SiteTls, Vec<ravelin_tls::SettingProblem>> {
    let TlsConfig { min, max, legacy } = settings.clone();
    SiteTls::build(SiteTlsSpec { identities, min, max, authority_hints: Vec::new(), legacy })
}

/// Which engine takes a client depends on the kind of key. Shown to nobody; see `stand_ins/README.md`.
const STAND_INS: [(&str, &[u8], &[u8]); 2] = [
    ("an RSA certificate", include_bytes!("stand_ins/rsa.pem"), include_bytes!("stand_ins/rsa.key")),
    ("an ECDSA certificate", include_bytes!("stand_ins/ecdsa.pem"), include_bytes!("stand_ins/ecdsa.key")),
];
