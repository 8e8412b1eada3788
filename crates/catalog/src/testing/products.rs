//! Products: written, found, listed, counted, limited.

use probity_kernel::{Change, Cursor, PageRequest, Paging, Patch, ProductId, RepositoryError};
use serde_json::json;
use time::macros::datetime;

use super::{Run, claimed, context, create_product, id, must};
use crate::dossier::DossierInput;
use crate::filter::ProductFilter;
use crate::new_product::{NewProduct, ProductInput};
use crate::patch::ProductPatch;
use crate::product::Product;
use crate::repository::{CatalogChange, CatalogRepository, CatalogWrite};
use crate::space::Space;
use crate::taxonomy::{DeploymentStatus, ModelFamily, ProductType, RiskClassification, TaskType};

/// An input with something in every field.
fn full_input() -> ProductInput {
    let text = |text: &str| Some(text.to_owned());
    ProductInput {
        name: text("Schätzung 模型"),
        slug: text("everything"),
        description: text("Short"),
        long_description: text("Line one\n\tline two"),
        product_type: text("LLM Agent"),
        provider: text("in-house"),
        environment: text("eu production"),
        risk_classification: text("high"),
        lifecycle_stage: text("monitoring"),
        ai_system_type: text("decision support"),
        business_use_case: text("Retention"),
        is_gpai: Some(false),
        model_family: text("genai"),
        model_task_type: text("anomaly_detection"),
        model_architecture: text("Transformer"),
        framework: text("own"),
        intended_use: text("Prioritise"),
        limitations: text("None known"),
        deployment_status: text("canary"),
        serving_url: text("https://models.example.com/x?y=%20z"),
        input_schema: Some(
            json!({"type": "object", "ä": [1, 2.5, -3, null, true, {"b": "\u{1}"}]}),
        ),
        output_schema: Some(json!({})),
        vendor_name: text("Vendor"),
        vendor_product_name: text("Product"),
        vendor_model_id: text("v/1"),
        deployment_environment: text("eu-west"),
        dossier: DossierInput {
            model_card: Patch::Value(serde_json::json!({"license": "apache-2.0", "tags": ["a"]})),
            owner: Patch::Value("risk@example.com".to_owned()),
            monitoring_plan: Patch::Value("Nightly drift,\nweekly fairness".to_owned()),
            no_data_dependencies: Patch::Value(true),
            next_review_due_at: Patch::Value(datetime!(2027-01-01 00:00:00.123456 UTC)),
            technical_documentation: Patch::Value(
                [(
                    "change_log".to_owned(),
                    Some("## Erste Fassung\n模型".to_owned()),
                )]
                .into(),
            ),
        },
    }
}

/// The change of a product that is there.
fn patched(minute: i64, product: &Product, patch: ProductPatch) -> CatalogChange {
    let ctx = context(product.organization, minute);
    let change = must(product.update(&ctx, patch), "deciding");
    change.unwrap_or_else(|| panic!("the patch changes nothing"))
}

impl<R: CatalogRepository> Run<'_, R> {
    pub(super) async fn products_come_back_as_they_were_written(&self) {
        let space = self.space(self.organization, 20, "written").await;
        let plain = self.product(&space, 2, 21).await;
        let found = self.find(self.organization, 21).await;
        assert_eq!(found, Some(plain), "a product with its name only");

        let ctx = context(self.organization, 3);
        let new = must(NewProduct::parse(full_input()), "parsing");
        let Some(slug) = new.slug.clone() else {
            panic!("the input has a slug");
        };
        let change = Product::create(&ctx, ProductId::new(id(22)), &space, slug, new);
        let outcome = self.commit(change, "a full product").await;
        let CatalogWrite::CreateProduct { product, .. } = outcome else {
            panic!("creating a product answered something else");
        };
        let found = self.find(self.organization, 22).await;
        assert_eq!(found, Some(*product), "a product with every field");
    }

    pub(super) async fn products_are_found_in_their_organization_only(&self) {
        let ours = self.space(self.organization, 30, "ours").await;
        let theirs = self.space(self.other, 31, "theirs").await;
        self.product(&ours, 4, 32).await;
        self.product(&theirs, 4, 33).await;
        assert_eq!(self.find(self.other, 32).await, None, "seen from outside");
        assert_eq!(
            self.find(self.organization, 33).await,
            None,
            "seen from outside"
        );
        let count = self.repo.count_products(self.other, ours.id).await;
        assert_eq!(must(count, "counting"), 0, "counted from outside");
        let filter = ProductFilter::of_space(ours.id);
        let page = PageRequest::first(9);
        let listed = self.repo.list_products(self.other, &filter, &page).await;
        assert_eq!(must(listed, "listing").total, 0, "listed from outside");

        let misplaced = create_product(&context(self.organization, 4), &theirs, 34, "misplaced");
        self.refused(misplaced, "a product in a space of another organisation")
            .await;
        assert_eq!(
            self.find(self.organization, 34).await,
            None,
            "written all the same"
        );

        // A slug is taken in its own space only.
        let south = self.space(self.organization, 35, "slugs").await;
        let ctx = context(self.organization, 4);
        self.commit(
            create_product(&ctx, &south, 36, "product-32"),
            "another space",
        )
        .await;
        let twin = create_product(&ctx, &south, 37, "product-32");
        let error = self.refused(twin, "a taken slug").await;
        assert!(
            matches!(error, RepositoryError::Conflict("slug")),
            "{error:?}"
        );
    }

    async fn page(
        &self,
        space: &Space,
        limit: u32,
        paging: Paging,
    ) -> (Vec<ProductId>, u64, Option<Cursor>) {
        let filter = ProductFilter::of_space(space.id);
        let request = PageRequest { limit, paging };
        let page = self
            .repo
            .list_products(space.organization, &filter, &request);
        let page = must(page.await, "listing");
        let ids = page.items.iter().map(|product| product.id).collect();
        (ids, page.total, page.next)
    }

    pub(super) async fn lists_are_newest_first_and_paged(&self) {
        let space = self.space(self.organization, 40, "listed").await;
        // 42 and 43 are of one instant: the id decides.
        for (minute, seed) in [(5, 41), (6, 42), (6, 43), (7, 44)] {
            self.product(&space, minute, seed).await;
        }
        let wanted = [44, 43, 42, 41].map(|seed| ProductId::new(id(seed)));
        let (ids, total, next) = self.page(&space, 10, Paging::Offset(0)).await;
        assert_eq!(
            (ids.as_slice(), total, next),
            (&wanted[..], 4, None),
            "one page"
        );
        let (ids, _, next) = self.page(&space, 2, Paging::Offset(0)).await;
        assert_eq!(ids, wanted[..2], "the first page");
        let Some(cursor) = next else {
            panic!("no cursor after the first page");
        };
        // What is inserted in front does not shift what comes after the cursor.
        self.product(&space, 8, 45).await;
        let (ids, total, next) = self.page(&space, 2, Paging::After(cursor)).await;
        assert_eq!(
            (ids.as_slice(), total, next),
            (&wanted[2..], 5, None),
            "after the cursor"
        );
        let (ids, _, next) = self.page(&space, 2, Paging::Offset(2)).await;
        assert_eq!(ids, wanted[1..3], "by offset");
        assert!(next.is_some(), "no cursor by offset");
        let (ids, total, next) = self.page(&space, 5, Paging::Offset(9)).await;
        assert_eq!((ids.len(), total, next), (0, 5, None), "beyond the end");

        let (filter, page) = (ProductFilter::default(), PageRequest::first(100));
        let all = self
            .repo
            .list_products(self.organization, &filter, &page)
            .await;
        let all = must(all, "listing");
        assert!(
            all.total > 5,
            "without a space, products of all spaces are listed"
        );
        assert!(
            all.items
                .iter()
                .all(|product| product.organization == self.organization)
        );
    }

    pub(super) async fn archived_products_are_found_but_not_listed_or_counted(&self) {
        let space = self.space(self.organization, 50, "archive").await;
        let live = self.product(&space, 9, 51).await;
        let ctx = context(self.organization, 10);
        let (_, write, event) = create_product(&ctx, &space, 52, "archived").into_parts();
        let CatalogWrite::CreateProduct { product, capacity } = write else {
            panic!("creating a product writes something else");
        };
        let product = Box::new(Product {
            archived_at: Some(ctx.now),
            ..*product
        });
        let archived = CatalogWrite::CreateProduct { product, capacity };
        self.commit(Change::new(&ctx, archived, event), "an archived product")
            .await;
        let (ids, total, _) = self.page(&space, 10, Paging::Offset(0)).await;
        assert_eq!((ids, total), (vec![live.id], 1), "listed");
        let count = self.repo.count_products(self.organization, space.id).await;
        assert_eq!(must(count, "counting"), 1, "counted");
        let found = self.find(self.organization, 52).await;
        assert!(
            found.is_some_and(|product| product.archived_at.is_some()),
            "not found"
        );
        // An archived product still holds its slug.
        let error = self
            .refused(create_product(&ctx, &space, 53, "archived"), "its slug")
            .await;
        assert!(
            matches!(error, RepositoryError::Conflict("slug")),
            "{error:?}"
        );
    }

    pub(super) async fn a_change_replaces_what_it_was_decided_on(&self) {
        let space = self.space(self.organization, 80, "changed").await;
        let first = self.product(&space, 13, 81).await;
        self.product(&space, 13, 82).await;
        let slug = |slug: &str| ProductPatch {
            slug: Patch::Value(slug.to_owned()),
            ..ProductPatch::default()
        };
        let patch = ProductPatch {
            risk_classification: Patch::Value("high".to_owned()),
            dossier: full_input().dossier,
            ..slug("renamed")
        };
        let outcome = self.commit(patched(14, &first, patch), "a change").await;
        let CatalogWrite::UpdateProduct { product, .. } = outcome else {
            panic!("changing a product answered something else");
        };
        assert_eq!(product.version, first.version.next());
        let found = self.find(self.organization, 81).await;
        assert_eq!(found.as_ref(), Some(&*product), "the change is there");

        let late = self.refused(patched(15, &first, slug("late")), "a change of what was");
        assert!(matches!(late.await, RepositoryError::Stale));
        let twin = self.refused(patched(15, &product, slug("product-82")), "a taken slug");
        assert!(matches!(twin.await, RepositoryError::Conflict("slug")));
        assert_eq!(self.find(self.organization, 81).await, found, "untouched");

        let ctx = context(self.organization, 16);
        let Some(archive) = product.archive(&ctx) else {
            panic!("it is not archived yet");
        };
        self.commit(archive, "archiving").await;
        let (ids, total, _) = self.page(&space, 10, Paging::Offset(0)).await;
        assert_eq!((ids, total), (vec![ProductId::new(id(82))], 1), "listed");
        let all = ProductFilter {
            include_archived: true,
            ..ProductFilter::of_space(space.id)
        };
        self.lists(&all, &[82, 81], "with what is archived").await;
    }

    async fn lists(&self, filter: &ProductFilter, seeds: &[u8], what: &str) {
        let page = PageRequest::first(100);
        let listed = self.repo.list_products(self.organization, filter, &page);
        let listed = must(listed.await, what);
        let ids: Vec<ProductId> = listed.items.iter().map(|product| product.id).collect();
        let wanted: Vec<ProductId> = seeds.iter().map(|seed| ProductId::new(id(*seed))).collect();
        assert_eq!(ids, wanted, "{what}");
        assert_eq!(
            usize::try_from(listed.total),
            Ok(wanted.len()),
            "{what}: total"
        );
    }

    pub(super) async fn filters_and_searches_narrow_a_list(&self) {
        let space = self.space(self.organization, 90, "filtered").await;
        let ctx = context(self.organization, 17);
        for (seed, input) in [
            (
                91,
                ProductInput {
                    name: Some("Plain one".to_owned()),
                    ..ProductInput::default()
                },
            ),
            (92, full_input()),
            (
                93,
                ProductInput {
                    name: Some("50%_\"x\" AND NEAR".to_owned()),
                    ..ProductInput::default()
                },
            ),
        ] {
            let new = must(NewProduct::parse(input), "parsing");
            let slug = new.slug.clone();
            let slug = slug.unwrap_or_else(|| crate::slug::ProductSlug::from_name(&new.name));
            let change = Product::create(&ctx, ProductId::new(id(seed)), &space, slug, new);
            self.commit(change, "a product to list").await;
        }
        let base = ProductFilter::of_space(space.id);
        self.searches_narrow(&base).await;
        self.filters_narrow(&base).await;
    }

    async fn searches_narrow(&self, base: &ProductFilter) {
        let search = |text: &str| ProductFilter {
            search: Some(text.to_owned()),
            ..base.clone()
        };
        for (text, seeds) in [
            ("", &[93_u8, 92, 91][..]),
            ("plain", &[91]),
            ("LAI one", &[91]),
            ("schätzung", &[92]),
            ("SCHÄTZUNG", &[92]),
            ("模型", &[92]),
            ("transformer", &[92]),
            ("o", &[92, 91]),
            ("%_", &[93]),
            ("\"x\"", &[93]),
            ("near", &[93]),
            ("plain schätzung", &[]),
            ("nothing of the kind", &[]),
        ] {
            self.lists(&search(text), seeds, text).await;
        }
    }

    async fn filters_narrow(&self, base: &ProductFilter) {
        type Change = fn(&mut ProductFilter);
        let rows: [(&str, &[u8], Change); 8] = [
            ("types", &[92], |one| {
                one.types = vec![ProductType::LlmAgent, ProductType::AiApp];
            }),
            ("a type", &[93, 91], |one| {
                one.types = vec![ProductType::MlModel];
            }),
            ("family", &[92], |one| {
                one.model_family = Some(ModelFamily::GenAi);
            }),
            ("task", &[92], |one| {
                one.model_task_type = Some(TaskType::AnomalyDetection);
            }),
            ("status", &[93, 91], |one| {
                one.deployment_status = Some(DeploymentStatus::Development);
            }),
            ("risk", &[92], |one| {
                one.risk_classification = Some(RiskClassification::High);
            }),
            ("three and a search", &[92], |one| {
                one.risk_classification = Some(RiskClassification::High);
                one.types = vec![ProductType::LlmAgent];
                one.search = Some("own".to_owned());
            }),
            ("no space", &[], |one| {
                one.spaces = Some(Vec::new());
            }),
        ];
        for (what, seeds, change) in rows {
            let mut filter = base.clone();
            change(&mut filter);
            self.lists(&filter, seeds, what).await;
        }
    }

    /// A space that holds one product and has room for no other.
    async fn full(&self, seed: u8, slug: &str) -> Space {
        let space = Space {
            product_capacity: Some(1),
            ..self.space(self.organization, seed, slug).await
        };
        self.product(&space, 11, seed + 1).await;
        space
    }

    pub(super) async fn capacity_holds_in_the_store(&self) {
        let space = self.full(60, "full").await;
        let ctx = context(self.organization, 12);
        // Both the capacity and the slug are against this one: the capacity is told.
        let twin = create_product(&ctx, &space, 62, "product-61");
        let error = self.refused(twin, "one too many").await;
        assert!(
            matches!(error, RepositoryError::Conflict("capacity")),
            "{error:?}"
        );
        assert_eq!(
            self.find(self.organization, 62).await,
            None,
            "written all the same"
        );
        let roomy = Space {
            product_capacity: Some(2),
            ..space
        };
        self.commit(
            create_product(&ctx, &roomy, 62, "fits"),
            "the last that fits",
        )
        .await;
        let count = self.repo.count_products(self.organization, roomy.id).await;
        assert_eq!(must(count, "counting"), 2, "counted");
    }

    pub(super) async fn a_claim_is_looked_at_before_capacity_and_slug(&self) {
        let space = Space {
            product_capacity: Some(1),
            ..self.space(self.organization, 70, "claimed").await
        };
        let ctx = claimed(context(self.organization, 13), "fill", 1);
        let first = self
            .commit(create_product(&ctx, &space, 71, "fills"), "the first try")
            .await;
        let second = self
            .commit(create_product(&ctx, &space, 72, "fills"), "the second try")
            .await;
        assert_eq!(first, second, "the repetition answered something else");
        assert_eq!(
            self.find(self.organization, 72).await,
            None,
            "the repetition wrote"
        );
    }
}
