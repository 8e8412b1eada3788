//! The outcome of a commit as the idempotency record keeps it: sealed secrets stay sealed.

use probity_kernel::{
    DeliveryId, EventId, RepositoryError, Version, WebhookEndpointId, WebhookSecretId,
};
use probity_webhooks::WebhookWrite;
use probity_webhooks::delivery::{Missed, Replay};
use probity_webhooks::endpoint::{EndpointWrite, Resealed, Rewrapping, Sealed, SecretRecord};
use serde::{Deserialize, Serialize};

use super::endpoints::EndpointRow;
use super::secrets::SecretRow;
use crate::idempotency::Remembered;
use crate::types::Id;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Written {
    endpoint: EndpointRow,
    secret: Option<SecretRow>,
    ping: Option<Id>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Created(Box<Written>),
    Updated {
        write: Box<Written>,
        expected: i64,
    },
    Deleted {
        id: Id,
        expected: i64,
    },
    Rotated {
        secret: SecretRow,
        retired: Vec<SecretRow>,
    },
    Replayed {
        deliveries: Vec<(Id, Id)>,
        missed: Vec<(Id, Id, u64, u32)>,
    },
    Rewrapped {
        secrets: Vec<Rewrapped>,
        credentials: Vec<Rewrapped>,
    },
}

/// An id, and the bytes before and after.
type Rewrapped = (Id, Vec<u8>, Vec<u8>);

fn rewrapped(id: uuid::Uuid, resealed: &Resealed) -> Rewrapped {
    let [before, after] = [&resealed.before, &resealed.after].map(|one| one.as_bytes().to_vec());
    (Id(id), before, after)
}

fn resealed((id, before, after): Rewrapped) -> (Id, Resealed) {
    let [before, after] = [before, after].map(Sealed::new);
    (id, Resealed { before, after })
}

fn written(write: &EndpointWrite) -> Box<Written> {
    Box::new(Written {
        endpoint: EndpointRow::from(&write.endpoint),
        secret: write.secret.as_ref().map(SecretRow::from),
        ping: write.ping.map(|id| Id(id.uuid())),
    })
}

fn read(written: Written) -> Result<EndpointWrite, RepositoryError> {
    Ok(EndpointWrite {
        endpoint: written.endpoint.try_into()?,
        secret: written.secret.map(SecretRecord::try_from).transpose()?,
        ping: written.ping.map(|id| DeliveryId::new(id.0)),
    })
}

impl Remembered for WebhookWrite {
    type Record = Outcome;

    fn to_record(&self) -> Result<Outcome, RepositoryError> {
        Ok(match self {
            Self::Create(write) => Outcome::Created(written(write)),
            Self::Update { write, expected } => Outcome::Updated {
                write: written(write),
                expected: expected.get(),
            },
            Self::Delete { id, expected } => Outcome::Deleted {
                id: Id(id.uuid()),
                expected: expected.get(),
            },
            Self::Rotate { secret, retired } => Outcome::Rotated {
                secret: secret.into(),
                retired: retired.iter().map(SecretRow::from).collect(),
            },
            Self::Replay(replay) => Outcome::Replayed {
                deliveries: replay
                    .deliveries
                    .iter()
                    .map(|(endpoint, id)| (Id(endpoint.uuid()), Id(id.uuid())))
                    .collect(),
                missed: replay
                    .missed
                    .iter()
                    .map(|(endpoint, one)| {
                        let event = Id(one.event.uuid());
                        (Id(endpoint.uuid()), event, one.audit_index, one.ordinal)
                    })
                    .collect(),
            },
            Self::Rewrap(rewrapping) => {
                let secrets = rewrapping.secrets.iter();
                let credentials = rewrapping.credentials.iter();
                Outcome::Rewrapped {
                    secrets: secrets.map(|(id, one)| rewrapped(id.uuid(), one)).collect(),
                    credentials: credentials
                        .map(|(id, one)| rewrapped(id.uuid(), one))
                        .collect(),
                }
            }
        })
    }

    fn from_record(outcome: Outcome) -> Result<Self, RepositoryError> {
        let endpoint = |id: Id| WebhookEndpointId::new(id.0);
        Ok(match outcome {
            Outcome::Created(write) => Self::Create(read(*write)?),
            Outcome::Updated { write, expected } => Self::Update {
                write: read(*write)?,
                expected: Version::new(expected),
            },
            Outcome::Deleted { id, expected } => Self::Delete {
                id: endpoint(id),
                expected: Version::new(expected),
            },
            Outcome::Rotated { secret, retired } => Self::Rotate {
                secret: secret.try_into()?,
                retired: retired
                    .into_iter()
                    .map(SecretRecord::try_from)
                    .collect::<Result<_, _>>()?,
            },
            Outcome::Replayed { deliveries, missed } => Self::Replay(Replay {
                deliveries: deliveries
                    .into_iter()
                    .map(|(of, id)| (endpoint(of), DeliveryId::new(id.0)))
                    .collect(),
                missed: missed
                    .into_iter()
                    .map(|(of, event, audit_index, ordinal)| {
                        let event = EventId::new(event.0);
                        let missed = Missed {
                            event,
                            audit_index,
                            ordinal,
                        };
                        (endpoint(of), missed)
                    })
                    .collect(),
            }),
            Outcome::Rewrapped {
                secrets,
                credentials,
            } => Self::Rewrap(Rewrapping {
                secrets: secrets
                    .into_iter()
                    .map(resealed)
                    .map(|(id, one)| (WebhookSecretId::new(id.0), one))
                    .collect(),
                credentials: credentials
                    .into_iter()
                    .map(resealed)
                    .map(|(id, one)| (endpoint(id), one))
                    .collect(),
            }),
        })
    }
}
