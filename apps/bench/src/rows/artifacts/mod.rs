//! Artifacts: uploads beside what sockets, hash and disk allow, downloads beside a web server's sendfile,
//! and the memory of both. Rows 14 to 17.

mod content;
mod memory;
mod nginx;
mod transfer;

use std::thread;
use std::time::Instant;

use self::content::Content;
use self::memory::Watch;
use self::nginx::{Nginx, PATH};
use self::transfer::{Upload, download, upload, upload_to_limit};
use crate::Outcome;
use crate::number::float;
use crate::options::Options;
use crate::pipe;
use crate::proc::{Meter, wait_for_quiet};
use crate::product::Home;
use crate::results::{OTHER, P50, RATE, Results};
use crate::rows::operations::MEMORY;

/// CPU seconds of the server for each GiB.
pub(crate) const CPU_GIB: &str = "cpu-s/GiB";
/// Sizes of chunks that are compared, in MiB; the middle one is the default.
const CHUNKS: [u64; 3] = [1, 8, 64];
const DEFAULT_CHUNK: u64 = 8;
/// How many transfers go on at once where memory is looked at.
const MANY: usize = 16;
const GIB: f64 = 1_073_741_824.0;

/// Measures all rounds.
pub(crate) fn measure(options: &Options, results: &mut Results) -> Outcome<()> {
    let bytes = options.artifact_bytes;
    println!("artifacts of {bytes} bytes; rates in MB/s");
    let mut content = Content::new(bytes);
    for round in 1..=options.rounds {
        println!("round {round} of {}", options.rounds);
        limits(options, results, &mut content)?;
        for chunk in CHUNKS {
            uploads(options, results, &mut content, chunk)?;
        }
    }
    Ok(())
}

fn rate(bytes: u64, started: Instant) -> f64 {
    float(bytes) / 1e6 / started.elapsed().as_secs_f64()
}

/// The hash alone, and the hash with sockets and disk.
fn limits(options: &Options, results: &mut Results, content: &mut Content) -> Outcome<()> {
    wait_for_quiet(options.quiet_wait());
    let started = Instant::now();
    let digest = content.renew();
    results.note("SHA-256 on one core", RATE, rate(content.size(), started));
    let folder = tempfile::tempdir()?;
    let limit = pipe::start(folder.path())?;
    let started = Instant::now();
    if upload_to_limit(limit, content)? != digest {
        return Err("the limit's server hashed other bytes".into());
    }
    let name = "sockets, hash and disk";
    results.note(name, RATE, rate(content.size(), started));
    Ok(())
}

/// One upload by one sender, then downloads of it, with a server of its own.
fn uploads(
    options: &Options,
    results: &mut Results,
    content: &mut Content,
    chunk: u64,
) -> Outcome<()> {
    let home = Home::new(&options.probity()?, None)?;
    let size = (chunk << 20).to_string();
    let (served, _) = home.serve_with(&["--artifact-chunk-bytes", &size])?;
    let product = home.products(&served, 1)?.remove(0);
    let name = format!("upload, chunks of {chunk} MiB");
    let digest = content.renew();
    wait_for_quiet(options.quiet_wait());
    let watch = Watch::start(served.pid());
    let mut meter = Meter::new(served.pid(), None);
    meter.start();
    let to = Upload {
        home: &home,
        served: &served,
        product: &product,
        chunk: chunk << 20,
    };
    let started = Instant::now();
    let done = upload(&to, content, &digest)?;
    results.note(&name, RATE, rate(content.size(), started));
    let used = meter.stop();
    let gibibytes = float(content.size()) / GIB;
    results.note(&name, CPU_GIB, used.server / gibibytes);
    results.put(&name, OTHER, used.other);
    results.note(&name, P50, done.completion.as_secs_f64() * 1e3);
    results.note(&name, MEMORY, watch.above());
    if chunk == DEFAULT_CHUNK {
        downloads(options, results, &to, &done.path, content)?;
        many(options, results, &to, content)?;
    }
    served.end()
}

/// The same file from us and from the web server, one and four at once.
fn downloads(
    options: &Options,
    results: &mut Results,
    from: &Upload<'_>,
    path: &str,
    content: &Content,
) -> Outcome<()> {
    let nginx = Nginx::start(content)?;
    for count in [1, 4] {
        let total = content.size() * u64::try_from(count)?;
        if let Some(nginx) = &nginx {
            let name = format!("sendfile of a web server, {count} at once");
            wait_for_quiet(options.quiet_wait());
            let started = Instant::now();
            at_once(count, || download(nginx.address(), None, PATH, content))?;
            results.note(&name, RATE, rate(total, started));
        }
        let name = format!("download, {count} at once");
        wait_for_quiet(options.quiet_wait());
        let watch = Watch::start(from.served.pid());
        let mut meter = Meter::new(from.served.pid(), None);
        meter.start();
        let started = Instant::now();
        let key = Some(from.home.key());
        at_once(count, || {
            download(from.served.address(), key, path, content)
        })?;
        results.note(&name, RATE, rate(total, started));
        let used = meter.stop();
        results.note(&name, CPU_GIB, used.server / (float(total) / GIB));
        results.put(&name, OTHER, used.other);
        results.note(&name, MEMORY, watch.above());
    }
    Ok(())
}

/// Memory with many uploads at once, each a share of the content, and many downloads of one file.
fn many(
    options: &Options,
    results: &mut Results,
    to: &Upload<'_>,
    content: &Content,
) -> Outcome<()> {
    let shares = content.shares(MANY);
    let watch = Watch::start(to.served.pid());
    let (name, started) = (format!("{MANY} uploads at once"), Instant::now());
    let paths = at_once_each(&shares, |(share, digest)| {
        Ok(upload(to, share, digest)?.path)
    })?;
    results.note(&name, RATE, rate(content.size(), started));
    results.note(&name, MEMORY, watch.above());
    let Some(((share, _), path)) = shares.first().zip(paths.first()) else {
        return Ok(());
    };
    wait_for_quiet(options.quiet_wait());
    let watch = Watch::start(to.served.pid());
    let name = format!("{MANY} downloads at once");
    at_once(MANY, || {
        download(to.served.address(), Some(to.home.key()), path, share)
    })?;
    results.note(&name, MEMORY, watch.above());
    Ok(())
}

/// Does a thing on so many threads and waits for all.
fn at_once(count: usize, act: impl Fn() -> Outcome<()> + Sync) -> Outcome<()> {
    at_once_each(&vec![(); count], |()| act()).map(drop)
}

fn at_once_each<T: Sync, R: Send>(
    items: &[T],
    act: impl Fn(&T) -> Outcome<R> + Sync,
) -> Outcome<Vec<R>> {
    let act = &act;
    thread::scope(|scope| {
        let running: Vec<_> = items
            .iter()
            .map(|item| scope.spawn(move || act(item)))
            .collect();
        running
            .into_iter()
            .map(|one| one.join().map_err(|_| "a transfer broke off")?)
            .collect()
    })
}
