//! The programs of a PostgreSQL installation, and the account that may run a server.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder with PostgreSQL's programs.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// The folder named by `PG_BIN`, the newest of the distribution's, or the one on `PATH` that
    /// holds a program.
    pub(crate) fn with(program: &str) -> Option<Self> {
        if let Some(folder) = std::env::var_os("PG_BIN") {
            return Some(Self {
                folder: folder.into(),
            });
        }
        let has = |folder: &PathBuf| folder.join(program).is_file();
        let path = std::env::var_os("PATH").unwrap_or_default();
        installed()
            .into_iter()
            .find(has)
            .or_else(|| std::env::split_paths(&path).find(has))
            .map(|folder| Self { folder })
    }

    /// A program, ready for arguments; it starts in `/`, as another account may not be allowed
    /// into the current folder.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        command.current_dir("/").stdin(Stdio::null());
        command
    }
}

/// The distribution's folders, newest version first.
fn installed() -> Vec<PathBuf> {
    let version = |path: &Path| {
        let name = path.file_name().and_then(OsStr::to_str);
        name.and_then(|name| name.parse::<u32>().ok()).unwrap_or(0)
    };
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    versions.sort_by_key(|path| std::cmp::Reverse(version(path)));
    versions.into_iter().map(|path| path.join("bin")).collect()
}

/// Runs a command to its end; a failure is told with what it wrote on standard error.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{name}: {error}"))?;
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).trim_end().to_owned());
    }
    let said = String::from_utf8_lossy(&stderr);
    Err(format!("{name}: {status}: {}", said.trim()))
}

/// User and group of the account `postgres`.
pub(crate) fn postgres_account() -> Option<(u32, u32)> {
    account(&std::fs::read_to_string("/etc/passwd").ok()?, "postgres")
}

fn account(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        found.then_some((user, group))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n\
                      postgres2:x:7:8::/:/bin/sh\n\
                      postgres:x:101:102:,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(account(passwd, "postgres"), Some((101, 102)));
        assert_eq!(account(passwd, "nobody"), None);
    }

    #[test]
    fn a_failing_program_is_told_with_its_words() {
        let error = run(Command::new("sh").args(["-c", "echo no room >&2; exit 3"])).unwrap_err();
        assert!(error.contains("no room") && error.contains('3'), "{error}");
    }
}
