//! Artifacts: bytes that were approved, and what is known about them.

use probity_kernel::{
    Actor, ArtifactId, Change, Context, OrganizationId, ProductId, SpaceId, UploadSessionId,
    Version,
};
use time::OffsetDateTime;

use crate::digest::Sha256Digest;
use crate::event::{ArtifactEvent, DamageReason, Move};
use crate::new_upload::ArtifactFacts;
use crate::repository::{ArtifactChange, ArtifactWrite};
use crate::signature::{ArtifactSignature, VerifiedSignature};
use crate::vocabulary::ArtifactStatus;

/// An artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// The product that it is of.
    pub product: ProductId,
    /// The space of the product: its quota holds the bytes.
    pub space: SpaceId,
    /// The upload that it came from.
    pub upload: UploadSessionId,
    /// What is said about it; `is_current` in here is whether it is current now.
    pub facts: ArtifactFacts,
    /// How many bytes it has.
    pub size: u64,
    /// Their digest.
    pub sha256: Sha256Digest,
    /// The backend that keeps them.
    pub backend: String,
    /// Their key in the backend, in the backend's own words.
    pub blob: String,
    /// Their address in the backend.
    pub storage_uri: String,
    /// Where it stands.
    pub status: ArtifactStatus,
    /// Who uploaded it, as a reference (`user:...`, `api_key:...`).
    pub uploaded_by: String,
    /// When its bytes were complete.
    pub uploaded_at: OffsetDateTime,
    /// When it was recorded.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// When its bytes were last found to be what they should be.
    pub verified_at: OffsetDateTime,
    /// The signature that is attached to it.
    pub signature: Option<ArtifactSignature>,
    /// Its row version.
    pub version: Version,
}

/// The artifacts of a product in brief.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArtifactSummary {
    /// How many there are that are not deleted.
    pub count: u64,
    /// The current one.
    pub current: Option<Artifact>,
}

impl Artifact {
    /// Deletes it; `None` when it is deleted already.
    #[must_use]
    pub fn delete(&self, ctx: &Context) -> Option<ArtifactChange> {
        if self.status == ArtifactStatus::Deleted {
            return None;
        }
        let next = self.moved(ctx, ArtifactStatus::Deleted);
        let event = ArtifactEvent::Deleted(self.to(&next));
        Some(self.write(ctx, next, event))
    }

    /// Says that its bytes are not what they should be; `None` unless it is available.
    #[must_use]
    pub fn fail(&self, ctx: &Context, reason: DamageReason) -> Option<ArtifactChange> {
        if self.status != ArtifactStatus::Available {
            return None;
        }
        let next = self.moved(ctx, ArtifactStatus::Failed);
        let artifact = self.to(&next);
        let event = ArtifactEvent::Damaged { artifact, reason };
        Some(self.write(ctx, next, event))
    }

    /// Attaches a signature that holds for its bytes, in the place of the one before; `None` unless
    /// it is available.
    #[must_use]
    pub fn sign(&self, ctx: &Context, verified: VerifiedSignature) -> Option<ArtifactChange> {
        if self.status != ArtifactStatus::Available {
            return None;
        }
        let mut next = self.clone();
        next.signature = Some(ArtifactSignature {
            key: verified.key,
            subject: verified.subject,
            files: verified.files,
            attached_by: actor_reference(&ctx.actor),
            attached_at: ctx.now,
        });
        next.updated_at = ctx.now;
        next.version = self.version.next();
        let write = ArtifactWrite::Sign {
            next: Box::new(next.clone()),
            expected: self.version,
            proof: Box::new(verified.proof),
        };
        let event = ArtifactEvent::Signed(self.to(&next));
        Some(Change::new(ctx, write, event))
    }

    fn to(&self, next: &Self) -> Box<Move> {
        Box::new(Move {
            before: self.clone(),
            after: next.clone(),
        })
    }

    /// What is deleted or failed is nobody's current artifact.
    fn moved(&self, ctx: &Context, status: ArtifactStatus) -> Self {
        let mut next = self.clone();
        next.status = status;
        next.facts.is_current = false;
        next.updated_at = ctx.now;
        next.version = self.version.next();
        next
    }

    fn write(&self, ctx: &Context, next: Self, event: ArtifactEvent) -> ArtifactChange {
        let write = ArtifactWrite::Update {
            next: Box::new(next),
            expected: self.version,
        };
        Change::new(ctx, write, event)
    }
}

/// The reference to an actor as it is kept in rows: the kind, a colon, and the id or name.
#[must_use]
pub fn actor_reference(actor: &Actor) -> String {
    match actor {
        Actor::User { id, .. } => format!("user:{id}"),
        Actor::ApiKey { id, .. } => format!("api_key:{id}"),
        Actor::Token { issuer, subject } => format!("token:{issuer}#{subject}"),
        Actor::System(name) => format!("system:{name}"),
    }
}
