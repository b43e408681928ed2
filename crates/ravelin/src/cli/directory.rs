//! `ravelin directory`: makes a snapshot of an export, and shows what one knows of a machine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use ravelin_feeds::collect::{Collected, collect};
use ravelin_feeds::snapshot::{PublicKey, SigningKey, Snapshot, SuccessorRefused};
use ravelin_feeds::{Entry, ldif};
use ravelin_policy::directory::{AccountRef, Directory, Sid};
use ravelin_policy::{accounts_of, escape};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::table::table;
use super::{EXIT_CONFIGURATION, print, print_error};
use ravelin_ops::process::clock;
use ravelin_ops::process::files::{self, FileProblems};
use ravelin_sync::publish::{PublishProblem, Publisher};

/// Nothing is known by that name.
const EXIT_NOTHING: u8 = 3;

/// Arguments of `ravelin directory`.
#[derive(Args, Debug)]
pub struct DirectoryArgs {
    #[command(subcommand)]
    command: DirectoryCommand,
}

#[derive(Debug, Subcommand)]
enum DirectoryCommand {
    /// Make a snapshot of an export in LDIF
    Import(ImportArgs),
    /// Show what a snapshot knows of a machine
    Show(ShowArgs),
}

#[derive(Args, Debug)]
struct ImportArgs {
    /// Exports: the domain's own object, its groups and computers, NTAuthCertificates
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    ldif: Vec<PathBuf>,
    /// The snapshot to write
    #[arg(long, value_name = "FILE")]
    snapshot: PathBuf,
    /// When the export was begun; without it, when the oldest file was written
    #[arg(long, value_name = "RFC3339")]
    as_of: Option<String>,
    /// The NetBIOS name of a domain, where the export has no crossRef of it
    #[arg(long, value_name = "DOMAIN=NAME")]
    netbios: Vec<String>,
    /// Sign with this key (Ed25519, PEM)
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
    /// Percent of a domain's accounts that may be gone since the snapshot that is there
    #[arg(long, value_name = "PERCENT", default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=100))]
    max_shrink: u8,
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// The snapshot
    #[arg(long, value_name = "FILE")]
    snapshot: PathBuf,
    /// Refuse it unless it is signed with this key (Ed25519, PEM)
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Machine-readable
    #[arg(long)]
    json: bool,
    /// A machine: host name, sAMAccountName, SID, or a file with its certificate. Without one, the snapshot itself
    #[arg(value_name = "NAME|SID|CERT.pem")]
    machine: Option<String>,
}

/// Runs the command.
pub fn run(args: &DirectoryArgs) -> ExitCode {
    let done = match &args.command {
        DirectoryCommand::Import(args) => import(args).map(|text| (text, ExitCode::SUCCESS)),
        DirectoryCommand::Show(args) => show(args),
    };
    match done {
        Ok((text, code)) => {
            print(&text);
            code
        }
        Err(problems) => {
            problems.iter().for_each(|problem| print_error(&format!("error: {problem}")));
            ExitCode::from(EXIT_CONFIGURATION)
        }
    }
}

/// Problems in words.
type Problems = Vec<String>;

fn import(args: &ImportArgs) -> Result<String, Problems> {
    let as_of = as_of(args)?;
    let netbios_names = netbios_names(&args.netbios)?;
    let signer = match &args.signing_key {
        None => None,
        Some(path) => {
            let pem = Zeroizing::new(read(path)?);
            Some(SigningKey::from_pem(&pem).map_err(|problem| about(path, problem))?)
        }
    };
    let mut entries: Vec<Entry> = Vec::new();
    for path in &args.ldif {
        entries.extend(ldif::read(&read(path)?).map_err(|problem| about(path, problem))?);
    }
    let collected = Collected { as_of, netbios_names: &netbios_names };
    let data = collect(&entries, collected).map_err(|problems| some(&problems))?;
    drop(entries);
    let (mut publisher, _before) = Publisher::open(args.snapshot.clone(), signer, args.max_shrink)
        .map_err(|problem| about(&args.snapshot, problem))?;
    let told = format!("{} accounts, {} groups", data.accounts.len(), data.groups.len());
    let bare = data.domains.iter().filter(|domain| domain.nt_auth.is_empty());
    let warnings: String = bare
        .map(|domain| {
            format!(
                "warning: {}: no NTAuthCertificates in the export: nobody of the domain passes but \
                 by altSecurityIdentities\n",
                escape(&domain.dns_name)
            )
        })
        .collect();
    let serial = publisher.publish(data, clock::to_unix(clock::now())).map_err(|problem| {
        let hint = match &problem {
            PublishProblem::Refused(SuccessorRefused::OlderFacts { .. }) => {
                " the gateways, and move this file away before (see --as-of, if it is newer than its file says)"
            }
            PublishProblem::Refused(_) => " (see --max-shrink, --as-of)",
            PublishProblem::BrokeOff
            | PublishProblem::Collect(_)
            | PublishProblem::Contradiction(_)
            | PublishProblem::Form(_)
            | PublishProblem::TooLarge
            | PublishProblem::Io(_) => "",
        };
        about(&args.snapshot, format!("{problem}{hint}"))
    })?;
    let done = format!("{}: snapshot {serial}, {told}, known as of {}\n", args.snapshot.display(), time(as_of));
    Ok(warnings + &done)
}

fn as_of(args: &ImportArgs) -> Result<i64, Problems> {
    if let Some(text) = &args.as_of {
        let at = clock::parse_rfc3339(text).map(clock::to_unix);
        return at.ok_or_else(|| vec!["--as-of wants a time such as 2026-11-24T12:00:00Z".to_owned()]);
    }
    let mut oldest = i64::MAX;
    for path in &args.ldif {
        use std::os::unix::fs::MetadataExt as _;
        oldest = oldest.min(std::fs::metadata(path).map_err(|error| about(path, error))?.mtime());
    }
    Ok(oldest)
}

fn netbios_names(arguments: &[String]) -> Result<Vec<(String, String)>, Problems> {
    let pair = |text: &String| {
        let pair = text.split_once('=').map(|(domain, name)| (domain.to_ascii_lowercase(), name.to_owned()));
        pair.ok_or_else(|| vec![format!("--netbios {text}: wants corp.example.com=CORP")])
    };
    arguments.iter().map(pair).collect()
}

fn show(args: &ShowArgs) -> Result<(String, ExitCode), Problems> {
    let key = match &args.public_key {
        None => None,
        Some(path) => Some(PublicKey::from_pem(&read(path)?).map_err(|problem| about(path, problem))?),
    };
    let snapshot =
        Snapshot::read(&read(&args.snapshot)?, key.as_ref()).map_err(|error| about(&args.snapshot, error))?;
    let (serial, created) = (snapshot.serial, snapshot.created);
    let directory = Directory::build(snapshot.data).map_err(|why| about(&args.snapshot, why))?;
    let Some(machine) = &args.machine else {
        return Ok((overview(&directory, serial, created, args.json), ExitCode::SUCCESS));
    };
    let found = find(&directory, machine)?;
    let code = if found.is_empty() { ExitCode::from(EXIT_NOTHING) } else { ExitCode::SUCCESS };
    let accounts: Vec<Value> = found.iter().map(|account| account_json(&directory, *account)).collect();
    if args.json {
        return Ok((format!("{:#}\n", Value::Array(accounts)), code));
    }
    if accounts.is_empty() {
        return Ok((format!("no computer account is known as {}\n", escape(machine)), code));
    }
    let rows = |account: &Value| -> Vec<Vec<String>> {
        let fields = account.as_object().into_iter().flatten();
        fields.map(|(name, value)| vec![name.clone(), text_of(value)]).collect()
    };
    let tables: Vec<String> = accounts.iter().map(|account| table(&["account", ""], &rows(account))).collect();
    Ok((tables.join("\n"), code))
}

fn find<'d>(directory: &'d Directory, machine: &str) -> Result<Vec<AccountRef<'d>>, Problems> {
    if let Ok(sid) = Sid::from_text(machine) {
        return Ok(directory.by_sid(&sid).into_iter().collect());
    }
    let path = Path::new(machine);
    if path.is_file() {
        let mut problems = FileProblems::default();
        let certificates = files::certificates_of(path, "", &mut problems);
        if problems.errors() > 0 {
            return Err(problems.into_inner().iter().map(ToString::to_string).collect());
        }
        let Some(leaf) = certificates.first() else { return Ok(Vec::new()) };
        return accounts_of(directory, &leaf.der).map_err(|why| about(path, why));
    }
    let name = machine.to_ascii_lowercase();
    let mut found = directory.by_host(&name);
    let sam = format!("{}$", name.strip_suffix('$').unwrap_or(&name));
    for domain in 0..directory.domains().len() {
        for account in directory.by_sam_account_name(domain, &sam) {
            if !found.iter().any(|one| one.is(&account)) {
                found.push(account);
            }
        }
    }
    Ok(found)
}

fn account_json(directory: &Directory, account: AccountRef<'_>) -> Value {
    let groups = account.groups().iter().filter_map(|place| directory.groups().get(usize::try_from(*place).ok()?));
    let control = account.user_account_control();
    json!({
        "name": escape(account.sam_account_name()),
        "domain": account.domain().map(|domain| escape(&domain.dns_name)),
        "sid": account.sid().map(|sid| sid.to_string()),
        "guid": account.guid(),
        "hosts": account.hosts().map(escape).collect::<Vec<_>>(),
        "enabled": control & 0x2 == 0,
        "user_account_control": format!("{control:#x}"),
        "expires": account.expires().map(time),
        "groups": groups.map(|group| escape(&group.name)).collect::<Vec<_>>(),
        "known_as_of": account.domain().map(|domain| time(domain.as_of)),
    })
}

fn overview(directory: &Directory, serial: u64, created: i64, json: bool) -> String {
    let domains = directory.domains().iter();
    if json {
        let domains: Vec<Value> = domains
            .map(|domain| {
                json!({
                    "domain": escape(&domain.dns_name),
                    "netbios": escape(&domain.netbios_name),
                    "sid": domain.sid.to_string(),
                    "nt_auth_certificates": domain.nt_auth.len(),
                    "known_as_of": time(domain.as_of),
                })
            })
            .collect();
        let groups: Vec<Value> = directory
            .groups()
            .iter()
            .map(|group| json!({ "name": escape(&group.name), "sid": group.sid.to_string() }))
            .collect();
        let whole = json!({
            "serial": serial,
            "created": time(created),
            "accounts": directory.len(),
            "unread_mappings": directory.unread_mappings(),
            "domains": domains,
            "groups": groups,
        });
        return format!("{whole:#}\n");
    }
    let domains: Vec<Vec<String>> = domains
        .map(|domain| {
            vec![
                escape(&domain.dns_name),
                escape(&domain.netbios_name),
                domain.sid.to_string(),
                domain.nt_auth.len().to_string(),
                time(domain.as_of),
            ]
        })
        .collect();
    let groups: Vec<Vec<String>> =
        directory.groups().iter().map(|group| vec![escape(&group.name), group.sid.to_string()]).collect();
    format!(
        "snapshot {serial} of {}: {} accounts\n\n{}\n{}",
        time(created),
        directory.len(),
        table(&["domain", "netbios", "sid", "ntauth", "known as of"], &domains),
        table(&["group", "sid"], &groups)
    )
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn time(seconds: i64) -> String {
    clock::rfc3339(clock::from_unix(seconds))
}

fn read(path: &Path) -> Result<Vec<u8>, Problems> {
    std::fs::read(path).map_err(|error| about(path, error))
}

fn about(path: &Path, problem: impl std::fmt::Display) -> Problems {
    vec![format!("{}: {problem}", path.display())]
}

/// The first of many: an export that lacks an attribute lacks it in every entry.
fn some(problems: &[ravelin_feeds::collect::CollectProblem]) -> Problems {
    let mut told: Problems = problems.iter().take(PROBLEMS_SHOWN_MAX).map(ToString::to_string).collect();
    if let Some(more) = problems.len().checked_sub(PROBLEMS_SHOWN_MAX).filter(|more| *more > 0) {
        told.push(format!("and {more} more"));
    }
    told
}

/// A screen of them; the count says how many more there are.
const PROBLEMS_SHOWN_MAX: usize = 20;
