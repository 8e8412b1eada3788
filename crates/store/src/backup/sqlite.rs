//! SQLite: the file as a file.

use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::{CopyError, settle};

/// The name of the copied file.
const FILE: &str = "database.sqlite";

/// The copied file of a folder.
pub(super) fn file_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Copies the database into a file of the folder: one snapshot, without free pages.
pub(super) fn copy(conn: &mut SqliteConnection, folder: &Path) -> Result<Vec<PathBuf>, CopyError> {
    let path = file_in(folder);
    diesel::sql_query("VACUUM INTO $1")
        .bind::<Text, _>(path.to_string_lossy().into_owned())
        .execute(conn)?;
    settle(&path)?;
    Ok(vec![PathBuf::from(FILE)])
}

/// Puts the copied file in the database's place, whole or not at all.
pub(super) fn bring_back(path: &Path, folder: &Path) -> Result<(), CopyError> {
    for taken in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(taken);
        if Path::new(&name).exists() {
            return Err(CopyError::NotEmpty);
        }
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(parent).map_err(|error| CopyError::file(parent, error))?;
    let mut partial = path.as_os_str().to_owned();
    partial.push(".restoring");
    let partial = PathBuf::from(partial);
    let from = folder.join(FILE);
    std::fs::copy(&from, &partial).map_err(|error| CopyError::file(&from, error))?;
    settle(&partial)?;
    std::fs::rename(&partial, path).map_err(|error| CopyError::file(path, error))?;
    settle(parent)
}
