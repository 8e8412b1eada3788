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
    cli::run()
}
