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

#[cfg(test)]
mod tests {
    use super::*;
    use probity_kernel::{Actor, DomainEvent};
    use time::macros::datetime;
    use uuid::Uuid;

    fn context() -> Context {
        let organization = OrganizationId::new(Uuid::from_u128(1));
        Context::new(
            organization,
            Actor::System("test"),
            datetime!(2026-03-13 09:00 UTC),
        )
    }

    fn input() -> NewUser {
        NewUser {
            issuer: "https://issuer.example".to_owned(),
            subject: "ann".to_owned(),
            email: Some("ann@example.com".to_owned()),
            role: OrganizationRole::Member,
            disabled: false,
        }
    }

    fn recorded() -> User {
        let change = User::record(&context(), Uuid::from_u128(2).into(), input()).unwrap();
        let AccessWrite::PutUser { user, .. } = change.into_parts().1 else {
            panic!("recording writes something else");
        };
        user
    }

    #[test]
    fn a_slug_is_a_dns_label_in_lower_case() {
        let longest = "a".repeat(63);
        for slug in ["a", "0", "a-b", "a--b", "acme-2", longest.as_str()] {
            assert_eq!(slug.parse::<Slug>().unwrap().to_string(), slug);
        }
        let too_long = "a".repeat(64);
        for text in [
            "",
            "-",
            "-a",
            "a-",
            "A",
            "a_b",
            "a.b",
            "a b",
            "a/b",
            "ä",
            "a\n",
            "٣",
            too_long.as_str(),
        ] {
            assert_eq!(text.parse::<Slug>(), Err(MalformedSlug), "{text:?}");
        }
    }

    #[test]
    fn every_fault_of_a_new_organization_is_listed() {
        let Err(AccessError::Invalid(faults)) = NewOrganization::parse("-", "") else {
            panic!("was accepted");
        };
        let told: Vec<_> = faults.iter().map(|f| (f.field.as_str(), f.code)).collect();
        assert_eq!(told, [("/slug", "malformed"), ("/name", "too_short")]);
        assert!(NewOrganization::parse("acme", &"n".repeat(200)).is_ok());
        assert!(NewOrganization::parse("acme", &"n".repeat(201)).is_err());
    }

    #[test]
    fn an_organization_is_created_inside_itself() {
        let id = OrganizationId::new(Uuid::from_u128(9));
        let new = NewOrganization::parse("acme", "Acme").unwrap();
        let change = Organization::create(&context(), id, new);
        assert_eq!(change.context().organization, id);
        assert_eq!(change.event().name(), "organization.created");
        assert_eq!(change.event().subject().id, id.uuid());
        assert_eq!(change.event().detail()["slug"]["after"], "acme");
    }

    #[test]
    fn an_update_tells_roles_from_the_rest_and_never_an_address() {
        let role = NewUser {
            role: OrganizationRole::Admin,
            ..input()
        };
        let email = NewUser {
            email: Some("new@example.com".to_owned()),
            ..input()
        };
        let disabled = NewUser {
            disabled: true,
            ..input()
        };
        for (new, name) in [
            (role, "user.role.changed"),
            (email, "user.updated"),
            (disabled, "user.updated"),
        ] {
            let change = recorded().update(&context(), new).unwrap().unwrap();
            assert_eq!(change.event().name(), name);
            assert!(!change.event().detail().to_string().contains('@'));
            let AccessWrite::PutUser { user, expected } = change.write() else {
                panic!("{:?}", change.write());
            };
            assert_eq!(*expected, Some(Version::FIRST));
            assert_eq!(user.version, Version::FIRST.next());
        }
        assert!(recorded().update(&context(), input()).unwrap().is_none());
    }

    #[test]
    fn every_faulty_text_of_a_user_is_listed() {
        let wrong = NewUser {
            issuer: String::new(),
            subject: "s".repeat(256),
            email: Some("nobody".to_owned()),
            ..input()
        };
        let Err(AccessError::Invalid(faults)) = wrong.check() else {
            panic!("was accepted");
        };
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["/issuer", "/subject", "/email"]);
    }

    #[test]
    fn an_address_has_one_at_sign_and_no_space() {
        let longest = format!("{}@example.com", "a".repeat(242));
        for (text, good) in [
            ("a@b", true),
            ("ä@example.com", true),
            (longest.as_str(), true),
            (&format!("a{longest}"), false),
            ("", false),
            ("@", false),
            ("a@", false),
            ("@b", false),
            ("a@b@c", false),
            ("a b@c", false),
            ("a@b\u{0}", false),
        ] {
            assert_eq!(is_email(text), good, "{text}");
        }
    }
}
