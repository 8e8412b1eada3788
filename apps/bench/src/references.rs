//! Starting the references as processes of this same binary.

use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::child::{Served, free_address};

/// Bare answers.
pub(crate) fn echo() -> Outcome<Served> {
    start("echo-server", None)
}

/// One transaction per request on a fresh SQLite file.
pub(crate) fn naive_sqlite(folder: &Path) -> Outcome<Served> {
    start(
        "naive-server",
        Some(&folder.join("naive.db").to_string_lossy()),
    )
}

/// One transaction per request on an empty PostgreSQL database.
pub(crate) fn naive_postgres(url: &str) -> Outcome<Served> {
    start("naive-server", Some(url))
}

fn start(name: &str, database: Option<&str>) -> Outcome<Served> {
    let address = free_address()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args([name, "--listen", &address.to_string()]);
    if let Some(database) = database {
        command.args(["--database", database]);
    }
    Ok(Served::start(address, &mut command, "/plain")?.0)
}
