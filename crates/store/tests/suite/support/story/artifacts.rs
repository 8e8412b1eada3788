//! An artifact of the product of the story.

use bytes::Bytes;
use probity_artifacts::{
    ArtifactService, Completion, InMemoryBlobs, NewUpload, Policy, UploadInput,
};
use probity_catalog::CatalogRepository as _;
use probity_kernel::{OrganizationId, ProductId, SystemIds};

use super::{Bed, context};

pub(super) fn tell(
    bed: &Bed,
    organization: OrganizationId,
    product: ProductId,
    told: &mut dyn FnMut(&str),
) {
    let (ctx, bytes) = (context(organization), Bytes::from_static(b"weights"));
    let blobs = InMemoryBlobs::default();
    let ids = SystemIds::default();
    let service = ArtifactService::new(bed.artifacts(), blobs, ids, Policy::default());
    let new = NewUpload::parse(UploadInput {
        file_name: Some("weights.bin".to_owned()),
        content_type: Some("application/octet-stream".to_owned()),
        total_size_bytes: Some(7),
        is_current: Some(true),
        ..UploadInput::default()
    });
    let new = new.expect("a valid upload");
    bed.block(async {
        let found = bed.catalog().find_product(organization, product).await;
        let space = found.expect("a read").expect("the product").space;
        let session = service.initiate(&ctx, product, space, new).await;
        let session = session.expect("a session");
        told("artifact.upload.initiated");
        let opened = service.open_chunk(&ctx, product, session.id, 0, None, None);
        let mut chunk = opened.await.expect("a chunk");
        chunk.write(bytes).await.expect("its bytes");
        chunk.finish(&ctx).await.expect("a whole chunk");
        let asked = Completion::default();
        let completed = service.complete(&ctx, product, session.id, asked).await;
        completed.expect("an artifact");
        told("artifact.available");
    });
}
