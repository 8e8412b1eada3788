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
        visibility -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    space_members (organization_id, space_id, user_id) {
        organization_id -> AnyUuid,
        space_id -> AnyUuid,
        user_id -> AnyUuid,
        role -> Text,
        added_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
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
        subscriptions -> BigInt,
        sparse -> BigInt,
        indexed -> BigInt,
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

    retention_windows (organization_id, target) {
        organization_id -> AnyUuid,
        target -> Text,
        retention_days -> Integer,
        hold_reason -> Nullable<Text>,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    audit_subjects (organization_id, kind, subject_id, audit_index) {
        organization_id -> AnyUuid,
        kind -> Text,
        subject_id -> AnyUuid,
        audit_index -> BigInt,
        product_id -> Nullable<AnyUuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    audit_checkpoints (organization_id, epoch, size) {
        organization_id -> AnyUuid,
        epoch -> BigInt,
        size -> BigInt,
        note -> Text,
        signed_at -> AnyTimestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    audit_blocks (organization_id, block) {
        organization_id -> AnyUuid,
        block -> BigInt,
        words -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    audit_timestamps (organization_id, epoch, size) {
        organization_id -> AnyUuid,
        epoch -> BigInt,
        size -> BigInt,
        token -> Binary,
        stamped_at -> AnyTimestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    audit_explanations (organization_id, audit_index) {
        organization_id -> AnyUuid,
        audit_index -> BigInt,
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
        product_id -> Nullable<AnyUuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    product_governance (product_id) {
        product_id -> AnyUuid,
        organization_id -> AnyUuid,
        owner -> Nullable<Text>,
        monitoring_plan -> Nullable<Text>,
        no_data_dependencies -> Bool,
        technical_documentation -> Nullable<Text>,
        documentation_updated_at -> Nullable<AnyTimestamp>,
        next_review_due_at -> Nullable<AnyTimestamp>,
        model_card -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    product_versions (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        version_number -> Text,
        version_type -> Text,
        release_date -> Nullable<AnyTimestamp>,
        release_notes -> Nullable<Text>,
        is_current -> Bool,
        created_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    data_dependencies (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        name -> Text,
        dependency_type -> Text,
        uri -> Nullable<Text>,
        version_label -> Nullable<Text>,
        description -> Nullable<Text>,
        changed_at -> Nullable<AnyTimestamp>,
        created_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    policy_attachments (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        policy_key -> Text,
        title -> Text,
        reference_url -> Nullable<Text>,
        description -> Nullable<Text>,
        attached_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    risk_mitigations (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        title -> Text,
        description -> Nullable<Text>,
        severity -> Text,
        status -> Text,
        owner -> Nullable<Text>,
        due_at -> Nullable<AnyTimestamp>,
        closed_at -> Nullable<AnyTimestamp>,
        created_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    product_registered_models (organization_id, product_id, registered_model_id) {
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        registered_model_id -> AnyUuid,
        linked_at -> AnyTimestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    training_runs (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        run_name -> Text,
        run_type -> Text,
        status -> Text,
        dataset_name -> Nullable<Text>,
        dataset_version -> Nullable<Text>,
        dataset_uri -> Nullable<Text>,
        training_samples -> Nullable<BigInt>,
        validation_samples -> Nullable<BigInt>,
        test_samples -> Nullable<BigInt>,
        random_seed -> Nullable<BigInt>,
        hyperparameters -> Nullable<Text>,
        metrics -> Nullable<Text>,
        model_artifact_uri -> Nullable<Text>,
        framework_version -> Nullable<Text>,
        environment -> Nullable<Text>,
        duration_seconds -> Nullable<Double>,
        notes -> Nullable<Text>,
        is_deployed -> Bool,
        deployed_at -> Nullable<AnyTimestamp>,
        deployed_by -> Nullable<Text>,
        started_at -> Nullable<AnyTimestamp>,
        completed_at -> Nullable<AnyTimestamp>,
        created_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    safety_metrics (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        category -> Text,
        metric_name -> Text,
        metric_value -> Nullable<Double>,
        unit -> Nullable<Text>,
        threshold_warning -> Nullable<Double>,
        threshold_critical -> Nullable<Double>,
        status -> Text,
        status_source -> Text,
        test_dataset -> Nullable<Text>,
        test_dataset_version -> Nullable<Text>,
        methodology -> Nullable<Text>,
        measured_at -> Nullable<AnyTimestamp>,
        demographic_group -> Nullable<Text>,
        external_url -> Nullable<Text>,
        notes -> Nullable<Text>,
        attested_at -> Nullable<AnyTimestamp>,
        attested_by -> Nullable<Text>,
        created_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    runtime_events (organization_id, product_id, occurred_at, id) {
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        occurred_at -> AnyTimestamp,
        id -> AnyUuid,
        event_type -> Text,
        severity -> Text,
        status -> Text,
        summary -> Text,
        source -> Nullable<Text>,
        external_ref -> Nullable<Text>,
        event_metadata -> Nullable<Text>,
        created_at -> AnyTimestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    runtime_event_totals (organization_id, product_id, event_type) {
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        event_type -> Text,
        events -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    review_requests (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        status -> Text,
        title -> Text,
        description -> Text,
        source -> Text,
        drift_indicator_keys -> Text,
        requested_at -> AnyTimestamp,
        requested_by -> Text,
        decided_at -> Nullable<AnyTimestamp>,
        decided_by -> Nullable<Text>,
        comment -> Nullable<Text>,
        approval_expires_at -> Nullable<AnyTimestamp>,
        next_review_due_at -> Nullable<AnyTimestamp>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    product_postures (organization_id, product_id) {
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        space_id -> AnyUuid,
        score -> BigInt,
        lifecycle_gate -> Text,
        review_status -> Text,
        complete -> BigInt,
        drift -> BigInt,
        worst_severity -> Nullable<Text>,
        score_version -> Text,
        settings_version -> BigInt,
        evaluated_at -> AnyTimestamp,
        next_change_at -> Nullable<AnyTimestamp>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    posture_totals (organization_id, space_id, lifecycle_gate, review_status, score, drift, worst_severity) {
        organization_id -> AnyUuid,
        space_id -> AnyUuid,
        lifecycle_gate -> Text,
        review_status -> Text,
        score -> BigInt,
        drift -> BigInt,
        worst_severity -> Text,
        products -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    governance_settings (organization_id) {
        organization_id -> AnyUuid,
        settings -> Text,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    product_listing (position) {
        position -> BigInt,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        space_id -> AnyUuid,
        product_type -> Text,
        model_family -> Text,
        model_task_type -> Text,
        deployment_status -> Text,
        risk_classification -> Text,
        archived -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    product_search (position) {
        position -> BigInt,
        organization_id -> AnyUuid,
        search_text -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    product_totals (organization_id, space_id, product_type, model_family, model_task_type, deployment_status, risk_classification, archived) {
        organization_id -> AnyUuid,
        space_id -> AnyUuid,
        product_type -> Text,
        model_family -> Text,
        model_task_type -> Text,
        deployment_status -> Text,
        risk_classification -> Text,
        archived -> Bool,
        products -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    artifact_uploads (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        space_id -> AnyUuid,
        file_name -> Text,
        content_type -> Text,
        artifact_kind -> Text,
        version_label -> Nullable<Text>,
        product_version_id -> Nullable<AnyUuid>,
        training_run_id -> Nullable<AnyUuid>,
        is_current -> Bool,
        external_uri -> Nullable<Text>,
        metadata -> Text,
        total_size_bytes -> BigInt,
        chunk_size_bytes -> BigInt,
        layout -> Text,
        expected_sha256 -> Nullable<Binary>,
        status -> Text,
        sealed -> Bool,
        hash_chunks -> BigInt,
        hash_state -> Binary,
        replacements -> BigInt,
        staging -> Nullable<Text>,
        artifact_id -> Nullable<AnyUuid>,
        uploaded_by -> Text,
        created_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
        expires_at -> AnyTimestamp,
        completed_at -> Nullable<AnyTimestamp>,
        cleared -> Bool,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    artifact_chunks (organization_id, upload_id, chunk_index) {
        organization_id -> AnyUuid,
        upload_id -> AnyUuid,
        chunk_index -> BigInt,
        offset_bytes -> BigInt,
        size_bytes -> BigInt,
        location -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    artifacts (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        space_id -> AnyUuid,
        upload_id -> AnyUuid,
        file_name -> Text,
        content_type -> Text,
        artifact_kind -> Text,
        version_label -> Nullable<Text>,
        product_version_id -> Nullable<AnyUuid>,
        training_run_id -> Nullable<AnyUuid>,
        is_current -> Bool,
        external_uri -> Nullable<Text>,
        metadata -> Text,
        size_bytes -> BigInt,
        sha256 -> Binary,
        storage_backend -> Text,
        blob_key -> Text,
        storage_uri -> Text,
        status -> Text,
        uploaded_by -> Text,
        uploaded_at -> AnyTimestamp,
        created_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
        verified_at -> AnyTimestamp,
        cleared -> Bool,
        version -> BigInt,
        signature -> Nullable<Text>,
        signature_proof -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    products,
    product_models,
    product_governance,
    product_versions,
    product_postures,
    spaces,
    risk_metric_links,
    product_standings,
);

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    webhook_endpoints (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        kind -> Text,
        target_url -> Text,
        description -> Nullable<Text>,
        event_types -> Text,
        secret_alias -> Text,
        sign_ed25519 -> Bool,
        settings -> Text,
        credential -> Nullable<Binary>,
        disabled_reason -> Nullable<Text>,
        disabled_at -> Nullable<AnyTimestamp>,
        failing_since -> Nullable<AnyTimestamp>,
        created_at -> AnyTimestamp,
        updated_at -> AnyTimestamp,
        deleted_at -> Nullable<AnyTimestamp>,
        version -> BigInt,
        turn_of -> Nullable<AnyUuid>,
        turn_until -> Nullable<AnyTimestamp>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    tracked_alerts (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        product_id -> AnyUuid,
        source -> Text,
        source_id -> AnyUuid,
        subject -> Text,
        severity -> Text,
        state -> Text,
        opened_at -> AnyTimestamp,
        since -> AnyTimestamp,
        acknowledged_at -> Nullable<AnyTimestamp>,
        acknowledged_by -> Nullable<Text>,
        resolved_at -> Nullable<AnyTimestamp>,
        resolution -> Nullable<Text>,
        note -> Nullable<Text>,
        acknowledge_breached_at -> Nullable<AnyTimestamp>,
        resolve_breached_at -> Nullable<AnyTimestamp>,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    webhook_secrets (id) {
        id -> AnyUuid,
        organization_id -> AnyUuid,
        alias -> Text,
        number -> BigInt,
        sealed -> Binary,
        created_at -> AnyTimestamp,
        expires_at -> Nullable<AnyTimestamp>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    webhook_deliveries (organization_id, endpoint_id, id) {
        organization_id -> AnyUuid,
        endpoint_id -> AnyUuid,
        id -> AnyUuid,
        audit_index -> Nullable<BigInt>,
        ordinal -> Nullable<Integer>,
        event_type -> Text,
        note -> Nullable<Text>,
        state -> Text,
        attempts -> BigInt,
        failures -> BigInt,
        due_at -> Nullable<AnyTimestamp>,
        last_attempt_at -> Nullable<AnyTimestamp>,
        last_status -> Nullable<Integer>,
        last_error -> Nullable<Text>,
        created_at -> AnyTimestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    webhook_attempts (organization_id, endpoint_id, delivery_id, number) {
        organization_id -> AnyUuid,
        endpoint_id -> AnyUuid,
        delivery_id -> AnyUuid,
        number -> BigInt,
        at -> AnyTimestamp,
        took_ms -> BigInt,
        status -> Nullable<Integer>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    webhook_target_states (organization_id, endpoint_id, key) {
        organization_id -> AnyUuid,
        endpoint_id -> AnyUuid,
        key -> Text,
        value -> Text,
        updated_at -> AnyTimestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    alert_settings (organization_id) {
        organization_id -> AnyUuid,
        settings -> Text,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::*;

    alert_preferences (organization_id, recipient) {
        organization_id -> AnyUuid,
        recipient -> Text,
        preferences -> Text,
        updated_at -> AnyTimestamp,
        version -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(tracked_alerts, products);
diesel::allow_tables_to_appear_in_same_query!(space_members, users);
diesel::allow_tables_to_appear_in_same_query!(governance_events, products);
diesel::allow_tables_to_appear_in_same_query!(alerts, products);
diesel::allow_tables_to_appear_in_same_query!(governance_events, webhook_deliveries);
diesel::allow_tables_to_appear_in_same_query!(webhook_endpoints, webhook_deliveries);
diesel::allow_tables_to_appear_in_same_query!(product_registered_models, registered_models);
diesel::allow_tables_to_appear_in_same_query!(product_listing, product_search);
