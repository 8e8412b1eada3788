//! The record as tiles, for the clients of transparency logs (C2SP tlog-tiles).

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use probity_ledger::{Hash, TILE_HEIGHT, TILE_WIDTH};

use super::entries::nothing;
use super::{Audit, TAG, reader};
use crate::families::problem::{CallerErrors, Missing};
use crate::http::auth::{Caller, ReadAccess};
use crate::http::failure::Failure;
use crate::record::RecordEntry;
use crate::state::AppState;

/// What a path below `/audit/tile/` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tile {
    /// The level in tiles; `None` for a bundle of entries.
    level: Option<u8>,
    /// The number of the tile in its level.
    number: u64,
    /// How many hashes or entries, 256 in a full tile.
    width: u64,
}

/// Reads `<level>/<number>` or `entries/<number>`, the number in groups of three digits and with
/// `.p/<width>` behind it where the tile is partial; in its one spelling.
fn parse(path: &str) -> Option<Tile> {
    let (level, rest) = path.split_once('/')?;
    let level = match level {
        "entries" => None,
        digits => Some(
            decimal(digits)?
                .try_into()
                .ok()
                .filter(|level| *level < 7)?,
        ),
    };
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => {
            let width = decimal(width)?;
            (
                number,
                Some(width).filter(|width| (1..TILE_WIDTH).contains(width))?,
            )
        }
        None => (rest, TILE_WIDTH),
    };
    let mut value: u64 = 0;
    let mut groups = number.split('/').peekable();
    let mut first = true;
    while let Some(group) = groups.next() {
        let digits = match groups.peek() {
            Some(_) => group.strip_prefix('x')?,
            None => group,
        };
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // A leading group of zeros would be a second spelling.
        if first && digits == "000" && groups.peek().is_some() {
            return None;
        }
        first = false;
        value = value.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some(Tile {
        level,
        number: value,
        width,
    })
}

fn decimal(text: &str) -> Option<u64> {
    let plain = text == "0" || !text.starts_with('0');
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if plain && digits {
        text.parse().ok()
    } else {
        None
    }
}

/// Serves a tile of hashes (`{level}/{number}`) or of entries (`entries/{number}`), for the clients of
/// transparency logs: the record's prefix is `/api/v1/audit`. A tile never changes.
#[utoipa::path(
    operation_id = "audit_tile", tag = TAG, security(("bearer" = [])),
    params(("path" = String, Path, description = "`0/x001/067`, `0/000.p/5`, `entries/000.p/5`: C2SP tlog-tiles")),
    responses((status = 200, description = "The tile", body = Vec<u8>, content_type = "application/octet-stream"), CallerErrors, Missing)
)]
#[get("/audit/tile/{path:.*}")]
pub(super) async fn tile(
    caller: Caller<Audit, ReadAccess>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure<Audit>> {
    let organization = reader(&caller)?;
    let path = request.match_info().get("path").unwrap_or_default();
    let tile = parse(path).ok_or_else(nothing)?;
    let size = state
        .record
        .checkpoint(organization)
        .await?
        .checkpoint
        .size();
    let height = TILE_HEIGHT * tile.level.unwrap_or(0);
    let start = tile.number.checked_mul(TILE_WIDTH).ok_or_else(nothing)?;
    let range = start..start.saturating_add(tile.width);
    if range.end > size >> height {
        return Err(nothing());
    }
    let body = match tile.level {
        Some(_) => {
            let hashes = state.record.hashes(organization, height, range).await?;
            hashes.iter().flat_map(Hash::as_bytes).copied().collect()
        }
        None => bundle(&state.record.entries(organization, range).await?).ok_or_else(nothing)?,
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/octet-stream"))
        .insert_header((CACHE_CONTROL, "private, max-age=31536000, immutable"))
        .body(body))
}

/// Entries with their lengths in front; `None` once one of them is pruned.
fn bundle(entries: &[RecordEntry]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    for entry in entries {
        let leaf = entry.leaf.as_deref()?;
        body.extend_from_slice(&u16::try_from(leaf.len()).ok()?.to_be_bytes());
        body.extend_from_slice(leaf);
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_spelling() {
        let named = |level, number, width| {
            Some(Tile {
                level,
                number,
                width,
            })
        };
        assert_eq!(parse("0/000"), named(Some(0), 0, 256));
        assert_eq!(
            parse("1/x001/x234/067.p/255"),
            named(Some(1), 1_234_067, 255)
        );
        assert_eq!(parse("entries/005.p/1"), named(None, 5, 1));
        for bad in [
            "",
            "0",
            "0/",
            "0/5",
            "0/0005",
            "7/000",
            "01/000",
            "-1/000",
            "0/x000/001",
            "0/001/002",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "0/000.p/",
            "entries",
            "entry/000",
            "0/x001",
            "0/00a",
            "0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
