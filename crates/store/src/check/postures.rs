//! Postures are the judgements that they say they are.

use diesel::prelude::*;
use probity_governance::{Posture, assess};
use probity_kernel::{OrganizationId, ProductId, RepositoryError};
use uuid::Uuid;

use super::PAGE;
use super::findings::Findings;
use crate::connection::AnyConnection;
use crate::error::{StoreError, StoreResult};
use crate::governance::evidence;
use crate::governance::postures::{PostureRow, UNJUDGED};
use crate::governance::settings;
use crate::schema::{product_postures as postures, products};
use crate::types::Id;

const CHECK: &str = "governance.postures";

type Pair = (Id, Id, Option<PostureRow>);

/// Judges every product by what is known now at the instant of its posture. A posture that stands by
/// other settings is due and says so; it is passed over.
pub(super) fn check(conn: &mut AnyConnection, findings: &mut Findings) -> StoreResult<()> {
    let mut after = Id(Uuid::nil());
    let mut examined = 0;
    loop {
        let page = page(conn, after)?;
        let Some((last, _, _)) = page.last() else {
            break;
        };
        after = *last;
        for (product, organization, row) in page {
            let organization = OrganizationId::new(organization.0);
            examined += u64::from(row.is_some());
            let fault = fault(conn, organization, ProductId::new(product.0), row)?;
            if let Some(fault) = fault {
                findings.violated(CHECK, product.0.to_string(), fault);
            }
        }
    }
    findings.examined(CHECK, examined);
    Ok(())
}

fn page(conn: &mut AnyConnection, after: Id) -> StoreResult<Vec<Pair>> {
    Ok(products::table
        .left_join(
            postures::table.on(postures::organization_id
                .eq(products::organization_id)
                .and(postures::product_id.eq(products::id))),
        )
        .filter(products::id.gt(after))
        .order(products::id)
        .limit(PAGE)
        .select((
            products::id,
            products::organization_id,
            Option::<PostureRow>::as_select(),
        ))
        .load(conn)?)
}

fn fault(
    conn: &mut AnyConnection,
    organization: OrganizationId,
    product: ProductId,
    row: Option<PostureRow>,
) -> StoreResult<Option<String>> {
    let known = evidence::read(conn, organization, product)?;
    let judged = known.filter(|known| !known.archived);
    let evidence = judged.and_then(|known| known.evidence);
    let (row, evidence) = match (row, evidence) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Ok(Some("has no posture".to_owned())),
        (Some(_), None) => return Ok(Some("has a posture and is not judged".to_owned())),
        (Some(row), Some(evidence)) => (row, evidence),
    };
    let Ok(stored) = Posture::try_from(row) else {
        // What the domain does not read is told by `values.product_postures`.
        return Ok(None);
    };
    let configuration = match settings::in_force(conn, organization) {
        Ok(configuration) => configuration,
        // What the domain does not read is told by `values.governance_settings`.
        Err(StoreError(RepositoryError::Corrupt { .. })) => return Ok(None),
        Err(error) => return Err(error),
    };
    if stored.score_version == UNJUDGED || stored.settings_version != configuration.version {
        return Ok(None);
    }
    let at = stored.evaluated_at;
    let found = assess(&evidence, &configuration.settings, at);
    let found = Posture::of(&found, configuration.version, at);
    // Snapshots that arrive while monitoring goes on put the next change off without a write.
    let too_late = match (stored.next_change_at, found.next_change_at) {
        (Some(kept), Some(real)) => kept > real,
        (None, Some(_)) => true,
        (_, None) => false,
    };
    if too_late {
        return Ok(Some(
            "is kept with a next change that is too late".to_owned(),
        ));
    }
    Ok(difference(&stored, &found))
}

/// In what a kept judgement differs from the one that was made anew, but for its next change.
fn difference(kept: &Posture, judged: &Posture) -> Option<String> {
    if kept.score != judged.score {
        let (kept, judged) = (kept.score, judged.score);
        return Some(format!("is kept with the score {kept} and judged {judged}"));
    }
    let same = Posture {
        next_change_at: kept.next_change_at,
        ..judged.clone()
    } == *kept;
    if same {
        return None;
    }
    let stands = |posture: &Posture| {
        format!(
            "{} and {}, items {:08b}, drifts {:06b}",
            posture.lifecycle_gate.as_str(),
            posture.review_status.as_str(),
            posture.complete,
            posture.drift,
        )
    };
    let (kept, judged) = (stands(kept), stands(judged));
    Some(format!("is kept as {kept} and judged as {judged}"))
}
