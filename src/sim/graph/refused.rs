//! Refusals of Graph.

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::json;

use super::super::answer::Answer;
use super::super::trouble::{Code, Trouble};
use super::super::{chance, time, web};

/// A refusal of Graph: status, code, message.
#[derive(Debug)]
pub(crate) struct Refused(u16, String, String);

/// A refusal.
pub(crate) fn refused(status: u16, code: &str, message: impl Into<String>) -> Refused {
    Refused(status, code.to_owned(), message.into())
}

/// A request that makes no sense to Graph.
pub(crate) fn bad_request(message: impl Into<String>) -> Refused {
    refused(400, "Request_BadRequest", message)
}

/// The access token is dead.
pub(super) fn expired() -> Refused {
    refused(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
}

impl Refused {
    /// As Graph sends it at that time.
    pub(super) fn answer(&self, headers: &HeaderMap, at: Timestamp) -> Answer {
        let id = chance::fresh_guid().to_string();
        let client = web::text(headers, "client-request-id").unwrap_or_else(|| id.clone());
        let body = json!({"error": {
            "code": self.1,
            "message": self.2,
            "innerError": {"date": time::graph(at), "request-id": id, "client-request-id": client},
        }});
        let answer = Answer::json(self.0, &body).with("request-id", &id);
        if self.0 == 401 {
            return answer.with(
                "www-authenticate",
                "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
                 client_id=\"00000003-0000-0000-c000-000000000000\"",
            );
        }
        answer
    }

    /// What a scenario wants.
    pub(super) fn told(trouble: &Trouble) -> Self {
        let code = match &trouble.code {
            Some(Code::Word(word)) => Some(word.clone()),
            Some(Code::Number(number)) => Some(number.to_string()),
            None => trouble.error.clone(),
        };
        let status = trouble.status.unwrap_or(match code.as_deref() {
            Some("InvalidAuthenticationToken" | "Authorization_IdentityNotFound") => 401,
            Some(code) if code.starts_with("Authorization_") || code.starts_with("Authentication_") => 403,
            Some("Forbidden" | "accessDenied" | "insufficient_claims") => 403,
            Some("Request_ResourceNotFound" | "Directory_ObjectNotFound") => 404,
            Some("TooManyRequests") => 429,
            Some("InternalServerError" | "UnknownError") => 500,
            Some("NotImplemented") => 501,
            Some("serviceNotAvailable" | "Directory_ReplicaUnavailable") => 503,
            Some(_) | None => 400,
        });
        let (usual, message) = match status {
            401 => ("InvalidAuthenticationToken", "Access token has expired or is not yet valid."),
            403 => ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
            404 => ("Request_ResourceNotFound", "Resource does not exist or one of its references is not present."),
            429 => ("TooManyRequests", "Too many requests. Please try again later."),
            500 => ("InternalServerError", "An internal server error occurred."),
            501 => ("NotImplemented", "This operation target is not yet supported."),
            502 | 504 => ("UnknownError", ""),
            503 => ("serviceNotAvailable", "The service is unavailable."),
            _ => ("Request_BadRequest", "The request is not valid."),
        };
        let message = trouble.text.clone().unwrap_or_else(|| message.to_owned());
        Self(status, code.unwrap_or_else(|| usual.to_owned()), message)
    }
}
