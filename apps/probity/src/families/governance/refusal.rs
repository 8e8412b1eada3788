//! What the judgement refuses, with the status that the reference gives it.

use actix_web::http::StatusCode;
use probity_governance::GovernanceError;

use super::Governance;
use crate::http::failure::{Failure, Problem};

/// Unsupported types and reviews of nothing are 400; malformed input is 422 like everywhere here.
pub(super) fn told(error: GovernanceError) -> Failure<Governance> {
    let bad_request = matches!(
        error,
        GovernanceError::UnsupportedType | GovernanceError::NoActiveDrift { .. }
    );
    let mut problem = Problem::from(error);
    if bad_request {
        problem = problem.with_status(StatusCode::BAD_REQUEST);
    }
    problem.into()
}
