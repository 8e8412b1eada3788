//! A repository that somebody else holds.

use probity_kernel::{
    DeliveryId, OrganizationId, Page, PageRequest, RepositoryError, WebhookEndpointId,
};
use time::OffsetDateTime;

use crate::delivery::{Attempt, Delivery, DeliveryFilter, Missed};
use crate::endpoint::{Alias, Endpoint, SecretRecord, WebhookChange, WebhookWrite};
use crate::repository::WebhookRepository;

pub(super) struct Borrowed<'a, R>(pub(super) &'a R);

impl<R: WebhookRepository> WebhookRepository for Borrowed<'_, R> {
    async fn find(
        &self,
        organization: OrganizationId,
        id: WebhookEndpointId,
    ) -> Result<Option<Endpoint>, RepositoryError> {
        self.0.find(organization, id).await
    }

    async fn list(
        &self,
        organization: OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<Endpoint>, RepositoryError> {
        self.0.list(organization, page).await
    }

    async fn secrets(
        &self,
        organization: OrganizationId,
        alias: &Alias,
    ) -> Result<Vec<SecretRecord>, RepositoryError> {
        self.0.secrets(organization, alias).await
    }

    async fn all_secrets(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<SecretRecord>, RepositoryError> {
        self.0.all_secrets(organization).await
    }

    async fn deliveries(
        &self,
        organization: OrganizationId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<Delivery>, RepositoryError> {
        self.0.deliveries(organization, filter, page).await
    }

    async fn delivery(
        &self,
        organization: OrganizationId,
        endpoint: WebhookEndpointId,
        id: DeliveryId,
    ) -> Result<Option<(Delivery, Vec<Attempt>)>, RepositoryError> {
        self.0.delivery(organization, endpoint, id).await
    }

    async fn missed(
        &self,
        endpoint: &Endpoint,
        from: Option<OffsetDateTime>,
        to: Option<OffsetDateTime>,
        limit: u32,
    ) -> Result<Vec<Missed>, RepositoryError> {
        self.0.missed(endpoint, from, to, limit).await
    }

    async fn commit(&self, change: WebhookChange) -> Result<WebhookWrite, RepositoryError> {
        self.0.commit(change).await
    }
}
