//! Builds a policy from its configuration and the files that it names.

use std::path::Path;
use std::sync::Arc;

use ravelin_config::{DirectoryConfig, PolicyConfig, ShadowConfig};
use ravelin_ops::process::files::{self, FileProblems};
use ravelin_policy::{AccountSpec, DeniedSerial, DenyList, Origin, Policy, PolicySpec, RevocationSpec, ShadowSpec};
use rustls_pki_types::UnixTime;

use crate::trust::directory::Directories;

/// Builds one policy; `config_file` is named where a problem lies in no other file. Also for `explain`, which needs nothing
/// else.
pub fn build_policy(
    name: &str,
    policy: &PolicyConfig,
    directories: &mut Directories<'_>,
    config_file: &Path,
    now: UnixTime,
    problems: &mut FileProblems,
) -> Option<Policy> {
    let key = |field: &str| format!("policies.{name}.{field}");
    let errors_before = problems.errors();
    let spec = PolicySpec {
        name: name.to_owned(),
        trust_anchors: files::certificates(&policy.trust_anchors, &key("trust_anchors"), problems),
        intermediates: files::certificates(&policy.intermediates, &key("intermediates"), problems),
        issued_by: policy.issued_by.as_ref().map(|paths| files::certificates(paths, &key("issued_by"), problems)),
        purposes: policy.purposes.clone(),
        purpose_absent_allowed: policy.purpose_absent_allowed,
        names: policy.names.clone(),
        deny: DenyList {
            serials: policy
                .deny_serials
                .iter()
                .filter_map(|(path, serial)| {
                    let issuer = files::certificates_of(path, &key("deny.serials"), problems).into_iter().next()?;
                    Some(DeniedSerial { issuer, serial: serial.clone() })
                })
                .collect(),
            spki_sha256: policy.deny_spki_sha256.clone(),
        },
        revocation: RevocationSpec {
            check: policy.revocation.check,
            crls: files::crls(&policy.revocation.crls, &key("revocation.crls"), problems),
            unknown_allowed: policy.revocation.unknown_allowed,
            stale_grace: policy.revocation.stale_grace,
        },
        account: policy.directory.as_ref().map(|rule| build_account(rule, &key("directory"), directories, problems)),
        shadow: policy.shadow.as_ref().map(|shadow| build_shadow(shadow, &key("shadow"), directories, problems)),
    };
    if problems.errors() > errors_before {
        // Half the anchors would make every further message a riddle.
        return None;
    }
    let place = |origin: &Origin| origin.path().unwrap_or(config_file).to_owned();
    let key = format!("policies.{name}");
    match Policy::build(spec, now) {
        Ok((policy, notices)) => {
            for notice in notices {
                problems.warning(&place(&notice.origin), &key, format!("{}: {}", notice.origin, notice.text));
            }
            Some(policy)
        }
        Err(errors) => {
            for error in errors {
                problems.error(&place(&error.origin), &key, format!("{}: {}", error.origin, error.text));
            }
            None
        }
    }
}

fn build_account(
    rule: &DirectoryConfig,
    key: &str,
    directories: &mut Directories<'_>,
    problems: &mut FileProblems,
) -> AccountSpec {
    AccountSpec {
        directory: directories.load(rule, key, problems).map(|loaded| Arc::clone(&loaded.directory)),
        mapping: rule.mapping,
        explicit_issuers: rule
            .explicit_issuers
            .as_ref()
            .map(|paths| files::certificates(paths, &format!("{key}.explicit_issuers"), problems)),
        allow_groups: rule.allow_groups.clone(),
        deny_groups: rule.deny_groups.clone(),
        max_age: rule.max_age,
        override_until: directories.override_until,
    }
}

fn build_shadow(
    shadow: &ShadowConfig,
    key: &str,
    directories: &mut Directories<'_>,
    problems: &mut FileProblems,
) -> ShadowSpec {
    ShadowSpec {
        names: shadow.names.clone(),
        issued_by: shadow
            .issued_by
            .as_ref()
            .map(|paths| files::certificates(paths, &format!("{key}.issued_by"), problems)),
        purposes: shadow.purposes.clone(),
        account: shadow
            .directory
            .as_ref()
            .map(|rule| build_account(rule, &format!("{key}.directory"), directories, problems)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ravelin_lab::pki::{CertificateSpec, Estate};
    use ravelin_ops::process::clock;

    use crate::trust::generation::build;

    /// What comes from the second certificate of a file is reported under the file, whatever its folder is called.
    #[test]
    fn a_bad_certificate_is_reported_under_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca (old)").join("roots.pem");
        fs::create_dir(folder.path().join("ca (old)")).unwrap();
        let estate = Estate::standard(clock::to_unix(clock::now()));
        let no_authority = estate.root.issue(CertificateSpec::client("pc17.corp.example.test"));
        fs::write(&file, estate.root.pem() + &no_authority.certificate_pem()).unwrap();
        let config = folder.path().join("ravelin.toml");
        let policy = "[policies.main]\ntrust_anchors = [\"ca (old)/roots.pem\"]\nnames = { allow = [\"*.example.test\"] }\n\
                      revocation = { check = \"off\" }\n";
        fs::write(&config, policy).unwrap();
        let (config, _) = ravelin_config::load_policies(&config).unwrap();
        let problems = build(&config, 1, clock::now()).map(|_| ()).unwrap_err();
        let error = problems.iter().find(|problem| problem.text.contains("cannot be a certificate authority")).unwrap();
        assert_eq!(error.file, file);
        assert!(error.text.starts_with(&format!("{} (certificate 2): ", file.display())), "{}", error.text);
    }
}
