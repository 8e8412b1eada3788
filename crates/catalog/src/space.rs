//! Spaces: the places inside an organisation that hold products.

use probity_kernel::text::TextRule;
use probity_kernel::{Change, Context, FieldError, OrganizationId, SpaceId, Version};
use time::OffsetDateTime;

use crate::error::CatalogError;
use crate::event::CatalogEvent;
use crate::repository::{CatalogChange, CatalogWrite};
use crate::slug::SpaceSlug;

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
            }),
            (slug, name) => Err(CatalogError::Invalid(
                slug.err().into_iter().chain(name.err()).collect(),
            )),
        }
    }
}

impl Space {
    /// Creates a space in the context's organisation.
    pub fn create(ctx: &Context, id: SpaceId, new: NewSpace) -> CatalogChange {
        let space = Self {
            id,
            organization: ctx.organization,
            slug: new.slug,
            name: new.name,
            product_capacity: new.product_capacity,
            created_at: ctx.now,
            version: Version::FIRST,
        };
        let event = CatalogEvent::SpaceCreated {
            id,
            slug: space.slug.clone(),
            name: space.name.clone(),
            product_capacity: space.product_capacity,
        };
        Change::new(ctx, CatalogWrite::CreateSpace(space), event)
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
        let CatalogWrite::CreateSpace(space) = change.into_parts().1 else {
            panic!("creating a space writes something else");
        };
        space
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
