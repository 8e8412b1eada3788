//! The tables as Diesel sees them, kept by hand: a test selects every column on both databases.
#![cfg_attr(
    not(test),
    expect(
        clippy::wildcard_imports,
        reason = "the macro names column types, which these bring into its scope"
    )
)]

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    organizations (id) {
        id -> AnyUuid,
        no -> BigInt,
        slug -> Text,
        name -> Text,
        created_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    users (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        issuer -> Text,
        subject -> Text,
        email -> Nullable<Text>,
        role -> Text,
        disabled -> Bool,
        created_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    api_keys (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        name -> Text,
        scopes -> Text,
        spaces -> Nullable<Text>,
        prefix -> Text,
        last_four -> Text,
        hash -> Binary,
        created_at -> AnyTimestamp,
        created_by -> Nullable<Text>,
        expires_at -> Nullable<AnyTimestamp>,
        revoked_at -> Nullable<AnyTimestamp>,
        last_used_at -> Nullable<AnyTimestamp>,
        replaced_by -> Nullable<AnyUuid>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    spaces (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        slug -> Text,
        name -> Text,
        product_capacity -> Nullable<BigInt>,
        created_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    products (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        space_id -> AnyUuid,
        slug -> Text,
        name -> Text,
        description -> Nullable<Text>,
        long_description -> Nullable<Text>,
        product_type -> Text,
        provider -> Nullable<Text>,
        environment -> Text,
        risk_classification -> Nullable<Text>,
        lifecycle_stage -> Nullable<Text>,
        ai_system_type -> Nullable<Text>,
        business_use_case -> Nullable<Text>,
        is_gpai -> Nullable<Bool>,
        created_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
        archived_at -> Nullable<AnyTimestamp>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    product_models (product_id) {
        product_id -> AnyUuid,
        organization_id -> AnyUuid,
        model_family -> Nullable<Text>,
        model_task_type -> Nullable<Text>,
        model_architecture -> Nullable<Text>,
        framework -> Nullable<Text>,
        intended_use -> Nullable<Text>,
        limitations -> Nullable<Text>,
        deployment_status -> Text,
        serving_url -> Nullable<Text>,
        input_schema -> Nullable<Text>,
        output_schema -> Nullable<Text>,
        vendor_name -> Nullable<Text>,
        vendor_product_name -> Nullable<Text>,
        vendor_model_id -> Nullable<Text>,
        deployment_environment -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    registered_models (position) {
        position -> BigInt,
        organization_id -> AnyUuid,
        id -> AnyUuid,
        model_id -> Text,
        provider -> Text,
        provider_folded -> Text,
        display_name -> Text,
        risk_tier -> Text,
        validation_status -> Text,
        owner -> Nullable<Text>,
        description -> Nullable<Text>,
        tags -> Text,
        exposure -> Nullable<Text>,
        purpose -> Nullable<Text>,
        technique -> Text,
        last_seen_at -> Nullable<AnyTimestamp>,
        validated_at -> Nullable<AnyTimestamp>,
        validation_expires_at -> Nullable<AnyTimestamp>,
        revalidation_due -> Bool,
        search_text -> Text,
        created_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    registry_heads (organization_id) {
        organization_id -> AnyUuid,
        next_position -> BigInt,
        last_created_at -> Nullable<AnyTimestamp>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    registry_totals (organization_id, risk_tier, validation_status) {
        organization_id -> AnyUuid,
        risk_tier -> Text,
        validation_status -> Text,
        models -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    registry_settings (organization_id) {
        organization_id -> AnyUuid,
        profile -> Text,
        separation_of_duties -> Bool,
        settings -> Text,
        updated_at -> AnyTimestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    model_usage_daily (organization_id, day, model_id, provider) {
        organization_id -> AnyUuid,
        day -> BigInt,
        model_id -> Text,
        provider -> Text,
        requests -> BigInt,
        first_seen_at -> AnyTimestamp,
        last_seen_at -> AnyTimestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    risk_metric_links (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        drift_amber -> Nullable<Double>,
        drift_red -> Nullable<Double>,
        fairness_amber -> Nullable<Double>,
        fairness_red -> Nullable<Double>,
        psi_amber -> Nullable<Double>,
        psi_red -> Nullable<Double>,
        disparate_impact_amber -> Nullable<Double>,
        disparate_impact_red -> Nullable<Double>,
        created_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    metric_snapshots (organization_id, product_id, captured_at, id) {
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        captured_at -> AnyTimestamp,
        id -> AnyUuid,
        drift_score -> Double,
        fairness_score -> Double,
        psi -> Nullable<Double>,
        disparate_impact -> Nullable<Double>,
        sample_size -> BigInt,
        status -> Text,
        threshold_source -> Text,
        received_at -> AnyTimestamp,
        notes -> Nullable<Text>,
        recipe -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    product_standings (organization_id, product_id) {
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        latest_captured_at -> AnyTimestamp,
        latest_status -> Text,
        snapshots -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    alerts (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        metric -> Text,
        severity -> Text,
        state -> Text,
        value -> Double,
        threshold -> Double,
        snapshot_id -> AnyUuid,
        opened_at -> AnyTimestamp,
        escalated_at -> Nullable<AnyTimestamp>,
        acknowledged_at -> Nullable<AnyTimestamp>,
        acknowledged_by -> Nullable<Text>,
        resolved_at -> Nullable<AnyTimestamp>,
        resolution -> Nullable<Text>,
        note -> Nullable<Text>,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    idempotency_records (organization_id, scope, key) {
        organization_id -> AnyUuid,
        scope -> Text,
        key -> Text,
        fingerprint -> Binary,
        outcome -> Text,
        created_at -> AnyTimestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    audit_heads (organization_id) {
        organization_id -> AnyUuid,
        no -> BigInt,
        epoch -> BigInt,
        size -> BigInt,
        frontier -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    audit_entries (position) {
        position -> BigInt,
        organization_id -> AnyUuid,
        leaf_hash -> Binary,
        leaf -> Nullable<Binary>,
        actor_salt -> Nullable<Binary>,
        actor -> Nullable<Binary>,
        detail_salt -> Nullable<Binary>,
        detail -> Nullable<Binary>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    audit_nodes (organization_id, level, node_index) {
        organization_id -> AnyUuid,
        level -> Integer,
        node_index -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    audit_checkpoints (organization_id, size) {
        organization_id -> AnyUuid,
        size -> BigInt,
        note -> Text,
        signed_at -> AnyTimestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    governance_events (organization_id, audit_index, ordinal) {
        organization_id -> AnyUuid,
        audit_index -> BigInt,
        ordinal -> Integer,
        id -> AnyUuid,
        event_type -> Text,
        source_table -> Text,
        source_id -> AnyUuid,
        trigger_reason -> Text,
        payload -> Text,
        score_before -> Nullable<Double>,
        score_after -> Nullable<Double>,
        created_at -> AnyTimestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    products,
    product_models,
    risk_metric_links,
    product_standings,
);
