//! Uploads and artifacts.

mod outcome;
mod query;
pub(crate) mod rows;
mod signature;
mod upkeep;
mod write;

use std::collections::HashMap;

use diesel::prelude::*;
use probity_artifacts::session::{Accepted, HashAdvance, Receipt};
use probity_artifacts::{
    Artifact, ArtifactChange, ArtifactRepository, ArtifactStatus, ArtifactSummary, ArtifactWrite,
    Sha256Digest, SignatureProof, UploadSession,
};
use probity_kernel::{
    ArtifactId, Context, OrganizationId, Page, PageRequest, ProductId, RepositoryError, SpaceId,
    UploadSessionId,
};

use self::rows::ArtifactRow;
use crate::connection::{MultiBackend, Scope};
use crate::database::Database;
use crate::error::StoreError;
use crate::idempotency;
use crate::listing::{IdListing, page_by_id};
use crate::schema::artifacts;
use crate::types::Id;

/// The artifact repository over Diesel.
#[derive(Debug, Clone)]
pub struct DieselArtifacts {
    database: Database,
}

impl DieselArtifacts {
    /// A repository over the database.
    #[must_use]
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

impl ArtifactRepository for DieselArtifacts {
    async fn find_upload(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: UploadSessionId,
    ) -> Result<Option<UploadSession>, RepositoryError> {
        let found = self
            .database
            .points(Scope::Organization(organization), move |conn| {
                query::find_upload(conn, organization, id)
            })
            .await?;
        Ok(found.filter(|session| session.product == product))
    }

    async fn find_upload_at(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: UploadSessionId,
        index: u32,
    ) -> Result<Option<UploadSession>, RepositoryError> {
        let found = self
            .database
            .points(Scope::Organization(organization), move |conn| {
                query::find_upload_at(conn, organization, id, index)
            })
            .await?;
        Ok(found.filter(|session| session.product == product))
    }

    async fn find_artifact(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ArtifactId,
    ) -> Result<Option<Artifact>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                let row: Option<ArtifactRow> = artifacts::table
                    .filter(artifacts::organization_id.eq(Id(organization.uuid())))
                    .filter(artifacts::product_id.eq(Id(product.uuid())))
                    .filter(artifacts::id.eq(Id(id.uuid())))
                    .select(ArtifactRow::as_select())
                    .get_result(conn)
                    .optional()?;
                row.map(TryInto::try_into).transpose().map_err(StoreError)
            })
            .await
    }

    async fn find_proof(
        &self,
        organization: OrganizationId,
        product: ProductId,
        id: ArtifactId,
    ) -> Result<Option<SignatureProof>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                let found: Option<Option<String>> = artifacts::table
                    .filter(artifacts::organization_id.eq(Id(organization.uuid())))
                    .filter(artifacts::product_id.eq(Id(product.uuid())))
                    .filter(artifacts::id.eq(Id(id.uuid())))
                    .select(artifacts::signature_proof)
                    .get_result(conn)
                    .optional()?;
                let text = found.flatten();
                let proof = text.map(|text| signature::proof(&text)).transpose();
                proof.map_err(StoreError)
            })
            .await
    }

    async fn list_artifacts(
        &self,
        organization: OrganizationId,
        product: ProductId,
        page: &PageRequest,
    ) -> Result<Page<Artifact>, RepositoryError> {
        let page = page.clone();
        self.database
            .scan(Scope::Organization(organization), move |conn| {
                let matching = || {
                    artifacts::table
                        .filter(artifacts::organization_id.eq(Id(organization.uuid())))
                        .filter(artifacts::product_id.eq(Id(product.uuid())))
                        .filter(artifacts::status.ne(ArtifactStatus::Deleted.as_str()))
                        .into_boxed::<MultiBackend>()
                };
                let total: i64 = matching().count().get_result(conn)?;
                let listing = IdListing::of(&page);
                let mut query = matching().select(ArtifactRow::as_select());
                if let Some(after) = listing.after {
                    query = query.filter(artifacts::id.lt(after));
                }
                let rows: Vec<ArtifactRow> = query
                    .order(artifacts::id.desc())
                    .offset(listing.offset)
                    .limit(listing.limit)
                    .load(conn)?;
                page_by_id(&page, total, rows, |row| row.id, TryInto::try_into)
            })
            .await
    }

    async fn summarize_artifacts(
        &self,
        organization: OrganizationId,
        products: &[ProductId],
    ) -> Result<HashMap<ProductId, ArtifactSummary>, RepositoryError> {
        let products: Vec<Id> = products.iter().map(|id| Id(id.uuid())).collect();
        self.database
            .point(Scope::Organization(organization), move |conn| {
                query::summarize(conn, organization, &products)
            })
            .await
    }

    async fn used_bytes(
        &self,
        organization: OrganizationId,
        space: SpaceId,
    ) -> Result<u64, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                query::used_bytes(conn, organization, space)
            })
            .await
    }

    async fn blob_with(
        &self,
        organization: OrganizationId,
        backend: &'static str,
        sha256: Sha256Digest,
    ) -> Result<Option<String>, RepositoryError> {
        self.database
            .point(Scope::Organization(organization), move |conn| {
                query::blob_with(conn, organization, backend, sha256)
            })
            .await
    }

    async fn commit(&self, change: ArtifactChange) -> Result<ArtifactWrite, RepositoryError> {
        let (context, write, event) = change.into_parts();
        self.database
            .write(context.organization, move |tx| {
                idempotency::once(tx, &context, |tx| {
                    let replaced = write::apply(tx, &context, &write)?;
                    tx.record(&context, &event.clone().replacing(replaced))?;
                    Ok(write.clone())
                })
            })
            .await
    }

    async fn record_chunk(
        &self,
        ctx: &Context,
        product: ProductId,
        id: UploadSessionId,
        receipt: Receipt,
    ) -> Result<(UploadSession, Accepted), RepositoryError> {
        let context = ctx.clone();
        self.database
            .write(context.organization, move |tx| {
                write::record_chunk(tx, &context, product, id, receipt.clone())
            })
            .await
    }

    async fn advance_hash(
        &self,
        organization: OrganizationId,
        id: UploadSessionId,
        hash: HashAdvance,
    ) -> Result<bool, RepositoryError> {
        self.database
            .write(organization, move |tx| {
                write::advance_hash(tx, organization, id, &hash)
            })
            .await
    }

    async fn seal(
        &self,
        ctx: &Context,
        product: ProductId,
        id: UploadSessionId,
    ) -> Result<UploadSession, RepositoryError> {
        let context = ctx.clone();
        self.database
            .write(context.organization, move |tx| {
                write::seal(tx, &context, product, id)
            })
            .await
    }
}
