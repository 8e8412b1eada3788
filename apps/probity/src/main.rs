//! The Probity server and its command line, in one binary.

mod adapters;
mod cli;
mod families;
mod http;
mod keys;
mod recent;
mod settings;
mod startup;
mod state;
mod telemetry;
mod workers;

fn main() -> std::process::ExitCode {
    cli::run()
}
