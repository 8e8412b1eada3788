//! Values that the domain does not read.

use super::*;

damages! {
    a_slug: |_, _| "UPDATE organizations SET slug = 'Not A Slug' WHERE slug = 'north'".to_owned()
        => "values.organizations", "organizations.slug";
    a_spaces_slug: |raw, two| two.set(raw, "spaces", "slug = 'Not A Slug'", "1 = 1")
        => "values.spaces", "spaces.slug";
    the_scopes_of_a_key: |raw, two| two.set(raw, "api_keys", "scopes = 'everything'", "1 = 1")
        => "values.api_keys", "api_keys.scopes";
    the_slug_of_a_product: |raw, two| two.set(raw, "products", "slug = 'Not A Slug'", "1 = 1")
        => "values.products", "products.slug";
    the_metadata_of_a_product: |raw, two| format!("DELETE FROM product_models WHERE {}", two.mine(raw))
        => "values.products", "has no model metadata";
    the_tags_of_a_model: |raw, two| two.set(raw, "registered_models", "tags = '[]'", "1 = 1")
        => "values.registered_models", "registered_models.tags";
    the_search_text_of_a_model: |raw, two| two.set(raw, "registered_models", "search_text = 'other'", "1 = 1")
        => "values.registered_models", "not stored as it would be written";
    the_settings_of_the_registry: |raw, two| two.set(raw, "registry_settings", "settings = '{}'", "1 = 1")
        => "values.registry_settings", "registry_settings.settings";
    the_limits_of_a_link: |raw, two| two.set(raw, "risk_metric_links", "drift_red = 1.0", "1 = 1")
        => "values.risk_metric_links", "risk_metric_links.thresholds";
    the_recipe_of_a_snapshot: |raw, two| two.set(raw, "metric_snapshots", "recipe = 'not JSON'", "1 = 1")
        => "values.metric_snapshots", "metric_snapshots.recipe";
    the_results_of_a_run: |raw, two| two.set(raw, "training_runs", "metrics = '[]'", "1 = 1")
        => "values.training_runs", "training_runs.metrics";
    the_metadata_of_a_runtime_event: |raw, two| two.set(raw, "runtime_events", "event_metadata = 'x'", "1 = 1")
        => "values.runtime_events", "runtime_events.event_metadata";
    the_role_of_a_member: |raw, two| {
        let set = two.set(raw, "space_members", "role = 'owner'", "1 = 1");
        match raw {
            Raw::Sqlite(_) => set,
            Raw::Postgres(_) => format!("ALTER TABLE space_members DROP CONSTRAINT space_members_role_check; {set}"),
        }
    }
        => "values.space_members", "space_members.role";
}
