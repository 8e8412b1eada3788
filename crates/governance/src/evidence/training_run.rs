//! Training, fine-tuning, evaluation and deployment runs.

use probity_kernel::text::TextRule;
use probity_kernel::{
    Change, Context, FieldError, OrganizationId, Patch, ProductId, TrainingRunId, Version,
};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::actor_reference;
use super::checker::Checker;
use super::event::{EvidenceEvent, Fact};
use super::repository::{EvidenceChange, EvidenceWrite};
use super::vocabulary::{RunStatus, RunType};

const NAME: TextRule = TextRule::line(256);
const ADDRESS: TextRule = TextRule::line(2048);
const NOTES: TextRule = TextRule::prose(10_000);

/// A run as it came in; nothing is checked yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunInput {
    /// Its name; required.
    pub run_name: Option<String>,
    /// What it did; required.
    pub run_type: Option<String>,
    /// How far it is; `pending` when absent.
    pub status: Option<String>,
    /// The data set it used.
    pub dataset_name: Option<String>,
    /// The version of that data set.
    pub dataset_version: Option<String>,
    /// Where the data set is.
    pub dataset_uri: Option<String>,
    /// How many samples it trained on.
    pub training_samples: Option<i64>,
    /// How many samples it validated on.
    pub validation_samples: Option<i64>,
    /// How many samples it tested on.
    pub test_samples: Option<i64>,
    /// The seed of its random numbers.
    pub random_seed: Option<i64>,
    /// Its settings.
    pub hyperparameters: Option<Map<String, Value>>,
    /// Its results.
    pub metrics: Option<Map<String, Value>>,
    /// Where the model that it made is.
    pub model_artifact_uri: Option<String>,
    /// The framework and its version.
    pub framework_version: Option<String>,
    /// Where it ran.
    pub environment: Option<String>,
    /// How long it took.
    pub duration_seconds: Option<f64>,
    /// What people have to say about it.
    pub notes: Option<String>,
    /// Whether what it made is in service; no when absent.
    pub is_deployed: Option<bool>,
    /// When it started.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub completed_at: Option<OffsetDateTime>,
}

/// A partial update of a run: absent members stay, null clears what may be absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunPatch {
    /// Its name; cannot be cleared.
    pub run_name: Patch<String>,
    /// What it did; cannot be cleared.
    pub run_type: Patch<String>,
    /// How far it is; cannot be cleared.
    pub status: Patch<String>,
    /// The data set it used.
    pub dataset_name: Patch<String>,
    /// The version of that data set.
    pub dataset_version: Patch<String>,
    /// Where the data set is.
    pub dataset_uri: Patch<String>,
    /// How many samples it trained on.
    pub training_samples: Patch<i64>,
    /// How many samples it validated on.
    pub validation_samples: Patch<i64>,
    /// How many samples it tested on.
    pub test_samples: Patch<i64>,
    /// The seed of its random numbers.
    pub random_seed: Patch<i64>,
    /// Its settings, all of them anew.
    pub hyperparameters: Patch<Map<String, Value>>,
    /// Its results, all of them anew.
    pub metrics: Patch<Map<String, Value>>,
    /// Where the model that it made is.
    pub model_artifact_uri: Patch<String>,
    /// The framework and its version.
    pub framework_version: Patch<String>,
    /// Where it ran.
    pub environment: Patch<String>,
    /// How long it took.
    pub duration_seconds: Patch<f64>,
    /// What people have to say about it.
    pub notes: Patch<String>,
    /// Whether what it made is in service; cannot be cleared.
    pub is_deployed: Patch<bool>,
    /// When it started.
    pub started_at: Patch<OffsetDateTime>,
    /// When it ended.
    pub completed_at: Patch<OffsetDateTime>,
}

/// What is known about a run, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFields {
    /// Its name.
    pub run_name: String,
    /// What it did.
    pub run_type: RunType,
    /// How far it is.
    pub status: RunStatus,
    /// The data set it used.
    pub dataset_name: Option<String>,
    /// The version of that data set.
    pub dataset_version: Option<String>,
    /// Where the data set is.
    pub dataset_uri: Option<String>,
    /// How many samples it trained on.
    pub training_samples: Option<i64>,
    /// How many samples it validated on.
    pub validation_samples: Option<i64>,
    /// How many samples it tested on.
    pub test_samples: Option<i64>,
    /// The seed of its random numbers.
    pub random_seed: Option<i64>,
    /// Its settings.
    pub hyperparameters: Option<Map<String, Value>>,
    /// Its results.
    pub metrics: Option<Map<String, Value>>,
    /// Where the model that it made is.
    pub model_artifact_uri: Option<String>,
    /// The framework and its version.
    pub framework_version: Option<String>,
    /// Where it ran.
    pub environment: Option<String>,
    /// How long it took.
    pub duration_seconds: Option<f64>,
    /// What people have to say about it.
    pub notes: Option<String>,
    /// Whether what it made is in service.
    pub is_deployed: bool,
    /// When it started.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub completed_at: Option<OffsetDateTime>,
}

impl RunInput {
    /// Checks every field.
    ///
    /// # Errors
    /// Every fault at once: `required`, `unknown_value`, `out_of_range`, `too_short`, `too_long`,
    /// `control_character`, `in_future`, `out_of_order`.
    pub fn parse(self, now: OffsetDateTime) -> Result<RunFields, Vec<FieldError>> {
        let mut check = Checker::new(now);
        let run_name = check.required("/run_name", self.run_name);
        let run_name = check.text("/run_name", NAME, run_name);
        let run_type = check.required("/run_type", self.run_type);
        let run_type = check.word("/run_type", run_type.as_deref());
        let status = self
            .status
            .as_deref()
            .unwrap_or(RunStatus::Pending.as_str());
        let status: Option<RunStatus> = check.word("/status", Some(status));
        let started_at = if status == Some(RunStatus::Pending) {
            check.instant("/started_at", self.started_at)
        } else {
            check.fact("/started_at", self.started_at)
        };
        let completed_at = check.fact("/completed_at", self.completed_at);
        if let (Some(started), Some(completed)) = (started_at, completed_at)
            && completed < started
        {
            check.fault(
                "/completed_at",
                "out_of_order",
                "must not be before `started_at`",
            );
        }
        let fields = RunFields {
            run_name: run_name.unwrap_or_default(),
            run_type: run_type.unwrap_or(RunType::Training),
            status: status.unwrap_or(RunStatus::Pending),
            dataset_name: check.text("/dataset_name", NAME, self.dataset_name),
            dataset_version: check.text("/dataset_version", NAME, self.dataset_version),
            dataset_uri: check.text("/dataset_uri", ADDRESS, self.dataset_uri),
            training_samples: check.count("/training_samples", self.training_samples),
            validation_samples: check.count("/validation_samples", self.validation_samples),
            test_samples: check.count("/test_samples", self.test_samples),
            random_seed: self.random_seed,
            hyperparameters: check.object("/hyperparameters", self.hyperparameters),
            metrics: check.object("/metrics", self.metrics),
            model_artifact_uri: check.text("/model_artifact_uri", ADDRESS, self.model_artifact_uri),
            framework_version: check.text("/framework_version", NAME, self.framework_version),
            environment: check.text("/environment", NAME, self.environment),
            duration_seconds: check.at_least_zero("/duration_seconds", self.duration_seconds),
            notes: check.text("/notes", NOTES, self.notes),
            is_deployed: self.is_deployed.unwrap_or(false),
            started_at,
            completed_at,
        };
        check.done().map(|()| fields)
    }
}

impl RunPatch {
    /// The input that the patch makes of what is known.
    ///
    /// # Errors
    /// `not_nullable` for each null where there has to be a value.
    pub fn over(self, current: &RunFields) -> Result<RunInput, Vec<FieldError>> {
        let mut check = Checker::new(OffsetDateTime::UNIX_EPOCH);
        check.not_null("/run_name", &self.run_name);
        check.not_null("/run_type", &self.run_type);
        check.not_null("/status", &self.status);
        check.not_null("/is_deployed", &self.is_deployed);
        check.done()?;
        let now = RunInput::from(current.clone());
        Ok(RunInput {
            run_name: self.run_name.over(now.run_name),
            run_type: self.run_type.over(now.run_type),
            status: self.status.over(now.status),
            dataset_name: self.dataset_name.over(now.dataset_name),
            dataset_version: self.dataset_version.over(now.dataset_version),
            dataset_uri: self.dataset_uri.over(now.dataset_uri),
            training_samples: self.training_samples.over(now.training_samples),
            validation_samples: self.validation_samples.over(now.validation_samples),
            test_samples: self.test_samples.over(now.test_samples),
            random_seed: self.random_seed.over(now.random_seed),
            hyperparameters: self.hyperparameters.over(now.hyperparameters),
            metrics: self.metrics.over(now.metrics),
            model_artifact_uri: self.model_artifact_uri.over(now.model_artifact_uri),
            framework_version: self.framework_version.over(now.framework_version),
            environment: self.environment.over(now.environment),
            duration_seconds: self.duration_seconds.over(now.duration_seconds),
            notes: self.notes.over(now.notes),
            is_deployed: self.is_deployed.over(now.is_deployed),
            started_at: self.started_at.over(now.started_at),
            completed_at: self.completed_at.over(now.completed_at),
        })
    }
}

impl From<RunFields> for RunInput {
    fn from(fields: RunFields) -> Self {
        Self {
            run_name: Some(fields.run_name),
            run_type: Some(fields.run_type.as_str().to_owned()),
            status: Some(fields.status.as_str().to_owned()),
            dataset_name: fields.dataset_name,
            dataset_version: fields.dataset_version,
            dataset_uri: fields.dataset_uri,
            training_samples: fields.training_samples,
            validation_samples: fields.validation_samples,
            test_samples: fields.test_samples,
            random_seed: fields.random_seed,
            hyperparameters: fields.hyperparameters,
            metrics: fields.metrics,
            model_artifact_uri: fields.model_artifact_uri,
            framework_version: fields.framework_version,
            environment: fields.environment,
            duration_seconds: fields.duration_seconds,
            notes: fields.notes,
            is_deployed: Some(fields.is_deployed),
            started_at: fields.started_at,
            completed_at: fields.completed_at,
        }
    }
}

/// A run of a product. At most one run of a product is deployed.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingRun {
    /// Its id.
    pub id: TrainingRunId,
    /// The organisation it belongs to.
    pub organization: OrganizationId,
    /// Its product.
    pub product: ProductId,
    /// What is known about it.
    pub fields: RunFields,
    /// When it was last put into service; kept when another run takes its place.
    pub deployed_at: Option<OffsetDateTime>,
    /// Who did that, as [`actor_reference`] spells it.
    pub deployed_by: Option<String>,
    /// When it was recorded.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// Its row version.
    pub version: Version,
}

impl TrainingRun {
    /// When the run counts from: when it ended, else when it started, else when it was recorded.
    #[must_use]
    pub fn effective_at(&self) -> OffsetDateTime {
        let told = self.fields.completed_at.or(self.fields.started_at);
        told.unwrap_or(self.created_at)
    }

    /// Records a run. One that is deployed takes the flag from the product's other runs.
    pub fn record(
        ctx: &Context,
        id: TrainingRunId,
        product: ProductId,
        fields: RunFields,
    ) -> EvidenceChange {
        let deployed = fields.is_deployed;
        let run = Self {
            id,
            organization: ctx.organization,
            product,
            fields,
            deployed_at: deployed.then_some(ctx.now),
            deployed_by: deployed.then(|| actor_reference(&ctx.actor)),
            created_at: ctx.now,
            updated_at: ctx.now,
            version: Version::FIRST,
        };
        let event = EvidenceEvent::RunRecorded {
            id,
            product,
            facts: run.facts(),
            changes: super::event::changes(&[], &run.facts()),
            deployed,
            replaced: Vec::new(),
        };
        Change::new(ctx, EvidenceWrite::CreateRun(Box::new(run)), event)
    }

    /// Changes what is known; `None` when it is known already. A run that becomes deployed is
    /// stamped and takes the flag from the product's other runs; one that is deployed already
    /// keeps its stamp.
    #[must_use]
    pub fn update(&self, ctx: &Context, fields: RunFields) -> Option<EvidenceChange> {
        if self.fields == fields {
            return None;
        }
        let deploys = fields.is_deployed && !self.fields.is_deployed;
        let mut next = Self {
            fields,
            updated_at: ctx.now,
            version: self.version.next(),
            ..self.clone()
        };
        if deploys {
            next.deployed_at = Some(ctx.now);
            next.deployed_by = Some(actor_reference(&ctx.actor));
        }
        let event = EvidenceEvent::RunUpdated {
            id: self.id,
            product: self.product,
            facts: next.facts(),
            changes: super::event::changes(&self.facts(), &next.facts()),
            deployed: deploys,
            replaced: Vec::new(),
        };
        let write = EvidenceWrite::UpdateRun {
            next: Box::new(next),
            expected: self.version,
        };
        Some(Change::new(ctx, write, event))
    }

    /// Deletes the run. Its record stays.
    pub fn delete(&self, ctx: &Context) -> EvidenceChange {
        let event = EvidenceEvent::RunDeleted {
            id: self.id,
            product: self.product,
            facts: self.facts(),
            changes: super::event::changes(&self.facts(), &[]),
        };
        let write = EvidenceWrite::DeleteRun {
            id: self.id,
            product: self.product,
            expected: self.version,
        };
        Change::new(ctx, write, event)
    }

    /// The run without the deployed flag, as another run leaves it that takes its place.
    #[must_use]
    pub fn replaced(&self, now: OffsetDateTime) -> Self {
        Self {
            fields: RunFields {
                is_deployed: false,
                ..self.fields.clone()
            },
            updated_at: now,
            version: self.version.next(),
            ..self.clone()
        }
    }

    /// The fields as the record tells them.
    fn facts(&self) -> Vec<Fact> {
        let fields = &self.fields;
        let optional = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        vec![
            Fact::new("run_name", fields.run_name.as_str()),
            Fact::new("run_type", fields.run_type.as_str()),
            Fact::new("status", fields.status.as_str()),
            Fact::new("dataset_name", optional(&fields.dataset_name)),
            Fact::new("dataset_version", optional(&fields.dataset_version)),
            Fact::new("dataset_uri", optional(&fields.dataset_uri)),
            Fact::new("training_samples", fields.training_samples),
            Fact::new("validation_samples", fields.validation_samples),
            Fact::new("test_samples", fields.test_samples),
            // Beyond 2^53 no reader of the record would see it as it is.
            Fact::new(
                "random_seed",
                fields.random_seed.map(|seed| seed.to_string()),
            ),
            Fact::digest_of_object("hyperparameters", fields.hyperparameters.as_ref()),
            Fact::digest_of_object("metrics", fields.metrics.as_ref()),
            Fact::new("model_artifact_uri", optional(&fields.model_artifact_uri)),
            Fact::new("framework_version", optional(&fields.framework_version)),
            Fact::new("environment", optional(&fields.environment)),
            Fact::new("duration_seconds", fields.duration_seconds),
            Fact::digest("notes", fields.notes.as_deref()),
            Fact::new("is_deployed", fields.is_deployed),
            Fact::instant("started_at", fields.started_at),
            Fact::instant("completed_at", fields.completed_at),
            Fact::instant("deployed_at", self.deployed_at),
            Fact::new("deployed_by", optional(&self.deployed_by)),
        ]
    }
}
