//! Answers of the control port that are not 200.

use axum::Json;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::shapes::ControlError;
use crate::faults::AddError;
use crate::ledger::LedgerError;

/// An answer that is not 200.
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) error: String,
}

impl Failure {
    pub(super) const fn bad(error: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
        }
    }

    pub(super) const fn not_found(error: String) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            error,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(ControlError { error: self.error })).into_response()
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self {
            status: StatusCode::BAD_GATEWAY,
            error: error.to_string(),
        }
    }
}

impl From<AddError> for Failure {
    fn from(error: AddError) -> Self {
        let status = match error {
            AddError::Invalid(_) => StatusCode::BAD_REQUEST,
            AddError::Taken { .. } | AddError::TooMany { .. } => StatusCode::CONFLICT,
        };
        Self {
            status,
            error: error.to_string(),
        }
    }
}

macro_rules! from_rejection {
    ($($rejection:ty),*) => {
        $(impl From<$rejection> for Failure {
            fn from(rejection: $rejection) -> Self {
                Self { status: rejection.status(), error: rejection.body_text() }
            }
        })*
    };
}
from_rejection!(QueryRejection, PathRejection, BytesRejection);
