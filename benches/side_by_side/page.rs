//! The table, as Markdown, and its place in the manual.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use ravelin_lab::clock;

use crate::figures::{FIGURES, Figure, Goal, Samples, Summary};
use crate::product::Product;

/// Where and when.
pub(crate) struct Surroundings {
    ravelin: PathBuf,
    rounds: usize,
    began: i64,
    load_before: String,
    load_after: String,
}

impl Surroundings {
    /// Before the rounds.
    pub(crate) fn look(ravelin: &Path, rounds: usize) -> Surroundings {
        let load = load_average();
        let ravelin = ravelin.to_owned();
        Surroundings { ravelin, rounds, began: clock::now(), load_before: load.clone(), load_after: load }
    }

    /// After them.
    pub(crate) fn ended(self) -> Surroundings {
        Surroundings { load_after: load_average(), ..self }
    }
}

/// All of it.
pub(crate) fn markdown(samples: &Samples, surroundings: &Surroundings) -> String {
    let mut text = String::new();
    about(&mut text, samples, surroundings);
    table(&mut text, samples);
    relay(&mut text, samples);
    disturbed(&mut text, samples);
    text
}

/// Puts it between the marks of a page.
pub(crate) fn rewrite(page: &Path, samples: &Samples, surroundings: &Surroundings) -> io::Result<()> {
    let text = std::fs::read_to_string(page)?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| io::Error::other("the page has no marks"))?;
    let table = markdown(samples, surroundings);
    std::fs::write(page, format!("{before}{BEGIN}\n\n{table}\n{END}{after}"))
}

fn about(text: &mut String, samples: &Samples, surroundings: &Surroundings) {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let versions: Vec<String> = samples.products().into_iter().map(|product| version(product, surroundings)).collect();
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "Measured {} on {cores} cores of {}, Linux {}, loopback. {}. {} rounds. Load average before {}, after {} (the run \
         itself is worth about 2).\n",
        clock::http_date(surroundings.began),
        processor(&cpu),
        kernel.trim(),
        versions.join(", "),
        surroundings.rounds,
        surroundings.load_before,
        surroundings.load_after,
    );
}

/// The first processor of /proc/cpuinfo: one name is sold for machines of many speeds, so that family and model are
/// told as well, and what of it AES-GCM runs on.
fn processor(cpuinfo: &str) -> String {
    let field = |name: &str| {
        let fields = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        fields.map(|(key, value)| (key.trim(), value.trim())).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let Some(name) = field("model name") else { return "an unknown processor".to_owned() };
    let mut text = name.to_owned();
    if let (Some(family), Some(model), Some(flags)) = (field("cpu family"), field("model"), field("flags")) {
        let has = |flag: &&str| flags.split_whitespace().any(|each| each == *flag);
        let aes: Vec<&str> = ["aes", "vaes", "avx512f"].into_iter().filter(has).collect();
        // Writing to a string does not fail.
        let _ = write!(text, " (family {family}, model {model}: {})", aes.join(", "));
    }
    text
}

fn table(text: &mut String, samples: &Samples) {
    let products = samples.products();
    let names: Vec<&str> = products.iter().map(|product| product.name()).collect();
    let _ = writeln!(text, "| figure | {} | ratio | goal | |", names.join(" | "));
    let _ = writeln!(text, "| --- |{} --- | --- | --- |", " --- |".repeat(products.len()));
    for figure in FIGURES {
        let (label, unit) = figure.label();
        let cells: Vec<String> = products.iter().map(|product| cell(samples.summary(figure, *product))).collect();
        let ratio = samples.ratio(figure, Product::Ravelin).map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        let goal = match figure.goal() {
            Goal::Ratio(most) => format!("{most:.2}"),
            Goal::Value(most) => format!("{most} {}", unit.trim_end_matches(" each")),
            Goal::None => "–".to_owned(),
        };
        let kept = match samples.kept(figure) {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        let _ = writeln!(text, "| {label}, {unit} | {} | {ratio} | {goal} | {kept} |", cells.join(" | "));
    }
    let _ = writeln!(text);
}

/// Median, then least and most; `~` where they lie far apart.
fn cell(summary: Option<Summary>) -> String {
    summary.map_or("–".to_owned(), |found| {
        let mark = if found.noisy() { "~" } else { "" };
        format!("{mark}{} ({}–{})", short(found.median), short(found.least), short(found.most))
    })
}

/// Three digits.
fn short(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// What of ravelin's CPU its relay threads took: the rest is handshakes, records and housekeeping.
fn relay(text: &mut String, samples: &Samples) {
    let shares: Vec<String> = FIGURES
        .into_iter()
        .filter(|figure| !matches!(figure, Figure::HandshakeEcdsa | Figure::HandshakeRsa))
        .filter_map(|figure| {
            let (relay, (label, unit)) = (samples.relay(figure)?, figure.label());
            Some(format!("{label}: {} {unit}", short(relay.median)))
        })
        .collect();
    let _ = writeln!(text, "Of ravelin's CPU, the relay thread alone: {}.", shares.join("; "));
}

/// What the latencies leave out.
fn disturbed(text: &mut String, samples: &Samples) {
    if let Some(why) = samples.why_unwitnessed() {
        let _ = writeln!(text, "\nThe latencies are the host's too: no witness could be placed ({why}).");
        return;
    }
    let Some(Summary { median, least, most }) = samples.disturbed() else { return };
    let [median, least, most] = [median, least, most].map(|share| short(share * 100.0));
    let _ = writeln!(
        text,
        "\nOf the packets of *sparse* and *busy*, {median} % ({least}–{most}) were left out, of every product: the host gave a \
         processor no time while they were under way."
    );
}

fn version(product: Product, surroundings: &Surroundings) -> String {
    let Some(program) = product.program(&surroundings.ravelin) else { return product.name().to_owned() };
    let flag = match product {
        Product::Ravelin => "--version",
        Product::Haproxy | Product::Nginx => "-v",
        Product::Stunnel => "-version",
    };
    let said = Command::new(program).arg(flag).output().map(|output| [output.stdout, output.stderr].concat());
    let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
    let number = said.split([' ', '/', '\n']).find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    let openssl = said.split_once("OpenSSL ").and_then(|(_, rest)| rest.split_whitespace().next());
    let openssl = openssl.map_or(String::new(), |number| format!(" (OpenSSL {number})"));
    format!("{} {}{openssl}", product.name(), number.unwrap_or("of unknown version"))
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

const BEGIN: &str = "<!-- side by side: begin. Written by benches/side-by-side. -->";
const END: &str = "<!-- side by side: end -->";
