//! Organisations and the people in them.

use std::fmt;
use std::str::FromStr;

use probity_kernel::text::TextRule;
use probity_kernel::{Change, Context, FieldError, OrganizationId, UserId, Version};
use time::OffsetDateTime;

use crate::error::AccessError;
use crate::event::{AccessEvent, Changed};
use crate::repository::{AccessChange, AccessWrite};
use crate::role::OrganizationRole;

/// The name of an organisation in addresses: 1 to 63 of `a-z`, `0-9` and `-`, with no hyphen at
/// either end (`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`, what a DNS label permits).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

/// A text that is no slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 63 of a-z, 0-9 and -, with no hyphen at either end")]
pub struct MalformedSlug;

impl Slug {
    /// The most characters.
    pub const MAX: usize = 63;

    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = MalformedSlug;

    fn from_str(text: &str) -> Result<Self, MalformedSlug> {
        let plain = text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let sized = (1..=Self::MAX).contains(&text.len());
        if plain && sized && !text.starts_with('-') && !text.ends_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedSlug)
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An organisation: the tenant that owns everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name in addresses; unique on the server.
    pub slug: Slug,
    /// Its display name.
    pub name: String,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

/// What an organisation is created from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrganization {
    /// The name in addresses.
    pub slug: Slug,
    /// The display name: 1 to 200 characters on one line.
    pub name: String,
}

impl NewOrganization {
    /// Parses the input and lists every fault.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] with `/slug` (`malformed`) and `/name` (`too_short`, `too_long`,
    /// `control_character`).
    pub fn parse(slug: &str, name: &str) -> Result<Self, AccessError> {
        let parsed = slug
            .parse::<Slug>()
            .map_err(|fault| FieldError::new("/slug", "malformed", fault.to_string()));
        let checked = TextRule::line(200).check("/name", name);
        match (parsed, checked) {
            (Ok(slug), Ok(())) => Ok(Self {
                slug,
                name: name.to_owned(),
            }),
            (slug, name) => Err(AccessError::Invalid(
                slug.err().into_iter().chain(name.err()).collect(),
            )),
        }
    }
}

impl Organization {
    /// Creates an organisation. The change happens in the organisation itself, whatever the
    /// context says, so that its record begins with its own creation; the idempotency claim of
    /// the context is left behind, because the slug already makes a second creation a conflict.
    pub fn create(ctx: &Context, id: OrganizationId, new: NewOrganization) -> AccessChange {
        let organization = Self {
            id,
            slug: new.slug,
            name: new.name,
            created_at: ctx.now,
            version: Version::FIRST,
        };
        let event = AccessEvent::OrganizationCreated {
            id,
            slug: organization.slug.clone(),
            name: organization.name.clone(),
        };
        let inside = Context {
            organization: id,
            idempotency: None,
            ..ctx.clone()
        };
        Change::new(
            &inside,
            AccessWrite::CreateOrganization(organization),
            event,
        )
    }
}

/// A person or service account, known by issuer and subject of its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// The issuer of its tokens; with `subject` unique in the organisation.
    pub issuer: String,
    /// The subject of its tokens.
    pub subject: String,
    /// Its e-mail address, when known.
    pub email: Option<String>,
    /// Its role; the database decides, not the token.
    pub role: OrganizationRole,
    /// Whether it is shut out.
    pub disabled: bool,
    /// When it was first recorded.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

/// What a user is to be after [`User::record`] or [`User::update`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The issuer of its tokens: 1 to 255 characters on one line.
    pub issuer: String,
    /// The subject of its tokens: 1 to 255 characters on one line.
    pub subject: String,
    /// Its e-mail address: up to 254 characters on one line with one `@` inside.
    pub email: Option<String>,
    /// Its role.
    pub role: OrganizationRole,
    /// Whether it is shut out.
    pub disabled: bool,
}

impl NewUser {
    /// Checks the texts.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] listing `/issuer`, `/subject` and `/email` as far as they are faulty.
    pub fn check(&self) -> Result<(), AccessError> {
        let line = TextRule::line(255);
        let mut faults: Vec<FieldError> = [("/issuer", &self.issuer), ("/subject", &self.subject)]
            .into_iter()
            .filter_map(|(field, text)| line.check(field, text).err())
            .collect();
        if self.email.as_deref().is_some_and(|text| !is_email(text)) {
            let message = "must be an e-mail address of up to 254 characters";
            faults.push(FieldError::new("/email", "malformed", message));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(AccessError::Invalid(faults))
        }
    }
}

/// Whether a text can be an e-mail address: one `@` with something on either side, no white space,
/// no control character, at most 254 bytes. Only a message that arrives proves more.
pub(crate) fn is_email(text: &str) -> bool {
    let mut parts = text.split('@');
    let filled = [parts.next(), parts.next()]
        .into_iter()
        .all(|part| part.is_some_and(|part| !part.is_empty()));
    let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    filled && parts.next().is_none() && plain && text.len() <= 254
}

impl User {
    /// Records a user for the first time.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] when a text is out of bounds.
    pub fn record(ctx: &Context, id: UserId, new: NewUser) -> Result<AccessChange, AccessError> {
        new.check()?;
        let user = Self {
            id,
            organization: ctx.organization,
            issuer: new.issuer,
            subject: new.subject,
            email: new.email,
            role: new.role,
            disabled: new.disabled,
            created_at: ctx.now,
            updated_at: ctx.now,
            version: Version::FIRST,
        };
        let event = AccessEvent::UserRoleChanged {
            id,
            before: None,
            after: user.role,
            disabled: user.disabled,
        };
        let expected = None;
        Ok(Change::new(
            ctx,
            AccessWrite::PutUser { user, expected },
            event,
        ))
    }

    /// Brings a user to what `new` says; issuer and subject stay. `None` when it says nothing new.
    ///
    /// # Errors
    /// [`AccessError::Invalid`] when a text is out of bounds.
    pub fn update(self, ctx: &Context, new: NewUser) -> Result<Option<AccessChange>, AccessError> {
        new.check()?;
        let same = (&self.email, self.role, self.disabled) == (&new.email, new.role, new.disabled);
        if same {
            return Ok(None);
        }
        let event = if self.role == new.role {
            AccessEvent::UserUpdated {
                id: self.id,
                email_changed: self.email != new.email,
                disabled: Changed {
                    before: self.disabled,
                    after: new.disabled,
                },
            }
        } else {
            AccessEvent::UserRoleChanged {
                id: self.id,
                before: Some(self.role),
                after: new.role,
                disabled: new.disabled,
            }
        };
        let expected = Some(self.version);
        let user = Self {
            email: new.email,
            role: new.role,
            disabled: new.disabled,
            updated_at: ctx.now,
            version: self.version.next(),
            ..self
        };
        Ok(Some(Change::new(
            ctx,
            AccessWrite::PutUser { user, expected },
            event,
        )))
    }
}
