//! The shapes of the record.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use probity_ledger::{ArgValue, Hash, Leaf, LeafHeader, NoteVerifier, SlotName};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use crate::http::instant;
use crate::record::{OpenSlot, RecordEntry};

/// One entry of the record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = audit::Entry)]
pub(super) struct EntryResponse {
    /// Its number, from 0.
    pub(super) index: u64,
    /// SHA-256 over a zero byte and the leaf, in hexadecimal; it outlives the leaf.
    #[schema(example = "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56")]
    leaf_hash: String,
    /// The exact bytes of the leaf, canonical JSON; null once the entry is pruned.
    leaf: Option<String>,
    /// What was done.
    #[schema(example = "model.registered")]
    action: Option<String>,
    /// To what; `type` and `id`.
    #[schema(value_type = Option<Object>)]
    target: Option<Value>,
    /// When, by the clock of the server.
    #[serde(serialize_with = "instant::option::serialize")]
    recorded_at: Option<OffsetDateTime>,
    /// Parameters that stay readable for ever.
    #[schema(value_type = Object)]
    args: Value,
    /// What the commitments of the leaf stand for, by name: `actor` and `detail`.
    #[schema(value_type = Object)]
    slots: Value,
}

impl EntryResponse {
    /// The entry for who sees the slots, or only their commitments.
    pub(super) fn of(entry: &RecordEntry, sees_slots: bool) -> Self {
        let leaf = entry.leaf.as_deref();
        let parsed = leaf.and_then(|leaf| Leaf::parse(leaf).ok());
        let header = parsed.as_ref().map(Leaf::header);
        Self {
            index: entry.index,
            leaf_hash: entry.hash.to_string(),
            leaf: leaf.map(|leaf| String::from_utf8_lossy(leaf).into_owned()),
            action: header.map(|header| header.action.to_owned()),
            target: header
                .map(|header| json!({"type": header.target.kind, "id": header.target.id})),
            recorded_at: header.map(|header| header.ts),
            args: header.map_or_else(|| json!({}), |header| args(&header)),
            slots: header.map_or_else(|| json!({}), |header| slots(&header, entry, sees_slots)),
        }
    }
}

fn args(header: &LeafHeader<'_>) -> Value {
    let args = header.args.iter().map(|(name, value)| {
        let value = match value {
            ArgValue::Text(text) => json!(text),
            ArgValue::Integer(number) => json!(number),
        };
        (name.to_owned(), value)
    });
    Value::Object(args.collect())
}

fn slots(header: &LeafHeader<'_>, entry: &RecordEntry, sees: bool) -> Value {
    let mut slots = Map::new();
    for (name, commitment) in header.slots.iter() {
        let open = match name {
            SlotName::Actor => entry.actor.as_ref(),
            SlotName::Detail => entry.detail.as_ref(),
            SlotName::Net => None,
        };
        let mut slot = Map::new();
        slot.insert("commitment".to_owned(), json!(commitment.to_string()));
        let state = match open {
            None => "erased",
            Some(_) if !sees => "withheld",
            Some(OpenSlot { salt, bytes }) => {
                let salt = URL_SAFE_NO_PAD.encode(salt.as_bytes());
                slot.insert("salt".to_owned(), json!(salt));
                let value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
                slot.insert("value".to_owned(), value);
                "open"
            }
        };
        slot.insert("state".to_owned(), json!(state));
        slots.insert(name.as_str().to_owned(), Value::Object(slot));
    }
    Value::Object(slots)
}

/// Which entries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListEntriesQuery {
    /// Only this action, such as `model.registered`.
    pub(super) action: Option<String>,
    /// Only targets of this type, such as `product`.
    pub(super) target_type: Option<String>,
    /// Only this target: its id as the leaf spells it, a UUID.
    pub(super) target_id: Option<String>,
    /// Only what this actor did: an id, subject or name. Needs the scope `admin`.
    pub(super) actor: Option<String>,
    /// Not earlier than this instant (RFC 3339).
    pub(super) from: Option<String>,
    /// Earlier than this instant (RFC 3339).
    pub(super) to: Option<String>,
    /// 1 to 100, 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 50)]
    pub(super) limit: Option<String>,
    /// `next_cursor` of an earlier page.
    pub(super) cursor: Option<String>,
}

/// One page of entries, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = audit::EntryList)]
pub(super) struct EntryListResponse {
    pub(super) entries: Vec<EntryResponse>,
    /// How many entries this page holds.
    pub(super) count: u64,
    /// Where the next page goes on. One request looks at 20,000 entries at most, so a page with a filter
    /// may hold few entries or none and still have a next one.
    pub(super) next_cursor: Option<String>,
}

/// The keys that sign an organisation's record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = audit::Keys)]
pub(super) struct KeysResponse {
    /// The name of the log, the first line of its checkpoints.
    #[schema(example = "gov.example/01890a5d-ac96-774b-bcce-b302099a8057/audit/1")]
    pub(super) origin: String,
    /// The keys, the present one last.
    pub(super) keys: Vec<KeyResponse>,
}

/// One key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = audit::Key)]
pub(super) struct KeyResponse {
    /// `name+keyhash+key`, as the verifier and other tools of signed notes take it.
    vkey: String,
    /// The first four bytes of the hash over name and key, in hexadecimal.
    #[schema(example = "45b47684")]
    id: String,
    #[schema(example = "Ed25519")]
    algorithm: &'static str,
}

impl From<&NoteVerifier> for KeyResponse {
    fn from(key: &NoteVerifier) -> Self {
        Self {
            vkey: key.to_string(),
            id: format!("{:08x}", u32::from_be_bytes(key.id())),
            algorithm: "Ed25519",
        }
    }
}

/// Which entry is to be proved in which tree.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InclusionQuery {
    /// The number of the entry.
    #[param(value_type = u64, minimum = 0)]
    pub(super) index: Option<String>,
    /// The size of the tree: that of a checkpoint. The size of a fresh checkpoint when absent.
    #[param(value_type = Option<u64>, minimum = 1)]
    pub(super) size: Option<String>,
}

/// The proof that an entry is in the log (RFC 6962).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = audit::InclusionProof)]
pub(super) struct InclusionResponse {
    pub(super) index: u64,
    pub(super) size: u64,
    /// The hash of the leaf, in hexadecimal.
    pub(super) leaf_hash: String,
    /// The root of the tree of that size, in hexadecimal.
    pub(super) root: String,
    /// The hashes of the proof, nearest the leaf first, in hexadecimal.
    pub(super) hashes: Vec<String>,
}

/// Which trees are to be connected.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ConsistencyQuery {
    /// The earlier size, at least 1.
    #[param(value_type = u64, minimum = 1)]
    pub(super) from: Option<String>,
    /// The later size. The size of a fresh checkpoint when absent.
    #[param(value_type = Option<u64>, minimum = 1)]
    pub(super) to: Option<String>,
}

/// The proof that the log only grew (RFC 6962).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = audit::ConsistencyProof)]
pub(super) struct ConsistencyResponse {
    pub(super) from: u64,
    pub(super) to: u64,
    /// The root of the earlier tree, in hexadecimal.
    pub(super) from_root: String,
    /// The root of the later tree, in hexadecimal.
    pub(super) to_root: String,
    /// The hashes of the proof, in hexadecimal; none between equal sizes.
    pub(super) hashes: Vec<String>,
}

/// Hashes as the answers spell them.
pub(super) fn spelled(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(Hash::to_string).collect()
}
