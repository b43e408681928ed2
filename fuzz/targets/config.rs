//! Any text as a configuration: every problem has a place in the file, and what passes passes again as it is rendered.

use std::path::Path;

use ravelin_config::Severity;

/// Panics where a promise is broken.
pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let file = Path::new("/etc/ravelin/ravelin.toml");
    match ravelin_config::parse(file, &text) {
        Ok((config, warnings)) => {
            assert!(warnings.iter().all(|problem| problem.severity == Severity::Warning));
            assert!(!config.listeners.is_empty() && !config.sites.is_empty());
            for site in config.sites.values() {
                assert!(config.policies.contains_key(&site.policy) && config.pools.contains_key(&site.pool));
                assert!(!site.certificates.is_empty() && !site.server_names.is_empty() && !site.paths.is_empty());
            }
            assert!(config.policies.values().all(|policy| !policy.trust_anchors.is_empty()));
            assert!(config.pools.values().all(|pool| !pool.servers.is_empty()));
            let rendered = ravelin_config::render(&config);
            match ravelin_config::parse(file, &rendered) {
                Ok((again, _)) => assert_eq!(ravelin_config::render(&again), rendered),
                Err(problems) => panic!("what was rendered does not pass: {problems:?}\n{rendered}"),
            }
        }
        Err(problems) => {
            assert!(problems.iter().any(|problem| problem.severity == Severity::Error), "{problems:?}");
            for problem in &problems {
                let lines = text.split('\n').count();
                assert!(problem.position.is_none_or(|(line, column)| (1..=lines).contains(&line) && column >= 1));
                assert!(!problem.text.is_empty());
                let shown = problem.to_string();
                assert!(!shown.contains(['\u{1b}', '\0', '\r']), "{shown:?}");
            }
        }
    }
}
