//! Witnesses of the record: others who remember its checkpoints and sign those that continue the last.

use std::time::Duration;

use probity_ledger::{AddCheckpoint, ConsistencyProof, NoteSignature, NoteVerifier, SignedNote};
use reqwest::{Client, StatusCode, redirect};
use url::Url;

/// How long a witness may take. A checkpoint without its signature is still a checkpoint.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many bytes its answer may have.
const LARGEST_ANSWER: usize = 16 << 10;

/// Why witnesses cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WitnessError {
    #[error("setting `witnesses`: expected `VKEY=URL`, separated by commas: {0}")]
    Setting(String),
    #[error("the client of the witnesses cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// The witnesses of this server.
pub(crate) struct Witnesses {
    client: Client,
    witnesses: Vec<(NoteVerifier, Url)>,
}

impl Witnesses {
    /// Reads the setting: `VKEY=URL`, separated by commas.
    pub(crate) fn new(setting: Option<&str>) -> Result<Self, WitnessError> {
        let mut witnesses = Vec::new();
        for pair in setting.unwrap_or_default().split(',').map(str::trim) {
            if pair.is_empty() {
                continue;
            }
            let wrong = |reason: String| WitnessError::Setting(format!("`{pair}`: {reason}"));
            // A vkey may end with the padding of base64.
            let (vkey, url) = pair
                .split_once("=http")
                .map(|(vkey, rest)| (vkey, format!("http{rest}")))
                .ok_or_else(|| wrong("no `=http`".to_owned()))?;
            let key: NoteVerifier = vkey.parse().map_err(|error| wrong(format!("{error}")))?;
            let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
            let url: Url = url.parse().map_err(|error| wrong(format!("{error}")))?;
            witnesses.push((key, url));
        }
        Ok(Self {
            client: Client::builder()
                .timeout(PATIENCE)
                .redirect(redirect::Policy::none())
                .build()?,
            witnesses,
        })
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.witnesses.is_empty()
    }

    /// Asks all witnesses for their signatures under a checkpoint. `prove` makes the proof from an
    /// earlier size. One that does not answer, or answers something else, is left out and logged.
    pub(crate) async fn cosign(
        &self,
        note: &mut SignedNote,
        guess: u64,
        prove: &dyn Fn(u64) -> Option<ConsistencyProof>,
    ) {
        for (key, url) in &self.witnesses {
            match self.ask(key, url, note, guess, prove).await {
                Ok(signature) => note.add_signature(signature),
                Err(reason) => {
                    tracing::warn!(
                        witness = key.name(),
                        reason,
                        "a checkpoint was not cosigned"
                    );
                }
            }
        }
    }

    async fn ask(
        &self,
        key: &NoteVerifier,
        url: &Url,
        note: &SignedNote,
        guess: u64,
        prove: &dyn Fn(u64) -> Option<ConsistencyProof>,
    ) -> Result<NoteSignature, String> {
        let mut old = guess;
        // Once with what we believe it knows, and once with what it says it knows.
        for _ in 0..2 {
            let proof = prove(old).ok_or("it knows a size that this log does not continue")?;
            let request = AddCheckpoint::new(old, proof, note.to_string()).to_string();
            let sent = self.client.post(url.clone()).body(request).send().await;
            let mut answer = sent.map_err(|error| error.to_string())?;
            let status = answer.status();
            let mut body = Vec::new();
            while let Some(part) = answer.chunk().await.map_err(|error| error.to_string())? {
                body.extend_from_slice(&part);
                if body.len() > LARGEST_ANSWER {
                    return Err("its answer is too long".to_owned());
                }
            }
            let body = String::from_utf8(body).map_err(|error| error.to_string())?;
            if status == StatusCode::CONFLICT {
                old = body.trim().parse().map_err(|_| "409 without a size")?;
                continue;
            }
            if status != StatusCode::OK {
                return Err(format!("{status}"));
            }
            let signature = key.signature_among(note.text(), &body);
            return signature.ok_or_else(|| "its signature is wrong".to_owned());
        }
        Err("it knows another history of this log".to_owned())
    }
}
