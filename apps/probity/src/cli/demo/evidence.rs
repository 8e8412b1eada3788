//! What is on file comes to be on file: runs, metrics, documentation, policies, data, risks, reviews,
//! events at runtime, an artifact with its card, and endpoints that hear of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use probity_artifacts::{Completion, NewUpload, UploadInput};
use probity_catalog::attachment::{
    DependencyInput, DependencyPatch, DependencyPatchInput, LinkTarget, MitigationInput,
    MitigationPatch, MitigationPatchInput, NewDependency, NewMitigation, NewPolicy, NewVersion,
    PolicyInput, VersionInput,
};
use probity_catalog::{DossierInput, ProductPatch, card};
use probity_governance::evidence::{MetricInput, RunInput, RuntimeEventInput};
use probity_governance::{NewDecision, Verdict};
use probity_kernel::{Context, PageRequest, Patch};
use probity_webhooks::endpoint::EndpointInput;
use serde_json::json;
use time::Duration;

use super::files::{Decided, FILES, File, Measure, RUNTIME, Risk, SECTIONS};
use super::models::ENTRIES;
use super::products::{PRODUCTS, Sample};
use super::receiver::{FAILS, TAKES};
use super::seed::{Failure, Teller};
use super::timeline::Timeline;

/// The product that has an artifact.
const WITH_ARTIFACT: usize = 1;
/// The bytes of that artifact.
const ARTIFACT_BYTES: usize = 96 * 1024;

/// Puts everything at its day.
pub(super) fn tell(timeline: &mut Timeline<'_>) {
    for (place, (file, sample)) in FILES.iter().zip(&PRODUCTS).enumerate() {
        attachments(timeline, place, file);
        evaluations(timeline, place, file, sample);
        reviews(timeline, place, file);
    }
    for (at, event) in (0..).zip(RUNTIME) {
        let days = if event.0 == 5 { 160 } else { 9 - at };
        timeline.add(days, move |teller, context| {
            teller.runtime_event(context, event)
        });
    }
    timeline.add(38, Teller::release);
    timeline.add(37, Teller::artifact);
    for (path, description) in [
        (TAKES, "The risk department's mailbox"),
        (FAILS, "The ticket system, which is down"),
    ] {
        timeline.add(4, move |teller, context| {
            teller.endpoint(context, path, description)
        });
    }
}

fn attachments(timeline: &mut Timeline<'_>, place: usize, file: &'static File) {
    if let Some((name, declared, changed)) = file.data {
        timeline.add(declared, move |teller, context| {
            teller.declare(context, place, name)
        });
        if let Some(days) = changed {
            timeline.add(days, move |teller, context| {
                teller.data_changed(context, place)
            });
        }
        for policy in file.policies {
            timeline.add(declared - 1, move |teller, context| {
                teller.attach(context, place, *policy)
            });
        }
    }
    if let Some(days) = file.documented {
        timeline.add(days, move |teller, context| teller.document(context, place));
    }
    if let Some(risk) = file.risk {
        timeline.add(risk.opened, move |teller, context| {
            teller.found(context, place, risk)
        });
        if let Some(days) = risk.resolved {
            timeline.add(days, move |teller, context| teller.resolved(context, place));
        }
    }
    let entry = ENTRIES
        .iter()
        .find(|entry| Some(entry.model_id) == file.model);
    if let Some(entry) = entry {
        let days = entry.registered.min(365) - 1;
        timeline.add(days, move |teller, context| {
            teller.link(context, place, entry.model_id)
        });
    }
}

fn evaluations(
    timeline: &mut Timeline<'_>,
    place: usize,
    file: &'static File,
    sample: &'static Sample,
) {
    for (round, days) in (1..).zip(file.evaluated) {
        timeline.add(*days, move |teller, context| {
            teller.train(context, place, round)
        });
        let is_last = *days == file.evaluated.iter().copied().min().unwrap_or_default();
        for measure in file.measures {
            timeline.add(*days, move |teller, context| {
                teller.measure(context, place, *measure, is_last)
            });
        }
        if sample.is_live() {
            timeline.add(days - 1, move |teller, context| {
                teller.deploy(context, place, round)
            });
        }
    }
}

fn reviews(timeline: &mut Timeline<'_>, place: usize, file: &'static File) {
    for review in file.reviews {
        timeline.add(review.asked, move |teller, context| {
            teller.ask(context, place)
        });
        if let Some(decided) = review.decided {
            timeline.add(review.asked - 2, move |teller, context| {
                teller.decide(context, place, decided)
            });
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what comes in is optional")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

impl Teller<'_> {
    async fn declare(&self, context: Context, place: usize, name: &str) -> Result<(), Failure> {
        let input = DependencyInput {
            name: text(name),
            dependency_type: text("feature_store"),
            uri: Some(format!("features://bank/{name}")),
            description: text("Refreshed every night."),
            ..DependencyInput::default()
        };
        let new = NewDependency::parse(input, context.now)?;
        let product = self.product(place)?;
        self.state
            .attachments
            .declare_dependency(&context, product.id, new)
            .await?;
        Ok(())
    }

    async fn data_changed(&self, context: Context, place: usize) -> Result<(), Failure> {
        let product = self.product(place)?;
        let attachments = &self.state.attachments;
        let page = PageRequest::first(1);
        let declared = attachments
            .dependencies(self.organization, product.id, &page)
            .await?;
        let first = declared.items.first().ok_or("no data was declared")?;
        let patch = DependencyPatchInput {
            version_label: Patch::Value("2".to_owned()),
            changed_at: Patch::Value(context.now),
            ..DependencyPatchInput::default()
        };
        let patch = DependencyPatch::parse(patch, context.now)?;
        attachments
            .update_dependency(&context, &product, first.id, patch, None)
            .await?;
        Ok(())
    }

    async fn attach(
        &self,
        context: Context,
        place: usize,
        (key, title): (&str, &str),
    ) -> Result<(), Failure> {
        let input = PolicyInput {
            policy_key: text(key),
            title: text(title),
            reference_url: Some(format!("https://policies.example.com/{key}")),
            ..PolicyInput::default()
        };
        let product = self.product(place)?;
        let new = NewPolicy::parse(input)?;
        self.state
            .attachments
            .attach_policy(&context, product.id, new)
            .await?;
        Ok(())
    }

    async fn document(&self, context: Context, place: usize) -> Result<(), Failure> {
        let product = self.product(place)?;
        let sections = SECTIONS.map(|(name, about)| {
            let section = format!("{}: {about}", product.name);
            (name.to_owned(), Some(section))
        });
        let card = json!({
            "license": "other",
            "license_name": "internal",
            "language": "en",
            "pipeline_tag": "tabular-regression",
            "tags": ["lending", "property"],
            "datasets": ["property_transactions"],
            "metrics": ["median absolute error"],
        });
        let card = (place == WITH_ARTIFACT).then_some(card);
        let patch = ProductPatch {
            dossier: DossierInput {
                technical_documentation: Patch::Value(BTreeMap::from(sections)),
                model_card: card.map_or(Patch::Absent, Patch::Value),
                ..DossierInput::default()
            },
            ..ProductPatch::default()
        };
        self.state
            .catalog
            .patch_product(&context, product.id, patch, None)
            .await?;
        Ok(())
    }

    async fn found(&self, context: Context, place: usize, risk: Risk) -> Result<(), Failure> {
        let input = MitigationInput {
            title: text(risk.title),
            severity: text(risk.severity),
            owner: text("model-risk@example.com"),
            due_at: Some(self.days_ago(risk.due).now),
            ..MitigationInput::default()
        };
        let product = self.product(place)?;
        let new = NewMitigation::parse(input)?;
        self.state
            .attachments
            .open_mitigation(&context, product.id, new)
            .await?;
        Ok(())
    }

    async fn resolved(&self, context: Context, place: usize) -> Result<(), Failure> {
        let product = self.product(place)?;
        let attachments = &self.state.attachments;
        let page = PageRequest::first(1);
        let open = attachments
            .mitigations(self.organization, product.id, &page)
            .await?;
        let first = open.items.first().ok_or("no risk was found")?;
        let patch = MitigationPatch::parse(MitigationPatchInput {
            status: Patch::Value("resolved".to_owned()),
            ..MitigationPatchInput::default()
        })?;
        attachments
            .update_mitigation(&context, &product, first.id, patch, None)
            .await?;
        Ok(())
    }

    async fn link(&self, context: Context, place: usize, entry: &str) -> Result<(), Failure> {
        let target = LinkTarget::Id(self.model(entry)?);
        let product = self.product(place)?;
        self.state
            .attachments
            .link_models(&context, &product, &[target], None)
            .await?;
        Ok(())
    }

    async fn train(&self, context: Context, place: usize, round: i64) -> Result<(), Failure> {
        let product = self.product(place)?;
        let sample = PRODUCTS.get(place).ok_or("no such product")?;
        let (run, kind) = if sample.is_trained() {
            ("Training", "training")
        } else {
            ("Evaluation", "evaluation")
        };
        let data = FILES.get(place).and_then(|file| file.data);
        let input = RunInput {
            run_name: Some(format!("{run} {round}")),
            run_type: text(kind),
            status: text("completed"),
            dataset_name: data.map(|(name, _, _)| name.to_owned()),
            dataset_version: Some(round.to_string()),
            training_samples: sample.is_trained().then_some(80_000 * round),
            test_samples: Some(20_000),
            random_seed: Some(42),
            framework_version: sample.is_trained().then(|| "xgboost 2.1".to_owned()),
            environment: text("training"),
            duration_seconds: Some(3600.0),
            started_at: Some(context.now - Duration::hours(2)),
            completed_at: Some(context.now - Duration::hours(1)),
            ..RunInput::default()
        };
        self.state
            .evidence
            .record_run(&context, product.id, input)
            .await?;
        Ok(())
    }

    async fn deploy(&self, context: Context, place: usize, round: i64) -> Result<(), Failure> {
        let product = self.product(place)?;
        let input = RunInput {
            run_name: Some(format!("Release {round}")),
            run_type: text("deployment"),
            status: text("completed"),
            environment: text("production"),
            is_deployed: Some(true),
            started_at: Some(context.now - Duration::minutes(10)),
            completed_at: Some(context.now),
            ..RunInput::default()
        };
        self.state
            .evidence
            .record_run(&context, product.id, input)
            .await?;
        Ok(())
    }

    async fn measure(
        &self,
        context: Context,
        place: usize,
        measure: Measure,
        attested: bool,
    ) -> Result<(), Failure> {
        let product = self.product(place)?;
        let data = FILES.get(place).and_then(|file| file.data);
        let input = MetricInput {
            category: text(measure.category),
            metric_name: text(measure.name),
            metric_value: Some(measure.value),
            unit: text(measure.unit),
            threshold_warning: Some(measure.limits.0),
            threshold_critical: Some(measure.limits.1),
            test_dataset: data.map(|(name, _, _)| format!("{name}_test")),
            methodology: text("Measured on a sample that was held back."),
            measured_at: Some(context.now),
            ..MetricInput::default()
        };
        let evidence = &self.state.evidence;
        let metric = evidence.record_metric(&context, product.id, input).await?;
        if attested {
            evidence
                .attest_metric(&context, product.id, metric.id, None)
                .await?;
        }
        Ok(())
    }

    async fn ask(&self, context: Context, place: usize) -> Result<(), Failure> {
        let product = self.product(place)?;
        let asked = self
            .state
            .governance
            .request_review(&context, product.id, None)
            .await?;
        self.reviews.borrow_mut().insert(place, asked.request.id);
        Ok(())
    }

    async fn decide(
        &self,
        context: Context,
        place: usize,
        decided: Decided,
    ) -> Result<(), Failure> {
        let product = self.product(place)?;
        let asked = self.reviews.borrow().get(&place).copied();
        let asked = asked.ok_or("no review was asked for")?;
        let at = |days: Option<i64>| days.map(|days| self.days_ago(days).now);
        let decision = NewDecision {
            verdict: if decided.approved {
                Verdict::Approve
            } else {
                Verdict::Reject
            },
            comment: text(decided.comment),
            approval_expires_at: at(decided.expires),
            next_review_due_at: at(decided.next),
        };
        let governance = &self.state.governance;
        governance
            .decide_review(&context, product.id, asked, decision)
            .await?;
        Ok(())
    }

    async fn runtime_event(
        &self,
        context: Context,
        (place, kind, severity, status, summary): (usize, &str, &str, &str, &str),
    ) -> Result<(), Failure> {
        let input = RuntimeEventInput {
            event_type: text(kind),
            severity: text(severity),
            status: text(status),
            summary: text(summary),
            source: text("runtime-guardrails"),
            occurred_at: Some(context.now),
            ..RuntimeEventInput::default()
        };
        let product = self.product(place)?;
        self.state
            .evidence
            .record_runtime_event(&context, product.id, input)
            .await?;
        Ok(())
    }

    async fn release(&self, context: Context) -> Result<(), Failure> {
        let new = NewVersion::parse(VersionInput {
            version_number: text("3.2.0"),
            version_type: text("minor"),
            release_date: Some(context.now),
            release_notes: text("Trained on the transactions of the last two years."),
            is_current: Some(true),
        })?;
        let product = self.product(WITH_ARTIFACT)?;
        self.state
            .attachments
            .record_version(&context, product.id, new)
            .await?;
        Ok(())
    }

    /// A model, and the card that describes it.
    async fn artifact(&self, context: Context) -> Result<(), Failure> {
        let product = self.product(WITH_ARTIFACT)?;
        let product = self
            .state
            .catalog
            .get(self.organization, product.id)
            .await?;
        let weights: Vec<u8> = (0_u32..)
            .flat_map(|number| number.wrapping_mul(0x9e37_79b9).to_le_bytes())
            .take(ARTIFACT_BYTES)
            .collect();
        let card = card::write(&product).into_bytes();
        for (name, kind, media, bytes) in [
            (
                "mortgage-avm-3.onnx",
                "model_binary",
                "application/octet-stream",
                weights,
            ),
            ("MODEL_CARD.md", "model_card", "text/markdown", card),
        ] {
            let new = NewUpload::parse(UploadInput {
                file_name: text(name),
                content_type: text(media),
                total_size_bytes: i64::try_from(bytes.len()).ok(),
                artifact_kind: text(kind),
                version_label: text("3.2.0"),
                is_current: Some(kind == "model_binary"),
                metadata: Some(
                    json!({"format": if kind == "model_binary" { "onnx" } else { "markdown" }}),
                ),
                ..UploadInput::default()
            })?;
            let artifacts = &self.state.artifacts;
            let session = artifacts
                .initiate(&context, product.id, product.space, new)
                .await?;
            let opened = artifacts.open_chunk(&context, product.id, session.id, 0, None, None);
            let mut chunk = opened.await?;
            chunk.write(Bytes::from(bytes)).await?;
            chunk.finish(&context).await?;
            let asked = Completion::default();
            artifacts
                .complete(&context, product.id, session.id, asked)
                .await?;
        }
        Ok(())
    }

    async fn endpoint(&self, context: Context, path: &str, about: &str) -> Result<(), Failure> {
        let mut entropy = [0_u8; 32];
        getrandom::fill(&mut entropy)?;
        let input = EndpointInput {
            target_url: Some(format!("{}/{path}", self.receiver)),
            description: text(about),
            ..EndpointInput::default()
        };
        self.state
            .webhooks
            .register(&context, input, entropy)
            .await?;
        Ok(())
    }
}
