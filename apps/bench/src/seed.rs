//! Fills an inventory fast: entries that the server registered itself are copied within its
//! database, with ids, names, positions and search text of their own, and its counters are moved
//! on. The server is stopped meanwhile. Copies have no leaf on the record.

use std::path::Path;

use rusqlite::{Connection, Statement, params};
use serde_json::{Value, json};

use crate::Outcome;
use crate::product::Home;

const TIERS: [&str; 4] = ["tier_1", "tier_2", "tier_3", "tier_4"];
const SUBJECTS: [&str; 10] = [
    "Mortgage",
    "Overdraft",
    "Liquidity",
    "Chargeback",
    "Collateral",
    "Churn",
    "Claims",
    "Pricing",
    "Fraud",
    "Sanctions",
];
/// A word that one entry in ten has.
pub(crate) const COMMON_WORD: &str = "mortgage";

/// An inventory with so many entries, a quarter in each tier.
pub(crate) fn inventory(program: &Path, entries: u64) -> Outcome<Home> {
    let home = Home::new(program, None)?;
    {
        let (served, _) = home.serve()?;
        let mut client = home.client(&served)?;
        for (number, tier) in (0..).zip(TIERS) {
            client.post("/api/admin/models", &template(number, tier))?;
        }
        served.end()?;
    }
    copy(&home.file(), entries)?;
    Ok(home)
}

/// An entry that the server registered.
struct Template {
    position: i64,
    search_text: String,
    created_at: i64,
}

/// The identifier and the name of an entry.
fn names(number: u64) -> (String, String) {
    let index = usize::try_from(number % 10).unwrap_or_default();
    let subject = SUBJECTS.get(index).copied().unwrap_or_default();
    let folded = subject.to_ascii_lowercase();
    (
        format!("{folded}-model-{number:07}"),
        format!("{subject} model, portfolio {}", number / 10),
    )
}

fn template(number: u64, tier: &str) -> Value {
    let (model_id, display_name) = names(number);
    json!({
        "model_id": model_id,
        "provider": "self-hosted",
        "display_name": display_name,
        "risk_tier": tier,
        "owner": "model-risk@example.org",
        "description": "Estimates losses of small businesses within a year.",
        "tags": {"business-line": "lending", "region": "eu"},
    })
}

fn copy(file: &Path, entries: u64) -> Outcome<()> {
    let conn = Connection::open(file)?;
    conn.execute_batch("PRAGMA cache_size = -262144; BEGIN IMMEDIATE")?;
    let templates: Vec<Template> = conn
        .prepare(
            "SELECT position, search_text, created_at FROM registered_models ORDER BY position",
        )?
        .query_map([], |row| {
            Ok(Template {
                position: row.get(0)?,
                search_text: row.get(1)?,
                created_at: row.get(2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let last = templates.last().ok_or("nothing to copy")?;
    let mut insert = conn.prepare(&statement(&conn)?)?;
    let registered = u64::try_from(templates.len())?;
    for (further, number) in (1..).zip(registered..entries) {
        let template = usize::try_from(number % registered)?;
        let from = templates.get(template).ok_or("no such template")?;
        copy_one(&mut insert, from, (last, further), number)?;
    }
    let copies = i64::try_from(entries.saturating_sub(registered))?;
    conn.execute(
        "UPDATE registry_heads SET next_position = next_position + ?1, last_created_at = \
         (SELECT created_at FROM registered_models ORDER BY position DESC LIMIT 1)",
        [copies],
    )?;
    conn.execute_batch(
        "UPDATE registry_totals SET models = (SELECT COUNT(*) FROM registered_models m WHERE \
         m.organization_id = registry_totals.organization_id AND m.risk_tier = \
         registry_totals.risk_tier AND m.validation_status = registry_totals.validation_status); \
         COMMIT; PRAGMA wal_checkpoint(TRUNCATE)",
    )?;
    Ok(())
}

/// Copies one entry; whatever columns there are, these are its own.
fn statement(conn: &Connection) -> Outcome<String> {
    let columns: Vec<String> = conn
        .prepare("SELECT name FROM pragma_table_info('registered_models')")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let values = columns.iter().map(|column| match column.as_str() {
        "position" => "?1",
        "id" => "?2",
        "model_id" => "?3",
        "display_name" => "?4",
        "search_text" => "?5",
        "created_at" | "updated_at" => "?7",
        other => other,
    });
    Ok(format!(
        "INSERT INTO registered_models ({}) SELECT {} FROM registered_models WHERE position = ?6",
        columns.join(", "),
        values.collect::<Vec<_>>().join(", "),
    ))
}

/// Copies one entry to the position `further` after the last one, created as many microseconds
/// after it.
fn copy_one(
    insert: &mut Statement<'_>,
    from: &Template,
    (last, further): (&Template, i64),
    number: u64,
) -> Outcome<()> {
    let (model_id, display_name) = names(number);
    // Identifier, name and description, one per line, folded.
    let description = from.search_text.lines().nth(2).unwrap_or_default();
    let folded = display_name.to_ascii_lowercase();
    let search_text = format!("{model_id}\n{folded}\n{description}");
    let mut id = [0x70_u8; 16];
    for (place, byte) in id.iter_mut().rev().zip(number.to_le_bytes()) {
        *place = byte;
    }
    insert.execute(params![
        last.position + further,
        id,
        model_id,
        display_name,
        search_text,
        from.position,
        last.created_at + further,
    ])?;
    Ok(())
}
