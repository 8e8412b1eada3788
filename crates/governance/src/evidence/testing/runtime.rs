//! Runtime events, and what a change log draft is made of.

use probity_kernel::{PageRequest, Paging};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::{ALL, Run, START, bare_metric, bare_run, must, object};
use crate::evidence::repository::EvidenceRepository;
use crate::evidence::runtime_event::RuntimeEventInput;
use crate::evidence::vocabulary::RuntimeEventType;

fn event(kind: &str, occurred_at: Option<OffsetDateTime>) -> RuntimeEventInput {
    RuntimeEventInput {
        event_type: Some(kind.to_owned()),
        severity: Some("medium".to_owned()),
        summary: Some("Something happened.".to_owned()),
        source: Some("guardrails".to_owned()),
        event_metadata: Some(object(json!({"policy": "prompt_injection"}))),
        occurred_at,
        ..RuntimeEventInput::default()
    }
}

impl<R: EvidenceRepository> Run<'_, R> {
    pub(super) async fn runtime_events_are_listed_newest_first_and_counted(&self) {
        let (organization, product) = (self.world.organization, self.world.product);
        let ago = |hours| Some(START - Duration::hours(hours));
        let mut expected = Vec::new();
        for (kind, at) in [
            ("guardrail_trigger", ago(3)),
            ("blocked_action", ago(2)),
            ("guardrail_trigger", ago(2)),
            ("guardrail_trigger", None),
        ] {
            expected.push(self.recorded_event(product, event(kind, at)).await);
        }
        expected.reverse();
        let page = self
            .repo
            .list_runtime_events(organization, product, &ALL)
            .await;
        let page = must(page, "events");
        assert_eq!((page.items, page.total), (expected.clone(), 4));
        let mut request = PageRequest::first(1);
        let mut listed = Vec::new();
        loop {
            let page = self
                .repo
                .list_runtime_events(organization, product, &request)
                .await;
            let page = must(page, "a page");
            listed.extend(page.items);
            match page.next {
                Some(cursor) => request.paging = Paging::After(cursor),
                None => break,
            }
        }
        assert_eq!(listed, expected);
        let totals = self.repo.runtime_event_totals(organization, product).await;
        assert_eq!(
            must(totals, "totals"),
            [
                (RuntimeEventType::GuardrailTrigger, 3),
                (RuntimeEventType::BlockedAction, 1)
            ]
        );
    }

    pub(super) async fn material_is_what_was_recorded_since(&self) {
        let (organization, product) = (self.world.organization, self.world.second_product);
        let before = self.recorded_run(product, bare_run("before")).await;
        let since = self.context().now;
        let run = self.recorded_run(product, bare_run("after")).await;
        let metric = self
            .recorded_metric(product, bare_metric("drift", "after"))
            .await;
        self.recorded_event(product, event("human_escalation", Some(since)))
            .await;
        let old = Some(since - Duration::hours(1));
        self.recorded_event(product, event("policy_exception", old))
            .await;
        let found = self.repo.material(organization, product, Some(since)).await;
        let found = must(found, "material");
        assert_eq!(found.runs, [run]);
        assert_eq!(found.metrics, [metric]);
        assert_eq!(
            found.runtime_events,
            [(RuntimeEventType::HumanEscalation, 1)]
        );
        assert!(!found.more);
        let all = must(
            self.repo.material(organization, product, None).await,
            "material",
        );
        assert!(all.runs.iter().any(|run| run.id == before.id));
        assert!(all.runs.is_sorted_by_key(|run| (run.updated_at, run.id)));
    }
}
