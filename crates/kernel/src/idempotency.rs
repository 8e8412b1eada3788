//! The caller's claim that a command is to happen once.

/// What an `Idempotency-Key` header says, scoped to the credential and the route.
///
/// A repository that commits a change with a claim keeps the outcome under the claim in the same
/// transaction. A later change with the same `scope` and `key` writes nothing: the first outcome
/// comes back when the fingerprints are equal, `IdempotencyMismatch` when they differ.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyClaim {
    /// The credential and route in which the key is meant, e.g. `key_01h...:POST /api/v1/metrics`.
    pub scope: String,
    /// The key itself: 1 to 255 printable ASCII characters.
    pub key: String,
    /// SHA-256 of the canonical request body.
    pub fingerprint: [u8; 32],
}
