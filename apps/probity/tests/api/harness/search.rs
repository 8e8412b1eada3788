//! Looks for a text in everything that a server leaves behind.

use std::fmt::Write as _;
use std::path::Path;

use super::TestApp;

impl TestApp {
    /// Where the text stands: in a file of the data folder, a row of any table, or the log.
    pub(crate) fn traces_of(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        files(self.place.data(), &mut |path| {
            if holds(&std::fs::read(path).unwrap_or_default(), text.as_bytes()) {
                found.push(path.display().to_string());
            }
        });
        if self.log().contains(text) {
            found.push("the log".to_owned());
        }
        found.extend(self.rows_with(text));
        found
    }

    /// Tables of PostgreSQL that hold the text, plain or as bytes.
    fn rows_with(&self, text: &str) -> Vec<String> {
        let hex = text.bytes().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let tables = "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) \
                      FROM information_schema.tables WHERE table_type = 'BASE TABLE' \
                      AND table_schema NOT IN ('pg_catalog', 'information_schema')";
        let tables = self.place.psql(tables).unwrap_or_default();
        let text = text.replace('\'', "''");
        let asked = tables.lines().map(|table| {
            format!(
                "SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table} row \
                 WHERE strpos(row::text, '{text}') > 0 OR strpos(row::text, '{hex}') > 0)"
            )
        });
        let asked = asked.collect::<Vec<_>>().join(" UNION ALL ");
        let found = Some(asked).filter(|sql| !sql.is_empty());
        let found = found.and_then(|sql| self.place.psql(&sql));
        found
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

fn files(folder: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, visit);
        } else {
            visit(&path);
        }
    }
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
