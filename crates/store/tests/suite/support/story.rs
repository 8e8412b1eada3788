//! Every kind of write there is, once, so that every table has rows.

mod artifacts;
mod attachments;
pub(crate) mod webhooks;

use probity_access::{
    AccessRepository, AccessWrite, ApiKey, ApiKeySecret, NewApiKey, NewUser, OrganizationRole,
    ScopeSet, SpaceMember, SpaceRole, User,
};
use probity_alerts::{AlertsService, PreferencesInput, TargetsInput};
use probity_governance::evidence::{
    EvidenceChange, EvidenceRepository, EvidenceWrite, MetricInput, RunInput, RuntimeEvent,
    RuntimeEventInput, SafetyMetric, TrainingRun,
};
use probity_governance::{GovernanceService, NewDecision, Verdict};
use probity_guardian::{
    Alert, AlertFilter, AlertState, GuardianRepository, GuardianWrite, Ingestion, OverridesDraft,
    RiskMetricLink, ThresholdDraft, ThresholdOverrides,
};
use probity_kernel::{
    ApiKeyId, Change, Context, IdSource, OrganizationId, PageRequest, ProductId, RiskMetricLinkId,
    SystemIds, UserId,
};
use probity_registry::{
    Discovery, DiscoveryRequest, ModelPatch, ModelPatchInput, ModelRepository, ModelWrite, Patch,
    RegisteredModel, RegistryEvent, RegistrySettings, SettingsInput, UsageDelta,
};
use probity_store::DieselAlerts;
use time::{Date, Duration};

use super::{Bed, NOW, claiming, context};

/// What the story is about.
pub(crate) struct Story {
    pub(crate) organization: OrganizationId,
    pub(crate) product: ProductId,
    pub(crate) model: RegisteredModel,
    pub(crate) link: RiskMetricLink,
    pub(crate) alert: Alert,
    pub(crate) key: ApiKey,
}

/// Tells the story of a new organisation; `told` is called after each commit with its action.
pub(crate) fn tell(bed: &Bed, slug: &str, told: &mut dyn FnMut(OrganizationId, &str)) -> Story {
    let organization = bed.organization(slug);
    told(organization, "organization.created");
    let mut told = |action: &str| told(organization, action);
    let key = keys(bed, organization, &mut told);
    let user = users(bed, organization, &mut told);
    let space = bed.space(organization, "space");
    told("space.created");
    let member = SpaceMember::add(&context(organization), space.id, user, SpaceRole::Editor);
    bed.block(bed.access().commit(member)).expect("a member");
    told("space.member.added");
    let product = bed.product_in(&space, "product");
    told("product.created");
    let model = models(bed, organization, &mut told);
    attachments::tell(bed, organization, product, model.id, &mut told);
    usage(bed, organization, &mut told);
    let link = links(bed, organization, product, &mut told);
    let alert = metrics(bed, organization, product, &mut told);
    evidence(bed, organization, product, &mut told);
    artifacts::tell(bed, organization, product, &mut told);
    judgement(bed, organization, product, &mut told);
    webhooks::tell(bed, organization, &mut told);
    alerts(bed, organization, &mut told);
    Story {
        organization,
        product,
        model,
        link,
        alert,
        key,
    }
}

fn keys(bed: &Bed, organization: OrganizationId, told: &mut dyn FnMut(&str)) -> ApiKey {
    let ctx = context(organization);
    let id = || ApiKeyId::new(bed.ids.next_id(NOW));
    let secret = |id: ApiKeyId| {
        let bytes = id.uuid().into_bytes();
        ApiKeySecret::from_entropy([bytes, bytes].concat().try_into().expect("32 bytes"))
    };
    let new = NewApiKey {
        name: "a key".to_owned(),
        scopes: ScopeSet::WRITE,
        spaces: None,
        expires_at: Some(NOW + Duration::days(90)),
    };
    let (first, second) = (id(), id());
    let issue = ApiKey::issue(&ctx, first, new, &secret(first)).expect("a valid key");
    let AccessWrite::IssueKey(key) = bed.block(bed.access().commit(issue)).expect("a key") else {
        panic!("issuing a key answered something else");
    };
    told("api_key.created");
    let rotation = key.rotate(&ctx, second, &secret(second), Duration::days(1));
    let rotated = bed.block(bed.access().commit(rotation.expect("a rotation")));
    let AccessWrite::RotateKey { old, new, .. } = rotated.expect("two keys") else {
        panic!("rotating a key answered something else");
    };
    told("api_key.rotated");
    bed.block(bed.access().commit(old.revoke(&ctx)))
        .expect("a revocation");
    told("api_key.revoked");
    new
}

fn users(bed: &Bed, organization: OrganizationId, told: &mut dyn FnMut(&str)) -> UserId {
    let ctx = context(organization);
    let new = |role| NewUser {
        issuer: "https://issuer.example".to_owned(),
        subject: "somebody".to_owned(),
        email: Some("somebody@example.com".to_owned()),
        role,
        disabled: false,
    };
    let id = UserId::new(bed.ids.next_id(NOW));
    let change = User::record(&ctx, id, new(OrganizationRole::Member)).expect("a valid user");
    let AccessWrite::PutUser { user, .. } = bed.block(bed.access().commit(change)).expect("a user")
    else {
        panic!("recording a user answered something else");
    };
    told("user.role.changed");
    let change = user.update(&ctx, new(OrganizationRole::Admin));
    let change = change.expect("a valid user").expect("a change");
    bed.block(bed.access().commit(change)).expect("an update");
    told("user.role.changed");
    id
}

fn models(bed: &Bed, organization: OrganizationId, told: &mut dyn FnMut(&str)) -> RegisteredModel {
    let ctx = context(organization);
    let commit = |change| bed.block(bed.models().commit(change)).expect("a commit");
    let settings = RegistrySettings::default();
    let input = SettingsInput {
        separation_of_duties: Some(!settings.separation_of_duties),
        ..SettingsInput::default()
    };
    let next = settings.with(&input).expect("valid settings");
    let event = RegistryEvent::configured(organization, &settings, &next);
    commit(Change::new(
        &ctx,
        ModelWrite::Configure { settings: next },
        event,
    ));
    told("registry.settings.changed");
    let doomed = bed.model(organization, "doomed");
    told("model.registered");
    commit(doomed.delete(&ctx));
    told("model.deleted");
    let claimed = claiming(ctx.clone(), "story", 1);
    let ModelWrite::Create(model) = commit(bed.registration(&claimed, "kept")) else {
        panic!("registering answered something else");
    };
    told("model.registered");
    let patch = ModelPatch::parse(ModelPatchInput {
        display_name: Patch::Value("Renamed".to_owned()),
        ..ModelPatchInput::default()
    });
    let update = model
        .update(&ctx, &settings, patch.expect("a valid patch"))
        .expect("a permitted patch");
    let ModelWrite::Update { next, .. } = commit(update) else {
        panic!("an update answered something else");
    };
    told("model.updated");
    *next
}

/// Usage of a model that nobody registered.
pub(crate) fn observed_usage(ctx: &Context) -> Change<ModelWrite, RegistryEvent> {
    let delta = UsageDelta {
        day: ctx.now.date(),
        model: probity_registry::ModelIdentifier::parse("in-use").expect("a name"),
        provider: Some("acme".to_owned()),
        count: 3,
        first_seen_at: ctx.now,
        last_seen_at: ctx.now,
    };
    let event = RegistryEvent::UsageRecorded {
        organization: ctx.organization,
        requests: 3,
        roll_ups: 1,
        first_seen_at: Some(ctx.now),
        last_seen_at: Some(ctx.now),
    };
    Change::new(ctx, ModelWrite::RecordUsage(vec![delta]), event)
}

fn usage(bed: &Bed, organization: OrganizationId, told: &mut dyn FnMut(&str)) {
    let ctx = context(organization);
    let commit = |change| bed.block(bed.models().commit(change)).expect("a commit");
    commit(observed_usage(&ctx));
    told("ai_requests.recorded");
    let seen = bed.block(bed.models().observed(organization, Date::MIN));
    let plan = Discovery::plan(
        &ctx,
        &RegistrySettings::default(),
        DiscoveryRequest::default(),
        &seen.expect("usage"),
        &[],
        || probity_kernel::RegisteredModelId::new(bed.ids.next_id(NOW)),
    );
    commit(plan.into_change(&ctx));
    told("model.discovered");
}

/// Limits on drift.
pub(crate) fn limits(amber: f64, red: f64) -> ThresholdOverrides {
    let draft = OverridesDraft {
        drift: Some(ThresholdDraft {
            amber: Some(amber),
            red: Some(red),
        }),
        ..OverridesDraft::default()
    };
    draft.parse("").expect("limits in order")
}

fn links(
    bed: &Bed,
    organization: OrganizationId,
    product: ProductId,
    told: &mut dyn FnMut(&str),
) -> RiskMetricLink {
    let ctx = context(organization);
    let commit = |change| bed.block(bed.guardian().commit(change)).expect("a commit");
    let id = || RiskMetricLinkId::new(bed.ids.next_id(NOW));
    let create = || RiskMetricLink::create(&ctx, id(), product, limits(30.0, 60.0));
    let GuardianWrite::CreateLink(doomed) = commit(create()) else {
        panic!("creating a link answered something else");
    };
    told("risk_metric_link.created");
    commit(doomed.delete(&ctx));
    told("risk_metric_link.deleted");
    let GuardianWrite::CreateLink(link) = commit(create()) else {
        panic!("creating a link answered something else");
    };
    told("risk_metric_link.created");
    let update = link.update(&ctx, limits(31.5, 62.25));
    let GuardianWrite::UpdateLink { next, .. } = commit(update.expect("a change")) else {
        panic!("updating a link answered something else");
    };
    told("risk_metric_link.updated");
    next
}

fn metrics(
    bed: &Bed,
    organization: OrganizationId,
    product: ProductId,
    told: &mut dyn FnMut(&str),
) -> Alert {
    let at = |minutes| Context {
        now: NOW + Duration::minutes(minutes),
        ..context(organization)
    };
    let ingest = |minutes, drifts: &[f64]| {
        let ctx = at(minutes);
        let batch = drifts
            .iter()
            .map(|drift| bed.snapshot(&ctx, product, *drift));
        let ingestion = Ingestion::new(ctx.clone(), batch.collect()).expect("a valid batch");
        bed.block(bed.guardian().ingest(ingestion))
            .expect("an ingestion");
    };
    ingest(1, &[90.0]);
    told("metric.snapshot.recorded");
    let open = open_alert(bed, organization);
    let acknowledge = open.acknowledge(&at(2), Some("looked at".to_owned()));
    let change = acknowledge.expect("an open alert").expect("a change");
    bed.block(bed.guardian().commit(change)).expect("a commit");
    told("alert.acknowledged");
    ingest(3, &[10.0, 50.0, 80.0]);
    told("metric.snapshot.recorded");
    let open = open_alert(bed, organization);
    let resolve = open.resolve(&at(4), None).expect("a decision");
    bed.block(bed.guardian().commit(resolve.expect("a change")))
        .expect("a commit");
    told("alert.resolved");
    ingest(5, &[70.0]);
    told("metric.snapshot.recorded");
    open_alert(bed, organization)
}

/// A run that another one replaces, a metric that is attested, a runtime event; and one of each that
/// can be deleted and is.
fn evidence(
    bed: &Bed,
    organization: OrganizationId,
    product: ProductId,
    told: &mut dyn FnMut(&str),
) {
    let ctx = context(organization);
    let commit =
        |change: EvidenceChange| bed.block(bed.evidence().commit(change)).expect("a commit");
    let record_run = |name: &str, deployed| {
        let input = RunInput {
            run_name: Some(name.to_owned()),
            run_type: Some("training".to_owned()),
            is_deployed: Some(deployed),
            ..RunInput::default()
        };
        let id = probity_kernel::TrainingRunId::new(bed.ids.next_id(NOW));
        let fields = input.parse(ctx.now).expect("a valid run");
        let EvidenceWrite::CreateRun(run) = commit(TrainingRun::record(&ctx, id, product, fields))
        else {
            panic!("recording a run answered something else");
        };
        *run
    };
    record_run("first", true);
    told("training_run.recorded");
    let second = record_run("second", false);
    told("training_run.recorded");
    let mut fields = second.fields.clone();
    fields.is_deployed = true;
    commit(second.update(&ctx, fields).expect("a change"));
    told("training_run.deployed");
    let doomed = record_run("doomed", false);
    told("training_run.recorded");
    commit(doomed.delete(&ctx));
    told("training_run.deleted");
    let input = MetricInput {
        category: Some("fairness".to_owned()),
        metric_name: Some("parity".to_owned()),
        metric_value: Some(0.03),
        ..MetricInput::default()
    };
    let id = probity_kernel::SafetyMetricId::new(bed.ids.next_id(NOW));
    let fields = input.parse(ctx.now).expect("a valid metric");
    let EvidenceWrite::CreateMetric(metric) =
        commit(SafetyMetric::record(&ctx, id, product, fields))
    else {
        panic!("recording a metric answered something else");
    };
    told("safety_metric.recorded");
    commit(metric.attest(&ctx));
    told("safety_metric.attested");
    let input = RuntimeEventInput {
        event_type: Some("guardrail_trigger".to_owned()),
        severity: Some("low".to_owned()),
        summary: Some("A guardrail fired.".to_owned()),
        ..RuntimeEventInput::default()
    };
    let id = probity_kernel::RuntimeEventId::new(bed.ids.next_id(NOW));
    let event = RuntimeEvent::parse(&ctx, id, product, input).expect("a valid event");
    commit(event.record(&ctx));
    told("runtime_governance.recorded");
}

/// A review that is decided and one that is open, and settings by which all is judged anew.
fn judgement(
    bed: &Bed,
    organization: OrganizationId,
    product: ProductId,
    told: &mut dyn FnMut(&str),
) {
    let at = |minutes| Context {
        now: NOW + Duration::minutes(minutes),
        ..context(organization)
    };
    let service = GovernanceService::new(bed.judgement(), SystemIds::default());
    let request = |minutes| {
        let ctx = at(minutes);
        let asked = bed.block(service.request_review(&ctx, product, None));
        asked.expect("active drift").request
    };
    let first = request(20);
    told("review.requested");
    let decision = NewDecision {
        verdict: Verdict::Approve,
        comment: Some("seen".to_owned()),
        approval_expires_at: Some(NOW + Duration::days(30)),
        next_review_due_at: None,
    };
    bed.block(service.decide_review(&at(21), product, first.id, decision))
        .expect("a decision");
    told("review.decided");
    request(22);
    told("review.requested");
    let input = probity_governance::SettingsInput {
        review_period_days: Some(180),
        ..Default::default()
    };
    bed.block(service.configure(&at(23), &input, None))
        .expect("settings");
    told("governance.settings.changed");
    bed.block(service.overview(organization, None, at(23).now, 1))
        .expect("an overview");
}

/// Targets of the organisation, and preferences of somebody.
fn alerts(bed: &Bed, organization: OrganizationId, told: &mut dyn FnMut(&str)) {
    let ctx = context(organization);
    let service = AlertsService::new(DieselAlerts::new(bed.database.clone()));
    let mut targets = TargetsInput::default();
    targets.critical.acknowledge = probity_kernel::Patch::Value(10);
    bed.block(service.set_targets(&ctx, &targets, None))
        .expect("targets");
    told("alert.sla_targets.changed");
    let preferences = PreferencesInput {
        event_types: Some(vec!["risk_score.changed".to_owned()]),
        ..PreferencesInput::default()
    };
    bed.block(service.set_preferences(&ctx, &preferences, None))
        .expect("preferences");
    told("alert.preferences.changed");
}

fn open_alert(bed: &Bed, organization: OrganizationId) -> Alert {
    let filter = AlertFilter {
        state: Some(AlertState::Open),
        ..AlertFilter::default()
    };
    let repository = bed.guardian();
    let page = PageRequest::first(10);
    let open = bed.block(repository.list_alerts(organization, &filter, &page));
    let mut open = open.expect("alerts").items;
    assert_eq!(open.len(), 1, "one alert is open");
    open.remove(0)
}
