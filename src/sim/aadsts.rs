//! Refusals of the sign-in service: their numbers, and the shape in which they are sent.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::time;
use super::trouble::{Code, Trouble};

/// How a number comes: `error`, status, `suberror`, text.
struct Known(u32, &'static str, u16, &'static str, &'static str);

const GRANT: &str = "invalid_grant";
const CLIENT: &str = "invalid_client";
const REQUEST: &str = "invalid_request";
const APP: &str = "unauthorized_client";
const RESOURCE: &str = "invalid_resource";
const SCOPE: &str = "invalid_scope";
const BUSY: &str = "temporarily_unavailable";

const KNOWN: &[Known] = &[
    Known(53003, GRANT, 400, "message_only", "Access has been blocked by Conditional Access policies."),
    Known(53000, GRANT, 400, "additional_action", "Device is not in required device state: compliant."),
    Known(53001, GRANT, 400, "additional_action", "Device is not in required device state: domain_joined."),
    Known(53002, GRANT, 400, "message_only", "The app used is not an approved app for Conditional Access."),
    Known(53004, GRANT, 400, "message_only", "Multi-factor registration is blocked because of suspicious activity."),
    Known(53005, APP, 400, "protection_policy_required", "The app must be protected by an Intune policy."),
    Known(53009, APP, 400, "protection_policy_required", "The app must be protected by an Intune policy."),
    Known(53010, GRANT, 400, "message_only", "Security info may be registered from certain places and devices only."),
    Known(53011, GRANT, 400, "", "User blocked due to risk on home tenant."),
    Known(530_002, GRANT, 400, "additional_action", "The device must be compliant to access this resource."),
    Known(530_003, GRANT, 400, "additional_action", "The device must be managed to access this resource."),
    Known(530_032, GRANT, 400, "message_only", "Blocked by a security policy of the tenant."),
    Known(530_034, GRANT, 400, "", "A delegated administrator was blocked because of account risk in its home tenant."),
    Known(530_035, GRANT, 400, "message_only", "Access has been blocked by security defaults."),
    Known(530_036, GRANT, 400, "message_only", "The refresh token was refused by authentication flow checks."),
    Known(530_084, GRANT, 400, "message_only", "Access has been blocked by a token protection policy."),
    Known(
        50005,
        GRANT,
        400,
        "message_only",
        "The platform (Unknown) is not supported through Conditional Access policy.",
    ),
    Known(50097, "interaction_required", 401, "", "Device authentication is required."),
    Known(50158, GRANT, 400, "basic_action", "External security challenge was not satisfied."),
    Known(50177, GRANT, 400, "", "The user account does not exist in tenant and cannot meet the external challenge."),
    Known(50178, GRANT, 400, "", "The user account does not exist in tenant and cannot meet the session control."),
    Known(50072, GRANT, 400, "basic_action", "The user must enroll in multi-factor authentication."),
    Known(50074, GRANT, 400, "basic_action", "Strong authentication is required."),
    Known(50076, GRANT, 400, "basic_action", "The user must use multi-factor authentication to access the resource."),
    Known(50078, GRANT, 400, "basic_action", "Presented multi-factor authentication has expired due to policies."),
    Known(50079, GRANT, 400, "basic_action", "The user must enroll in multi-factor authentication."),
    Known(70043, GRANT, 400, "token_expired", "The refresh token is invalid due to sign-in frequency checks."),
    Known(70044, GRANT, 400, "token_expired", "The session is invalid due to sign-in frequency checks."),
    Known(70046, GRANT, 400, "token_expired", "The session has failed re-authentication checks."),
    Known(70000, GRANT, 400, "bad_token", "Provided grant is invalid or malformed."),
    Known(50011, REQUEST, 400, "", "The redirect URI does not match the redirect URIs configured for the application."),
    Known(54005, GRANT, 400, "", "OAuth2 authorization code was already redeemed, sign in again."),
    Known(500_112, GRANT, 400, "", "The reply address does not match the one of the authorization request."),
    Known(501_481, GRANT, 400, "", "The code verifier does not match the code challenge of the authorization request."),
    Known(700_005, GRANT, 400, "", "The authorization code was issued for another tenant."),
    Known(70016, "authorization_pending", 400, "", "OAuth 2.0 device flow error. Authorization is pending."),
    Known(70018, "bad_verification_code", 400, "", "Bad verification code."),
    Known(70020, "expired_token", 400, "", "The device code has expired."),
    Known(70008, GRANT, 400, "bad_token", "The provided authorization code or refresh token has expired."),
    Known(700_082, GRANT, 400, "bad_token", "The refresh token has expired due to inactivity for 90.00:00:00."),
    Known(700_084, GRANT, 400, "bad_token", "The refresh token was issued to a single page app and has expired."),
    Known(700_003, GRANT, 400, "bad_token", "Device object was not found in the tenant."),
    Known(700_007, GRANT, 400, "client_mismatch", "The refresh token was issued to another client."),
    Known(50173, GRANT, 400, "bad_token", "The provided grant has been revoked, a fresh auth token is needed."),
    Known(50132, GRANT, 400, "bad_token", "The session is invalid: password expired or changed."),
    Known(50133, GRANT, 400, "bad_token", "The session is invalid: it was revoked."),
    Known(9_002_313, GRANT, 400, "", "Invalid request. Request is malformed or invalid."),
    Known(65001, GRANT, 400, "consent_required", "The user or administrator has not consented to use the application."),
    Known(65004, GRANT, 400, "consent_required", "User declined to consent to access the app."),
    Known(90094, GRANT, 400, "consent_required", "An administrator must consent."),
    Known(90099, GRANT, 400, "", "The application has not been authorized in the tenant for delegated administrators."),
    Known(700_016, APP, 400, "", "The application was not found in the directory."),
    Known(700_011, APP, 400, "", "The application was not found in the directory."),
    Known(70001, APP, 400, "", "The application is disabled."),
    Known(7_000_112, APP, 400, "", "The application is disabled."),
    Known(7_000_229, CLIENT, 401, "", "The client application is missing a service principal in the tenant."),
    Known(650_051, APP, 400, "", "The service principal of the application is not there yet."),
    Known(650_052, RESOURCE, 400, "", "The app needs access to a service that the organization has not subscribed to."),
    Known(500_011, RESOURCE, 400, "", "The resource principal was not found in the tenant."),
    Known(500_014, RESOURCE, 400, "", "The service principal of the resource is disabled."),
    Known(50001, RESOURCE, 400, "", "The resource is disabled or does not exist."),
    Known(50105, GRANT, 400, "", "The signed in user is not assigned to a role for the application."),
    Known(
        50020,
        GRANT,
        400,
        "",
        "The user account does not exist in the tenant and cannot access the application there.",
    ),
    Known(50034, GRANT, 400, "bad_token", "The user account does not exist in the directory."),
    Known(50014, GRANT, 400, "", "The user's redemption is in a pending state."),
    Known(500_212, GRANT, 400, "", "Access to the tenant is not allowed by the outbound policy of the user's tenant."),
    Known(500_213, GRANT, 400, "", "Access is not allowed by the inbound policy of the resource tenant."),
    Known(500_021, GRANT, 400, "", "Access to the tenant is denied by tenant restrictions."),
    Known(90002, REQUEST, 400, "", "Tenant not found. This may happen if there are no active subscriptions for it."),
    Known(900_023, REQUEST, 400, "", "The tenant identifier is neither a valid DNS name, nor a valid GUID."),
    Known(5_000_224, GRANT, 400, "", "We are sorry, this resource is not available."),
    Known(900_382, REQUEST, 400, "", "Confidential client is not supported in cross cloud request."),
    Known(7_000_215, CLIENT, 401, "", "Invalid client secret provided. Send the secret's value, not its id."),
    Known(7_000_222, CLIENT, 401, "", "The provided client secret keys are expired."),
    Known(
        700_027,
        CLIENT,
        401,
        "",
        "Client assertion contains an invalid signature. [Reason - The key was not found.]",
    ),
    Known(700_024, CLIENT, 401, "", "Client assertion is not within its valid time range."),
    Known(7_000_218, CLIENT, 401, "", "The request must contain 'client_assertion' or 'client_secret'."),
    Known(70002, CLIENT, 401, "", "Error validating credentials."),
    Known(50027, CLIENT, 401, "", "Invalid JWT token: it is malformed or a claim is wrong."),
    Known(5_002_738, CLIENT, 401, "", "The signing algorithm of the client assertion is not supported."),
    Known(50048, CLIENT, 401, "", "Subject must match issuer claim in the client assertion."),
    Known(50053, APP, 400, "", "The account is locked, or the sign-in came from an address with malicious activity."),
    Known(50055, "user_password_expired", 400, "user_password_expired", "The password is expired."),
    Known(50057, GRANT, 400, "", "The user account is disabled."),
    Known(50126, GRANT, 400, "", "Error validating credentials due to invalid username or password."),
    Known(50196, GRANT, 400, "", "The operation was terminated because of a client request loop."),
    Known(90055, BUSY, 429, "", "Tenant is throttled."),
    Known(90006, BUSY, 503, "", "The service is temporarily unavailable."),
    Known(90012, BUSY, 503, "", "The request has timed out."),
    Known(90024, BUSY, 503, "", "The request budget was exceeded."),
    Known(90033, BUSY, 503, "", "A transient error has occurred. Please try again."),
    Known(50000, "server_error", 500, "", "There was an error issuing a token."),
    Known(900_144, REQUEST, 400, "", "The request body must contain a parameter that is missing."),
    Known(90014, REQUEST, 400, "", "A required field is missing from the credential."),
    Known(900_561, REQUEST, 400, "", "The endpoint only accepts POST requests."),
    Known(70003, "unsupported_grant_type", 400, "", "The app returned an unsupported grant type."),
    Known(70011, SCOPE, 400, "", "The provided value for the input parameter 'scope' is not valid."),
    Known(28003, SCOPE, 400, "", "The provided value for the input parameter 'scope' cannot be empty."),
    Known(700_022, SCOPE, 400, "", "The scope is of more than one resource."),
    Known(700_023, SCOPE, 400, "", "The scope names no resource."),
    Known(9_001_023, REQUEST, 400, "", "The grant type is not supported over the /common or /consumers endpoints."),
];

/// A refusal to be sent.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    pub(crate) codes: Vec<u32>,
    pub(crate) error: Option<Box<str>>,
    pub(crate) suberror: Option<Box<str>>,
    pub(crate) claims: Option<Box<str>>,
    pub(crate) text: Option<Box<str>>,
    pub(crate) status: Option<u16>,
}

impl Refusal {
    /// One number as it comes as a rule.
    pub(crate) fn of(code: u32) -> Self {
        Self { codes: vec![code], ..Self::default() }
    }

    /// One number with a text of its own.
    pub(crate) fn saying(code: u32, text: impl Into<Box<str>>) -> Self {
        Self { text: Some(text.into()), ..Self::of(code) }
    }

    /// What a scenario wants.
    pub(crate) fn told(trouble: &Trouble) -> Self {
        let mut codes = trouble.codes.clone();
        if let Some(Code::Number(code)) = &trouble.code {
            codes.push(*code);
        }
        let named = |values: &[String]| {
            json!({"access_token": {"capolids": {"essential": true, "values": values}}}).to_string().into_boxed_str()
        };
        let policies = (!trouble.policies.is_empty()).then(|| named(&trouble.policies));
        Self {
            codes,
            error: trouble.error.as_deref().map(Box::from),
            suberror: trouble.suberror.as_deref().map(Box::from),
            claims: trouble.claims.as_deref().map(Box::from).or(policies),
            text: trouble.text.as_deref().map(Box::from),
            status: trouble.status,
        }
    }

    /// As the service sends it at that time. `correlation`: the client's own id of the request, if it has one.
    pub(crate) fn answer(self, correlation: Option<&str>, at: Timestamp) -> Answer {
        let main = self.codes.last().copied();
        let known = main.and_then(|code| KNOWN.iter().find(|known| known.0 == code));
        let status = self.status.or(known.map(|known| known.2)).unwrap_or(if main.is_some() || self.error.is_some() {
            400
        } else {
            503
        });
        let error = self.error.unwrap_or_else(|| match (known, status) {
            (Some(known), _) => known.1.into(),
            (None, 429 | 500..) => BUSY.into(),
            (None, _) => GRANT.into(),
        });
        let suberror = self.suberror.unwrap_or_else(|| known.map_or("", |known| known.3).into());
        let text = self.text.unwrap_or_else(|| known.map_or("The request was refused.", |known| known.4).into());
        let trace = super::chance::fresh_guid().to_string();
        let correlation = correlation.map_or_else(|| super::chance::fresh_guid().to_string(), str::to_owned);
        let timestamp = time::entra(at);
        let numbers: Vec<String> = self.codes.iter().map(|code| format!("AADSTS{code}: ")).collect();
        let numbers = numbers.concat();
        let mut body = json!({
            "error": error,
            "error_description": format!(
                "{numbers}{text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {timestamp}"
            ),
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
        });
        if let (Some(code), Value::Object(body)) = (main, &mut body) {
            body.insert("error_codes".into(), json!(self.codes));
            body.insert("error_uri".into(), json!(format!("https://login.microsoftonline.com/error?code={code}")));
        }
        if let Value::Object(body) = &mut body {
            if !suberror.is_empty() {
                body.insert("suberror".into(), json!(suberror));
            }
            if let Some(claims) = self.claims {
                body.insert("claims".into(), json!(claims));
            }
        }
        let answer = Answer::json(status, &body).with("x-ms-request-id", &trace);
        match main {
            Some(code) => answer.with("x-ms-clitelem", &format!("1,{code},0,,")),
            None => answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_stands_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for known in KNOWN {
            assert!(seen.insert(known.0), "{}", known.0);
        }
    }

    #[test]
    fn an_unknown_number_and_no_number_have_a_shape_too() {
        let body = |refusal: Refusal| {
            let answer = refusal.answer(Some("c"), time::now());
            (answer.status, serde_json::from_slice::<Value>(&answer.body).unwrap())
        };
        let (status, value) = body(Refusal::of(530_099));
        assert_eq!((status, value["error"].as_str()), (400, Some("invalid_grant")));
        let (status, value) =
            body(Refusal { error: Some("interaction_required".into()), status: Some(400), ..Refusal::default() });
        assert_eq!((status, value.get("error_codes")), (400, None));
        let (status, value) = body(Refusal { status: Some(503), ..Refusal::default() });
        assert_eq!((status, value["error"].as_str()), (503, Some("temporarily_unavailable")));
    }
}
