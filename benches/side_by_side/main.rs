//! ravelin beside haproxy, nginx and stunnel: the same settings, the same load, in turns.
//!
//! Promise: every product carries the same bytes, each of which is checked; a product's figure is the CPU time of all its
//! processes and threads as the kernel counts it, without the load generator's; products take turns within a round, in
//! another order each round, and the medians of the rounds stand beside the least and the most.
//!
//! Cannot show: a network card, more than one core for each product, another machine. Latency includes the load generator's
//! own, the same for all.
//!
//! Not run by hand: `benches/side-by-side` builds, installs the peers and starts this.
#![expect(clippy::indexing_slicing, reason = "a benchmark that cannot run should stop")]
#![expect(clippy::unwrap_used, reason = "the same")]

mod backend;
mod chart;
mod estate;
mod figures;
mod leavings;
mod load;
mod meter;
mod page;
mod product;
mod rounds;
mod wire;
mod witness;

use std::io::{self, Write};
use std::path::PathBuf;

use figures::Samples;

struct Arguments {
    ravelin: PathBuf,
    rounds: usize,
    quick: bool,
    page: Option<PathBuf>,
    only: Option<String>,
    products: Vec<product::Product>,
    tunnels: Option<usize>,
    leavings: Option<usize>,
}

impl Arguments {
    fn size(&self) -> rounds::Size {
        let size = if self.quick { rounds::QUICK } else { rounds::FULL };
        match self.tunnels {
            Some(tunnels) => size.with_idle(tunnels),
            None => size,
        }
    }
}

fn main() -> io::Result<()> {
    let arguments = arguments()?;
    let scratch = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let estate = estate::Estate::write(scratch.path())?;
    let backend = runtime.block_on(backend::start(&estate))?;
    if let Some(tunnels) = arguments.leavings {
        let ravelin = product::Product::Ravelin.start(&arguments.ravelin, &estate, &backend, scratch.path())?;
        let kept = runtime.block_on(leavings::check(&ravelin, &estate, tunnels))?;
        return if kept { Ok(()) } else { Err(io::Error::other("something was left behind")) };
    }
    let bench = rounds::Bench {
        runtime: &runtime,
        estate: &estate,
        backend: &backend,
        folder: scratch.path(),
        ravelin: &arguments.ravelin,
        size: arguments.size(),
        products: arguments.products.clone(),
        only: arguments.only.clone(),
    };
    let surroundings = page::Surroundings::look(&arguments.ravelin, arguments.rounds);
    let mut samples = Samples::default();
    for round in 0..arguments.rounds {
        bench.round(round, &mut samples)?;
    }
    let surroundings = surroundings.ended();
    if arguments.quick {
        let names: Vec<&str> = samples.products().iter().map(|product| product.name()).collect();
        writeln!(io::stdout(), "carried: {}", names.join(" "))?;
    } else {
        writeln!(io::stdout(), "\n{}", page::markdown(&samples, &surroundings))?;
    }
    if let Some(page) = &arguments.page {
        page::rewrite(page, &samples, &surroundings)?;
        std::fs::write(page.with_extension("svg"), chart::svg(&samples))?;
    }
    let failures = samples.failures();
    if failures.is_empty() { Ok(()) } else { Err(io::Error::other(format!("failed: {}", failures.join("; ")))) }
}

fn arguments() -> io::Result<Arguments> {
    let products = product::PRODUCTS.to_vec();
    let mut found = Arguments {
        ravelin: PathBuf::new(),
        rounds: ROUNDS,
        quick: false,
        page: None,
        only: None,
        products,
        tunnels: None,
        leavings: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| io::Error::other(format!("{word} wants a value")));
        match word.as_str() {
            "--ravelin" => found.ravelin = value()?.into(),
            "--rounds" => found.rounds = value()?.parse().map_err(io::Error::other)?,
            "--page" => found.page = Some(value()?.into()),
            "--only" => found.only = Some(value()?.to_lowercase()),
            "--leavings" => found.leavings = Some(value()?.parse().map_err(io::Error::other)?),
            "--tunnels" => found.tunnels = Some(value()?.parse().map_err(io::Error::other)?),
            "--products" => {
                let names = value()?;
                found.products.retain(|product| names.split(',').any(|name| name == product.name()));
            }
            "--quick" => (found.quick, found.rounds) = (true, 1),
            _ => return Err(io::Error::other(format!("unknown: {word}; {USAGE}"))),
        }
    }
    let partial = found.quick
        || found.only.is_some()
        || found.tunnels.is_some()
        || found.products.len() < product::PRODUCTS.len();
    if found.rounds == 0 || !found.ravelin.is_file() || found.products.is_empty() || (partial && found.page.is_some()) {
        return Err(io::Error::other(USAGE));
    }
    Ok(found)
}

const USAGE: &str = "--ravelin BINARY [--rounds N] [--page FILE.md | --only WORD | --products A,B | --tunnels N] or --ravelin BINARY --quick | --leavings N";
/// Three give a median, and show by their spread what it is worth.
const ROUNDS: usize = 3;
