//! The Probity server and its command line, in one binary.

mod adapters;
mod catch_ups;
mod cli;
mod families;
mod http;
mod keys;
mod recent;
mod record;
mod settings;
mod startup;
mod state;
mod telemetry;
mod workers;

/// Requests are made of many small allocations, and those of a write end on another thread than the
/// one they began on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    keep_pages_small();
    cli::run()
}

/// Every thread has a heap of its own; rounded up to huge pages these are most of the memory at rest, and of
/// that of many uploads.
#[cfg(target_os = "linux")]
fn keep_pages_small() {
    // Where the kernel refuses, memory is all that it costs.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(not(target_os = "linux"))]
const fn keep_pages_small() {}
