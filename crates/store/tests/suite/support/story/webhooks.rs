//! An endpoint of the story's organisation, and an attempt that failed.

use probity_kernel::{OrganizationId, SystemIds};
use probity_store::DieselWebhooks;
use probity_webhooks::delivery::{Attempt, Next, Settlement};
use probity_webhooks::endpoint::{EndpointInput, SealContext, Sealed, Vault, VaultError};
use probity_webhooks::{DeliveryQueue as _, TargetRules, WebhookService};
use serde_json::json;
use time::Duration;

use super::{Bed, NOW, context};

/// Keeps secrets as they are: what the database does with them is not its business.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open;

impl Vault for Open {
    fn ready(&self) -> Result<(), VaultError> {
        Ok(())
    }

    fn seal(&self, _: &SealContext, plain: &[u8]) -> Result<Sealed, VaultError> {
        Ok(Sealed::new(plain.to_vec()))
    }

    fn open(&self, _: &SealContext, sealed: &Sealed) -> Result<Vec<u8>, VaultError> {
        Ok(sealed.as_bytes().to_vec())
    }

    fn is_present(&self, _: &Sealed) -> bool {
        true
    }
}

/// Webhooks as the tests use them.
pub(crate) type Service = WebhookService<DieselWebhooks, SystemIds, Open>;

pub(crate) fn service(bed: &Bed) -> Service {
    let ids = SystemIds::default();
    WebhookService::new(bed.webhooks(), ids, Open, TargetRules::default())
}

pub(super) fn tell(bed: &Bed, organization: OrganizationId, told: &mut dyn FnMut(&str)) {
    let input = EndpointInput {
        target_url: Some("https://receiver.example/".to_owned()),
        ..EndpointInput::default()
    };
    let made = bed.block(service(bed).register(&context(organization), input, [7; 32]));
    let endpoint = made.expect("an endpoint").endpoint;
    told("webhook.endpoint.created");
    let queue = bed.webhooks();
    let wanted = vec![(endpoint.id, 1)];
    let claims = bed.block(queue.claim(wanted, NOW, Duration::MINUTE));
    let results = claims
        .expect("a claim")
        .into_iter()
        .map(|claim| Settlement {
            organization,
            endpoint: endpoint.id,
            delivery: claim.delivery,
            attempt: Attempt {
                number: claim.fence,
                at: NOW,
                took_ms: 3,
                status: Some(500),
                error: Some("status 500".to_owned()),
            },
            next: Next::RetryAt(NOW + Duration::MINUTE),
            state: Some(("a key".to_owned(), json!({"ticket": 1}))),
        });
    let kept = bed.block(queue.settle(results.collect())).expect("settled");
    assert!(kept.iter().all(|one| one.counted));
    assert_eq!(kept.len(), 1);
}
