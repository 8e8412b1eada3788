//! Sealing everything anew under the present master key, so that a former one can be given up.

use probity_kernel::{Change, Context, IdSource, PageRequest};

use crate::endpoint::{
    MOST_ENDPOINTS, Resealed, Rewrapping, SealContext, Sealed, Vault, VaultError, WebhookChange,
    WebhookError, WebhookEvent, WebhookWrite,
};
use crate::repository::WebhookRepository;
use crate::service::WebhookService;

/// How much of an organisation was sealed anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Secrets.
    pub secrets: usize,
    /// Credentials.
    pub credentials: usize,
}

impl<R: WebhookRepository, I: IdSource, V: Vault> WebhookService<R, I, V> {
    /// Seals anew what is not sealed under the present master key: all that the organisation has, or
    /// nothing of it. Once more changes nothing.
    ///
    /// # Errors
    /// [`WebhookError::NotConfigured`], [`WebhookError::Unreadable`] when something was sealed under a
    /// key that is not there, and what the repository answers.
    pub async fn rewrap(&self, ctx: &Context) -> Result<Rewrapped, WebhookError> {
        self.vault().ready()?;
        let mut rewrapping = Rewrapping::default();
        for record in self.repository().all_secrets(ctx.organization).await? {
            let resealed = self.reseal(&record.context(), &record.sealed)?;
            rewrapping
                .secrets
                .extend(resealed.map(|one| (record.id, one)));
        }
        let most = u32::try_from(MOST_ENDPOINTS).unwrap_or(u32::MAX);
        let page = PageRequest::first(most);
        for endpoint in self.repository().list(ctx.organization, &page).await?.items {
            let Some(sealed) = &endpoint.credential else {
                continue;
            };
            let resealed = self.reseal(&endpoint.credential_context(), sealed)?;
            rewrapping
                .credentials
                .extend(resealed.map(|one| (endpoint.id, one)));
        }
        let done = Rewrapped {
            secrets: rewrapping.secrets.len(),
            credentials: rewrapping.credentials.len(),
        };
        if done != Rewrapped::default() {
            let event = WebhookEvent::Rewrapped {
                organization: ctx.organization,
                secrets: rewrapping.secrets.iter().map(|(id, _)| *id).collect(),
                credentials: rewrapping.credentials.iter().map(|(id, _)| *id).collect(),
            };
            let write = WebhookWrite::Rewrap(rewrapping);
            let change: WebhookChange = Change::new(ctx, write, event);
            self.repository().commit(change).await?;
        }
        Ok(done)
    }

    /// The same under the present key; `None` when it is sealed under that one.
    fn reseal(
        &self,
        context: &SealContext,
        sealed: &Sealed,
    ) -> Result<Option<Resealed>, VaultError> {
        if self.vault().is_present(sealed) {
            return Ok(None);
        }
        let plain = self.vault().open(context, sealed)?;
        Ok(Some(Resealed {
            before: sealed.clone(),
            after: self.vault().seal(context, &plain)?,
        }))
    }
}
