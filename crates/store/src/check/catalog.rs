//! The lists of products against the products themselves.

use super::sql::Dialect;

/// What lists filter by, as the product says it.
const FACETS: [(&str, &str); 7] = [
    ("space_id", "p.space_id"),
    ("product_type", "p.product_type"),
    ("model_family", "COALESCE(m.model_family, '')"),
    ("model_task_type", "COALESCE(m.model_task_type, '')"),
    ("deployment_status", "m.deployment_status"),
    ("risk_classification", "COALESCE(p.risk_classification, '')"),
    ("archived", "(p.archived_at IS NOT NULL)"),
];

/// Every product is listed once, as what it is.
pub(super) fn listing(dialect: Dialect) -> Vec<String> {
    let differs: Vec<String> = FACETS
        .iter()
        .map(|(column, says)| format!("l.{column} <> {says}"))
        .collect();
    vec![format!(
        "SELECT {} AS subject, CASE WHEN l.position IS NULL THEN 'is not listed' \
         WHEN t.position IS NULL THEN 'has no text to search' \
         ELSE 'is listed as something else' END AS detail FROM products p \
         JOIN product_models m ON m.product_id = p.id \
         LEFT JOIN product_listing l ON l.organization_id = p.organization_id AND l.product_id = p.id \
         LEFT JOIN product_search t ON t.position = l.position \
         WHERE l.position IS NULL OR t.position IS NULL OR {}",
        dialect.uuid("p.id"),
        differs.join(" OR ")
    )]
}

/// The totals are counts of the listing.
pub(super) fn totals(dialect: Dialect) -> Vec<String> {
    let columns: Vec<&str> = FACETS.iter().map(|(column, _)| *column).collect();
    let same: Vec<String> = columns
        .iter()
        .map(|column| format!("c.{column} = t.{column}"))
        .collect();
    let (columns, same) = (columns.join(", "), same.join(" AND "));
    let counted = format!(
        "(SELECT organization_id, {columns}, COUNT(*) AS counted FROM product_listing \
         GROUP BY organization_id, {columns})"
    );
    let matched = format!("c.organization_id = t.organization_id AND {same}");
    vec![
        format!(
            "SELECT {} AS subject, 'counted ' || CAST(c.counted AS TEXT) || ', kept ' || \
             CAST(COALESCE(t.products, 0) AS TEXT) AS detail FROM {counted} c \
             LEFT JOIN product_totals t ON {matched} WHERE COALESCE(t.products, 0) <> c.counted",
            dialect.uuid("c.space_id")
        ),
        format!(
            "SELECT {} AS subject, 'counted 0, kept ' || CAST(t.products AS TEXT) AS detail \
             FROM product_totals t LEFT JOIN {counted} c ON {matched} \
             WHERE t.products <> 0 AND c.counted IS NULL",
            dialect.uuid("t.space_id")
        ),
    ]
}
