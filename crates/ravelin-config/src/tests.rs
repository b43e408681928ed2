//! What a good file is read as.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ravelin_policy::{NameRules, RevocationCheck};
use ravelin_tls::{LegacyTls, TlsVersion};

use super::samples::{FULL, LEAST};
use super::*;

/// Reads a good file that lies in `/etc/ravelin`.
pub(super) fn good(text: &str) -> (Config, Vec<Problem>) {
    parse(Path::new("/etc/ravelin/ravelin.toml"), text).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn defaults_are_those_of_the_design() {
    let (config, problems) = good(LEAST);
    let texts: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(texts, ["policies.computers.revocation.crls"], "no list is named: said, and nothing else");

    assert_eq!(config.admin.listen, Some("127.0.0.1:9180".parse().unwrap()));
    assert_eq!(config.admin.control.as_deref(), Some(Path::new("/run/ravelin/control.sock")));
    let site = &config.sites["europe"];
    let usual = TlsConfig { min: TlsVersion::V1_2, max: TlsVersion::V1_3, legacy: LegacyTls::default() };
    assert_eq!((&site.tls, site.authority_hints), (&usual, true));
    assert_eq!(site.paths, ["/IPHTTPS"]);
    let policy = &config.policies["computers"];
    assert_eq!(policy.trust_anchors, [PathBuf::from("/etc/ravelin/ca/root.pem")]);
    assert_eq!((policy.intermediates.len(), &policy.issued_by, &policy.shadow), (0, &None, &None));
    assert_eq!(policy.purposes, ["1.3.6.1.5.5.7.3.2"]);
    assert!(!policy.purpose_absent_allowed && !policy.revocation.unknown_allowed);
    assert_eq!(policy.revocation.check, RevocationCheck::Chain);
    assert_eq!(policy.revocation.stale_grace, Duration::ZERO);
    let pool = &config.pools["europe"];
    assert_eq!(pool.servers[0].weight, 1);
    assert_eq!((pool.balance, pool.health), (Balance::Identity, HealthConfig::Off));
    assert_eq!(pool.connect_deadline, Duration::from_secs(5));
    let UpstreamConfig::Bridge { server_name, certificate, tls, .. } = &pool.upstream else { panic!("bridge") };
    assert_eq!((server_name.as_str(), certificate), ("da-eu.example.com", &None), "the site's first name");
    assert_eq!(tls, &usual);
    let limits = &config.limits;
    assert_eq!(
        (limits.handshake_deadline, limits.request_deadline),
        (Duration::from_secs(10), Duration::from_secs(10))
    );
    assert_eq!((limits.sessions, limits.handshakes_in_flight, limits.unauthenticated_per_source), (20_000, 1_024, 64));
    assert_eq!((limits.unauthenticated_rate_per_source, limits.tunnels_per_identity), (None, 4));
    assert_eq!((limits.idle, limits.half_closed_idle), (Duration::from_secs(3_600), Duration::from_secs(60)));
    assert_eq!((limits.lifetime, limits.drain_deadline), (None, Duration::from_secs(30)));
    assert!(config.threads.relay >= 1 && config.threads.handshake >= 1);
    assert_eq!((config.log.level.as_str(), config.log.json, &config.log.audit), ("info", false, &None));
}

#[test]
fn every_key_is_read() {
    let (config, problems) = good(FULL);
    assert!(problems.iter().all(|problem| problem.severity == Severity::Warning));
    assert_eq!(config.listeners["edge"].bind.len(), 2);
    assert_eq!(config.listeners["edge"].sites, ["europe", "asia"]);
    let site = &config.sites["europe"];
    assert_eq!(site.server_names, ["da-eu.example.com", "da-eu2.example.com"]);
    assert_eq!((site.tls.max, site.authority_hints), (TlsVersion::V1_2, false));
    assert_eq!(site.paths, ["/IPHTTPS", "/IPTLS"]);
    assert_eq!(
        site.certificates[1],
        CertificateFiles::Pfx {
            pfx: "/etc/ravelin/tls/ecdsa.pfx".into(),
            password_file: Some("/etc/ravelin/tls/pfx.pass".into())
        }
    );
    let policy = &config.policies["computers"];
    assert_eq!(policy.trust_anchors[1], PathBuf::from("/etc/ravelin/../shared/root2.der"));
    assert_eq!(policy.purposes, ["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.2.3.4"]);
    assert_eq!(
        policy.names,
        NameRules::Listed {
            allow: vec!["*.corp.example.com".into(), "pc1.lab.example.com".into()],
            deny: vec!["pc-lost.corp.example.com".into()]
        }
    );
    assert_eq!(policy.deny_serials, [("/etc/ravelin/ca/issuing.pem".into(), "5b2d".to_owned())]);
    assert_eq!(policy.deny_spki_sha256, ["00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"]);
    assert_eq!(policy.revocation.crls[0], PathBuf::from("/var/lib/ravelin/crl/"));
    assert_eq!(policy.revocation.stale_grace, Duration::from_secs(36 * 3_600));
    assert_eq!(config.policies["anybody"].names, NameRules::Any);
    assert_eq!(config.pools["europe"].health, HealthConfig::Tcp { every: Duration::from_millis(2_500) });
    assert_eq!(
        config.pools["asia"].upstream,
        UpstreamConfig::Offload { server_name: Some("da-as.example.com".into()) }
    );
    assert_eq!((config.limits.sessions, config.limits.handshakes_in_flight), (1_000, 512));
    assert_eq!(config.limits.unauthenticated_rate_per_source, Some(20));
    assert_eq!(config.limits.lifetime, Some(Duration::from_secs(86_400)));
    assert_eq!(config.threads, ThreadsConfig { relay: 3, handshake: 2, linger: Duration::from_micros(50) });
    assert!(config.log.json);
}

#[cfg(feature = "legacy-tls")]
#[test]
fn what_the_second_engine_may_do_is_read() {
    use ravelin_tls::{LegacySuite, NullEncryption};
    let (config, _) = good(FULL);
    let site = &config.sites["europe"].tls;
    assert_eq!((site.min, site.legacy.null_encryption), (TlsVersion::V1_0, NullEncryption::Prefer));
    assert_eq!(site.legacy.suites, [LegacySuite::EcdheRsaCbc, LegacySuite::RsaGcm]);
    let UpstreamConfig::Bridge { tls, .. } = &config.pools["europe"].upstream else { panic!("bridge") };
    assert_eq!((tls.min, tls.max), (TlsVersion::V1_1, TlsVersion::V1_2));
    assert_eq!(tls.legacy.null_encryption, NullEncryption::Fallback);
    assert_eq!(tls.legacy.suites, [LegacySuite::RsaCbc]);
}

#[cfg(not(feature = "legacy-tls"))]
#[test]
fn without_the_second_engine_its_keys_are_refused_by_name() {
    let tls = "tls = { min = \"1.0\", null_encryption = \"fallback\", legacy_suites = [\"rsa-gcm\"] }\n[policies";
    let problems = parse(Path::new("x"), &LEAST.replace("[policies", tls)).unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    for key in ["min", "null_encryption", "legacy_suites"] {
        assert!(keys.contains(&&*format!("sites.europe.tls.{key}")), "{problems:#?}");
    }
    for error in problems.iter().filter(|problem| problem.severity == Severity::Error) {
        assert!(error.position.is_some() && error.text.contains("--no-default-features"), "{problems:#?}");
    }
}

#[test]
fn a_file_of_policies_is_enough_to_explain() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policies.toml");
    std::fs::write(&file, "[policies.p]\ntrust_anchors = [\"root.pem\"]\nnames = \"any\"\n").unwrap();
    let (config, problems) = load_policies(&file).unwrap();
    assert_eq!(config.policies["p"].trust_anchors, [folder.path().join("root.pem")]);
    assert!(problems.iter().all(|problem| problem.key != "policies.p"), "nobody has to use it: {problems:?}");
    let problems = load(&file).unwrap_err();
    assert!(problems.iter().any(|problem| problem.key == "listeners"), "{problems:?}");
    std::fs::write(&file, "").unwrap();
    assert_eq!(load_policies(&file).unwrap_err()[0].key, "policies");
}

#[test]
fn relative_paths_begin_at_the_folder_of_the_file() {
    let read = |file: &str| parse(Path::new(file), LEAST).unwrap().0.policies["computers"].trust_anchors[0].clone();
    assert_eq!(read("ravelin.toml"), PathBuf::from("ca/root.pem"));
    assert_eq!(read("etc/ravelin.toml"), PathBuf::from("etc/ca/root.pem"));
    assert_eq!(read("/etc/ravelin.toml"), PathBuf::from("/etc/ca/root.pem"));
}

#[test]
fn health_has_a_short_form() {
    for (text, expected) in [
        ("\"off\"", HealthConfig::Off),
        ("\"tcp\"", HealthConfig::Tcp { every: Duration::from_secs(10) }),
        ("{ kind = \"tcp\" }", HealthConfig::Tcp { every: Duration::from_secs(10) }),
        ("{}", HealthConfig::Off),
    ] {
        let (config, _) = good(&format!("{LEAST}health = {text}\n"));
        assert_eq!(config.pools["europe"].health, expected, "{text}");
    }
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_read() {
    let (config, _) = good(&format!("\u{feff}{}", LEAST.replace('\n', "\r\n")));
    assert_eq!(config.sites.len(), 1);
}

#[test]
fn the_printed_configuration_reads_back_as_itself() {
    for text in [LEAST, FULL] {
        let (config, _) = good(text);
        let printed = render(&config);
        let (again, _) = good(&printed);
        assert_eq!(again, config, "{printed}");
        assert_eq!(render(&again), printed);
    }
}
