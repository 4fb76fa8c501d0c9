//! Every answer that is not data, in the error envelope of the Store API.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::shop::{ErrorBody, ErrorEnvelope, FieldIssue};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The query string is not one.
    BadRequest,
    Unauthorized,
    /// What was not found.
    NotFound(&'static str),
    MethodNotAllowed,
    Invalid(Vec<FieldIssue>),
    RateLimited {
        retry_after_s: Option<u32>,
    },
    Internal,
    Unavailable {
        retry_after_s: Option<u32>,
    },
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Refusal::BadRequest => StatusCode::BAD_REQUEST,
            Refusal::Unauthorized => StatusCode::UNAUTHORIZED,
            Refusal::NotFound(_) => StatusCode::NOT_FOUND,
            Refusal::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Refusal::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Refusal::BadRequest => "bad_request",
            Refusal::Unauthorized => "unauthorized",
            Refusal::NotFound(_) => "not_found",
            Refusal::MethodNotAllowed => "method_not_allowed",
            Refusal::Invalid(_) => "validation_error",
            Refusal::RateLimited { .. } => "rate_limited",
            Refusal::Internal => "internal",
            Refusal::Unavailable { .. } => "unavailable",
        }
    }

    fn message(&self) -> &'static str {
        match self {
            Refusal::BadRequest => "the query string cannot be read",
            Refusal::Unauthorized => "a valid key is required as a bearer token",
            Refusal::NotFound(what) => what,
            Refusal::MethodNotAllowed => "only GET is served here",
            Refusal::Invalid(_) => "some parameters are not acceptable; see details",
            Refusal::RateLimited { .. } => "too many requests",
            Refusal::Internal => "the store failed",
            Refusal::Unavailable { .. } => "the store is not available now",
        }
    }

    /// The whole answer, naming the request it belongs to.
    pub(super) fn render(self, request_id: &str) -> Response {
        let status = self.status();
        let (code, message) = (self.code().to_owned(), self.message().to_owned());
        let request_id = Some(request_id.to_owned());
        let retry_after = match self {
            Refusal::RateLimited { retry_after_s } | Refusal::Unavailable { retry_after_s } => retry_after_s,
            _ => None,
        };
        let challenge = self == Refusal::Unauthorized;
        let details = if let Refusal::Invalid(issues) = self { issues } else { Vec::new() };
        let body = ErrorEnvelope { error: ErrorBody { code, message, details, request_id } };
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if challenge {
            // RFC 9110 §15.5.2: a 401 must carry a challenge.
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A refusal travels as an extension until the outermost layer, which knows the request's id, renders it.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
