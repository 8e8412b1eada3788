//! Spaces: the places inside an organisation that hold products.

use std::str::FromStr;

use probity_kernel::text::TextRule;
use probity_kernel::{Actor, Change, Context, FieldError, OrganizationId, SpaceId, Version};
use time::OffsetDateTime;

use crate::error::CatalogError;
use crate::event::CatalogEvent;
use crate::repository::{CatalogChange, CatalogWrite};
use crate::slug::SpaceSlug;

/// For whom a space is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Visibility {
    /// For everybody in the organisation.
    #[default]
    Organization,
    /// For its members, and for the admins of the organisation.
    Members,
}

impl Visibility {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Organization, Self::Members];

    /// The name on the wire: `organization`, `members`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Members => "members",
        }
    }
}

/// A text that names no visibility.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be organization or members")]
pub struct UnknownVisibility;

impl FromStr for Visibility {
    type Err = UnknownVisibility;

    fn from_str(text: &str) -> Result<Self, UnknownVisibility> {
        Self::ALL
            .into_iter()
            .find(|one| one.as_str() == text)
            .ok_or(UnknownVisibility)
    }
}

/// A space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Its id.
    pub id: SpaceId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// Its name in addresses; unique in the organisation.
    pub slug: SpaceSlug,
    /// Its display name.
    pub name: String,
    /// How many products that are not archived it may hold; `None` means any number.
    pub product_capacity: Option<u32>,
    /// For whom it is.
    pub visibility: Visibility,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

/// What a space is created from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSpace {
    /// The name in addresses.
    pub slug: SpaceSlug,
    /// The display name: 1 to 200 characters on one line.
    pub name: String,
    /// How many products that are not archived it may hold; `None` means any number.
    pub product_capacity: Option<u32>,
    /// For whom it is.
    pub visibility: Visibility,
}

/// What is to change in a space; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpaceChanges {
    /// The display name: 1 to 200 characters on one line.
    pub name: Option<String>,
    /// How many products that are not archived it may hold; `Some(None)` means any number.
    pub product_capacity: Option<Option<u32>>,
    /// For whom it is.
    pub visibility: Option<Visibility>,
}

impl NewSpace {
    /// Parses the input and lists every fault.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] with `/slug` (`malformed`) and `/name` (`too_short`, `too_long`,
    /// `control_character`).
    pub fn parse(
        slug: &str,
        name: &str,
        product_capacity: Option<u32>,
    ) -> Result<Self, CatalogError> {
        let parsed = slug
            .parse::<SpaceSlug>()
            .map_err(|fault| FieldError::new("/slug", "malformed", fault.to_string()));
        let checked = TextRule::line(200).check("/name", name);
        match (parsed, checked) {
            (Ok(slug), Ok(())) => Ok(Self {
                slug,
                name: name.to_owned(),
                product_capacity,
                visibility: Visibility::default(),
            }),
            (slug, name) => Err(CatalogError::Invalid(
                slug.err().into_iter().chain(name.err()).collect(),
            )),
        }
    }
}

impl Space {
    /// Creates a space in the context's organisation. A user who creates it becomes its admin.
    pub fn create(ctx: &Context, id: SpaceId, new: NewSpace) -> CatalogChange {
        let space = Self {
            id,
            organization: ctx.organization,
            slug: new.slug,
            name: new.name,
            product_capacity: new.product_capacity,
            visibility: new.visibility,
            created_at: ctx.now,
            version: Version::FIRST,
        };
        let admin = match &ctx.actor {
            Actor::User { id, .. } => Some(*id),
            Actor::ApiKey { .. } | Actor::Token { .. } | Actor::System(_) => None,
        };
        let event = CatalogEvent::SpaceCreated {
            id,
            slug: space.slug.clone(),
            name: space.name.clone(),
            product_capacity: space.product_capacity,
            visibility: space.visibility,
            admin,
        };
        Change::new(ctx, CatalogWrite::CreateSpace { space, admin }, event)
    }

    /// Changes a space; `None` when nothing becomes another.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] for `/name`.
    pub fn update(
        &self,
        ctx: &Context,
        changes: SpaceChanges,
    ) -> Result<Option<CatalogChange>, CatalogError> {
        if let Some(name) = &changes.name {
            let checked = TextRule::line(200).check("/name", name);
            checked.map_err(|fault| CatalogError::Invalid(vec![fault]))?;
        }
        let after = Self {
            name: changes.name.unwrap_or_else(|| self.name.clone()),
            product_capacity: changes.product_capacity.unwrap_or(self.product_capacity),
            visibility: changes.visibility.unwrap_or(self.visibility),
            ..self.clone()
        };
        if after == *self {
            return Ok(None);
        }
        let event = CatalogEvent::SpaceUpdated {
            before: self.clone(),
            after: after.clone(),
        };
        let write = CatalogWrite::UpdateSpace {
            space: Self {
                version: self.version.next(),
                ..after
            },
            expected: self.version,
        };
        Ok(Some(Change::new(ctx, write, event)))
    }

    /// Whether one more product fits beside `held` ones that are not archived.
    #[must_use]
    pub fn has_room_beside(&self, held: u64) -> bool {
        self.product_capacity
            .is_none_or(|capacity| held < u64::from(capacity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use probity_kernel::{Actor, DomainEvent};
    use time::macros::datetime;
    use uuid::Uuid;

    fn space(capacity: Option<u32>) -> Space {
        let organization = OrganizationId::new(Uuid::from_u128(1));
        let now = datetime!(2026-03-13 09:00 UTC);
        let ctx = Context::new(organization, Actor::System("test"), now);
        let new = NewSpace::parse("ml-platform", "ML Platform", capacity).unwrap();
        let change = Space::create(&ctx, SpaceId::new(Uuid::from_u128(2)), new);
        assert_eq!(change.event().name(), "space.created");
        assert_eq!(change.event().detail()["slug"]["after"], "ml-platform");
        assert_eq!(change.event().publications().len(), 1);
        let CatalogWrite::CreateSpace { space, admin } = change.into_parts().1 else {
            panic!("creating a space writes something else");
        };
        assert_eq!(admin, None, "the server is no member");
        space
    }

    #[test]
    fn a_user_who_creates_a_space_is_its_admin() {
        let user = probity_kernel::UserId::new(Uuid::from_u128(7));
        let actor = Actor::User {
            id: user,
            subject: "ann".to_owned(),
            email: None,
        };
        let organization = OrganizationId::new(Uuid::from_u128(1));
        let ctx = Context::new(organization, actor, datetime!(2026-03-13 09:00 UTC));
        let new = NewSpace::parse("credit", "Credit", None).unwrap();
        let change = Space::create(&ctx, SpaceId::new(Uuid::from_u128(2)), new);
        assert_eq!(change.event().detail()["admin"]["after"], user.to_string());
        assert!(matches!(
            change.into_parts().1,
            CatalogWrite::CreateSpace { admin: Some(admin), .. } if admin == user
        ));
    }

    #[test]
    fn a_change_of_a_space_tells_what_becomes_another() {
        let known = space(Some(5));
        let now = datetime!(2026-03-14 09:00 UTC);
        let ctx = Context::new(known.organization, Actor::System("test"), now);
        let nothing = SpaceChanges {
            name: Some(known.name.clone()),
            ..SpaceChanges::default()
        };
        assert!(known.update(&ctx, nothing).unwrap().is_none());
        let changes = SpaceChanges {
            visibility: Some(Visibility::Members),
            product_capacity: Some(None),
            ..SpaceChanges::default()
        };
        let change = known.update(&ctx, changes).unwrap().unwrap();
        assert_eq!(change.event().name(), "space.updated");
        let detail = change.event().detail();
        assert_eq!(detail["visibility"]["before"], "organization");
        assert_eq!(detail["visibility"]["after"], "members");
        assert_eq!(detail["product_capacity"]["before"], 5);
        assert_eq!(detail.as_object().unwrap().len(), 2);
        let CatalogWrite::UpdateSpace { space, expected } = change.into_parts().1 else {
            panic!("changing a space writes something else");
        };
        assert_eq!(
            (expected, space.version),
            (known.version, known.version.next())
        );
        let faulty = SpaceChanges {
            name: Some(String::new()),
            ..SpaceChanges::default()
        };
        assert!(matches!(
            known.update(&ctx, faulty),
            Err(CatalogError::Invalid(_))
        ));
    }

    #[test]
    fn the_last_product_that_fits_is_the_one_that_fills_the_space() {
        for (capacity, held, room) in [
            (None, 0, true),
            (None, u64::MAX, true),
            (Some(0), 0, false),
            (Some(2), 1, true),
            (Some(2), 2, false),
            (Some(2), 3, false),
        ] {
            assert_eq!(
                space(capacity).has_room_beside(held),
                room,
                "{held} of {capacity:?}"
            );
        }
    }

    #[test]
    fn every_fault_of_a_new_space_is_listed() {
        let Err(CatalogError::Invalid(faults)) = NewSpace::parse("A", &"n".repeat(201), None)
        else {
            panic!("was accepted");
        };
        let told: Vec<_> = faults.iter().map(|f| (f.field.as_str(), f.code)).collect();
        assert_eq!(told, [("/slug", "malformed"), ("/name", "too_long")]);
    }
}
