//! A person signs the service account in: with a browser and an address that is pasted, by device code, or with a refresh
//! token from elsewhere.
//!
//! ```text
//! begin --address, a person--> pasted --state, code--> Candidate --checks, hop 1, Partner Center--> the vault
//! begin --code, a person-----> polled ----------------> '
//! ```
//!
//! Until all checks have passed nothing is kept: what was stored before stays as it is.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::{Url, form_urlencoded};

use super::line::{Asking, Lane, Refusal};
use super::token::{Grant, Proof};
use super::vault::refresh_token;
use super::wire::{Claims, DeviceCode, SignedIn, device_code, signed_in};
use super::{Cloud, SetupError, Tell};
use crate::config::check_endpoint;
use crate::failure::{Answer, Class, Failure, Hop, Service, classify};
use crate::model::{Text, clean};

/// The most that a browser's address may have.
pub const PASTED_LIMIT: usize = 32 << 10;
/// What a refusal of the browser may say at most.
const SAID_LIMIT: usize = 8 << 10;
/// What is asked for beside the scope: it brings the token that says who signed in.
const WHO: &str = " openid profile";

/// A sign-in with a browser that goes on.
pub struct BrowserLogin {
    proof: Proof,
    /// As it is registered.
    redirect: String,
    /// The same, to compare.
    ends_at: Url,
    address: Url,
}

impl BrowserLogin {
    /// The address to open. There is no secret in it.
    pub fn address(&self) -> &Url {
        &self.address
    }

    /// What the address begins with at which the browser ends.
    pub fn ends_at(&self) -> &str {
        &self.redirect
    }
}

/// A sign-in by device code that goes on.
pub struct DeviceLogin(DeviceCode);

impl DeviceLogin {
    /// Where a person goes.
    pub fn place(&self) -> &Url {
        &self.0.place
    }

    /// What is typed there.
    pub fn typed(&self) -> &str {
        &self.0.typed
    }

    /// For how long.
    pub fn life(&self) -> Duration {
        Duration::from_secs(self.0.life_s)
    }
}

/// A refresh token that is to be tried before it is kept.
pub struct Candidate {
    refresh: SecretString,
    mfa: bool,
}

/// At which step a sign-in was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginStep {
    /// The browser came back with a refusal.
    Browser,
    /// The code that it brought was redeemed.
    Code,
    /// A device code was asked for, or waited on.
    Device,
    /// The new refresh token was tried at the partner's own tenant.
    Hop,
    /// It was tried for Partner Center.
    PartnerCenter,
}

impl LoginStep {
    /// What was done, as the end of a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "in the browser",
            Self::Code => "when its code was redeemed",
            Self::Device => "by device code",
            Self::Hop => "when the new token was tried at our own tenant",
            Self::PartnerCenter => "when the new token was tried for Partner Center",
        }
    }
}

/// Why a sign-in was not kept.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// What was pasted is not the address that is wanted; another may be pasted.
    #[error("{0}")]
    Pasted(&'static str),
    /// The address belongs to another sign-in.
    #[error("the address that was pasted belongs to another sign-in: its state is not the one of this one")]
    State,
    /// Somebody said no.
    #[error("the sign-in was cancelled or declined in the browser")]
    Cancelled,
    /// Nobody signed in in time.
    #[error("the device code ended before anybody had signed in with it")]
    Ended,
    /// The code was used, old or damaged.
    #[error("the code in the address is used, older than 10 minutes, or was damaged on its way ({})", .0.cause())]
    CodeSpent(Box<Failure>),
    /// Microsoft refused, or did not answer.
    #[error("{} ({}), {}", .failure.class.meaning(), .failure.cause(), .step.name())]
    Refused {
        /// When.
        step: LoginStep,
        /// What it said.
        failure: Box<Failure>,
    },
    /// No refresh token came.
    #[error("no refresh token came with the sign-in")]
    NoRefreshToken,
    /// The tokens do not say whose they are.
    #[error("the tokens do not say in which tenant and as whom somebody signed in")]
    Nobody,
    /// They are for another app.
    #[error("the tokens are for another app than ours")]
    OtherApp,
    /// Another tenant.
    #[error("somebody signed in to another tenant: {0}")]
    OtherTenant(uuid::Uuid),
    /// Another account.
    #[error("{said} signed in, not {wanted}")]
    OtherAccount {
        /// Who.
        said: Text,
        /// The service account.
        wanted: Text,
    },
    /// No second factor.
    #[error("the account signed in without MFA: its token names {}", methods(.0.as_deref()))]
    NoMfa(Option<Vec<Text>>),
    /// The vault cannot keep it, or the configuration is wrong.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

fn methods(methods: Option<&[Text]>) -> String {
    match methods {
        Some([]) => "no method (amr)".to_owned(),
        Some(methods) => format!("only {} (amr)", methods.join(", ")),
        None => "no methods at all (amr)".to_owned(),
    }
}

impl LoginError {
    /// What to do, one line each. Lines of a refusal of Microsoft's are those of its remedy.
    pub fn steps(&self) -> Vec<String> {
        let steps: &[&str] = match self {
            Self::Pasted(_) => &["Copy the whole address from the browser's address bar, once it has ended there."],
            Self::State => &["Start again, and paste the address that the browser ends at for this sign-in."],
            Self::Cancelled | Self::Ended => &["Start again, and sign the service account in to its end."],
            Self::CodeSpent(_) => &["Start again; paste the address at once and whole, and only once."],
            Self::NoRefreshToken => &["Is offline_access among the app's permissions, with consent?"],
            Self::Nobody => &["Start again. If it stays, tell the makers of tenantop."],
            Self::OtherApp => &["Bring a refresh token of the app that client_id names."],
            Self::OtherTenant(_) => &["Sign in to the tenant that tenant_id names in the configuration."],
            Self::OtherAccount { .. } => &[
                "Start again in a private window and sign in as the service account;",
                "if it is called otherwise now, change service_account in the configuration.",
            ],
            Self::NoMfa(_) => &[
                "Let a policy of our own tenant demand MFA of the service account, without exception",
                "for trusted places or remembered devices; then start again in a private window.",
            ],
            Self::Refused { failure, .. } => return failure.remedy(crate::failure::Context::default()).steps,
            Self::Setup(_) => &[],
        };
        steps.iter().map(|step| (*step).to_owned()).collect()
    }

    /// Who acts.
    pub fn who(&self) -> String {
        match self {
            Self::Refused { failure, .. } => failure.remedy(crate::failure::Context::default()).who,
            Self::Pasted(_)
            | Self::State
            | Self::Cancelled
            | Self::Ended
            | Self::CodeSpent(_)
            | Self::NoRefreshToken
            | Self::Nobody
            | Self::OtherApp
            | Self::OtherTenant(_)
            | Self::OtherAccount { .. }
            | Self::NoMfa(_)
            | Self::Setup(_) => "US, in our own tenant. No customer has to act.".to_owned(),
        }
    }

    /// The refusal of Microsoft behind it, if there is one.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Refused { failure, .. } | Self::CodeSpent(failure) => Some(failure),
            Self::Pasted(_)
            | Self::State
            | Self::Cancelled
            | Self::Ended
            | Self::NoRefreshToken
            | Self::Nobody
            | Self::OtherApp
            | Self::OtherTenant(_)
            | Self::OtherAccount { .. }
            | Self::NoMfa(_)
            | Self::Setup(_) => None,
        }
    }
}

impl Cloud {
    /// Begins a sign-in with a browser. Nothing is sent.
    pub fn begin_browser(&self) -> Result<BrowserLogin, LoginError> {
        let inner = &self.0;
        let wrong = |why: String| SetupError::new(&inner.partner, why);
        let redirect = inner.partner.redirect_uri();
        let ends_at = Url::parse(redirect).map_err(|error| wrong(format!("redirect_uri: {error}")))?;
        check_endpoint(&ends_at).map_err(|why| wrong(format!("redirect_uri: {why}")))?;
        let proof = Proof::draw().map_err(wrong)?;
        let mut address = inner.places.authorize(inner.identity.tenant).map_err(wrong)?;
        address
            .query_pairs_mut()
            .append_pair("client_id", &inner.identity.client_id.to_string())
            .append_pair("response_type", "code")
            .append_pair("response_mode", "query")
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", &self.scope())
            .append_pair("state", &proof.state)
            .append_pair("code_challenge", &proof.challenge())
            .append_pair("code_challenge_method", "S256")
            // Whoever is signed in already would bring an old proof of MFA, or none.
            .append_pair("prompt", "login")
            .append_pair("login_hint", &inner.partner.service_account);
        Ok(BrowserLogin { proof, redirect: redirect.to_owned(), ends_at, address })
    }

    /// Takes the address that the browser ended at, and redeems the code in it.
    pub async fn redeem_pasted(
        &self,
        login: &BrowserLogin,
        pasted: &str,
        tell: &Tell,
    ) -> Result<Candidate, LoginError> {
        let code = self.code(login, pasted)?;
        let grant = Grant::Code { code: &code, proof: &login.proof, redirect: &login.redirect };
        let mut repeats = 0;
        let asking = (Hop::Partner, tell, &mut repeats);
        let inner = &self.0;
        let asked = inner.redeem_as(inner.identity.tenant, &grant, &self.scope(), asking, signed_in).await;
        let signed_in = asked.map_err(|failure| {
            let spent = [54_005, 70_000, 70_008, 500_112, 501_481, 700_005, 9_002_313];
            if failure.codes.first().is_some_and(|code| spent.contains(code)) {
                LoginError::CodeSpent(failure)
            } else {
                LoginError::Refused { step: LoginStep::Code, failure }
            }
        })?;
        self.candidate(signed_in)
    }

    /// The code in what was pasted.
    fn code(&self, login: &BrowserLogin, pasted: &str) -> Result<SecretString, LoginError> {
        let (mut code, mut state, mut error, mut description) = (None, None, None, None);
        let bad = |why| Err(LoginError::Pasted(why));
        if pasted.len() > PASTED_LIMIT {
            return bad("that is too long for the address of a browser");
        }
        // The part with the code in it is taken apart by itself: an address that is dropped is not wiped.
        let (head, query) = pasted.trim_matches(['<', '>', '"', '\'']).split_once('?').unwrap_or((pasted, ""));
        let query = query.split('#').next().unwrap_or_default();
        let Ok(url) = Url::parse(head) else {
            return bad("that is no address");
        };
        if url.host_str() == self.0.places.login.host_str() && url.path() == login.address.path() {
            return bad("the browser has not ended yet: that is the address of the sign-in itself");
        }
        if (url.host_str(), url.path()) != (login.ends_at.host_str(), login.ends_at.path()) {
            return bad("that is not the address that the browser ends at");
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match name.as_ref() {
                "code" => &mut code,
                "state" => &mut state,
                "error" => &mut error,
                "error_description" => &mut description,
                _ => continue,
            };
            if place.replace(zeroize::Zeroizing::new(value.into_owned())).is_some() {
                return bad("that address says something twice");
            }
        }
        if code.is_none() && error.is_none() {
            return bad("there is no code in that address: was it cut?");
        }
        if !state.is_some_and(|state| login.proof.is_ours(&state)) {
            return Err(LoginError::State);
        }
        if let Some(error) = error {
            return Err(self.refused_in_browser(&error, description.as_ref().map_or("", |text| text.as_str())));
        }
        match code {
            Some(code) if code.bytes().all(|byte| byte.is_ascii_graphic()) && !code.is_empty() => {
                Ok(SecretString::from(code.as_str()))
            }
            Some(_) | None => bad("the code in that address is damaged: was it cut or broken over lines?"),
        }
    }

    fn refused_in_browser(&self, error: &str, description: &str) -> LoginError {
        let cut = |text: &str| clean(text).chars().take(SAID_LIMIT).collect::<String>();
        let body = serde_json::json!({ "error": cut(error), "error_description": cut(description) }).to_string();
        let answer = Answer {
            status: Some(400),
            headers: &[],
            body: body.as_bytes(),
            hop: Hop::Partner,
            service: Service::Entra,
        };
        let failure = Box::new(classify(answer, self.0.line.clock.now()));
        if failure.class == Class::DeviceFlowEnded {
            return LoginError::Cancelled;
        }
        LoginError::Refused { step: LoginStep::Browser, failure }
    }

    /// Asks for a device code.
    pub async fn begin_device(&self, tell: &Tell) -> Result<DeviceLogin, LoginError> {
        let inner = &self.0;
        let wrong = |why: String| SetupError::new(&inner.partner, why);
        let endpoint = inner.places.device_code(inner.identity.tenant).map_err(wrong)?;
        let mut repeats = 0;
        let mut asking =
            Asking { service: Service::Entra, hop: Hop::Partner, lane: Lane::Gate, tell, repeats: &mut repeats };
        let scope = self.scope();
        let asked =
            inner.line.ask(&mut asking, |client, _| inner.identity.device(client, &endpoint, &scope), device_code);
        match asked.await.map_err(Refusal::into_failure) {
            Ok((code, _)) => Ok(DeviceLogin(code)),
            Err(failure) => Err(LoginError::Refused { step: LoginStep::Device, failure }),
        }
    }

    /// Asks at the pace that Entra wants until somebody has signed in with the device code, or nobody will.
    pub async fn await_device(&self, login: &DeviceLogin, tell: &Tell) -> Result<Candidate, LoginError> {
        let inner = &self.0;
        let until = tokio::time::Instant::now() + login.life();
        let mut interval = Duration::from_secs(login.0.interval_s);
        let grant = Grant::Device(&login.0.code);
        loop {
            let next = tokio::time::Instant::now() + interval;
            if next >= until {
                tokio::time::sleep_until(until).await;
                return Err(LoginError::Ended);
            }
            tokio::time::sleep_until(next).await;
            // Each question is asked once: the next one is its repeat.
            let mut repeats = u32::MAX;
            let asking = (Hop::Partner, tell, &mut repeats);
            match inner.redeem_as(inner.identity.tenant, &grant, "", asking, signed_in).await {
                Ok(signed_in) => return self.candidate(signed_in),
                Err(failure) => interval = after(interval, failure)?,
            }
        }
    }

    /// The refresh token in what an operator brought.
    pub fn brought(&self, text: &str) -> Result<Candidate, LoginError> {
        let refresh = refresh_token(text).map_err(|why| SetupError::new(&self.0.partner, why))?;
        Ok(Candidate { refresh, mfa: false })
    }

    fn candidate(&self, signed_in: SignedIn) -> Result<Candidate, LoginError> {
        let mfa = self.check(&signed_in, true)?;
        let refresh = signed_in.tokens.refresh.ok_or(LoginError::NoRefreshToken)?;
        Ok(Candidate { refresh, mfa })
    }

    /// Tries a refresh token as an import would use it, at the partner's own tenant and for Partner Center, and keeps what
    /// came of it if both worked and it is the right account's, with MFA.
    pub async fn try_and_keep(&self, candidate: Candidate, tell: &Tell) -> Result<(), LoginError> {
        let inner = &self.0;
        let _alone = inner.signing_in.lock().await;
        let looking = Arc::clone(inner);
        // One that panicked changed nothing: the credential in memory is used.
        let _ = tokio::task::spawn_blocking(move || looking.look_again()).await;
        let own = self.hop(&candidate.refresh, &self.scope(), LoginStep::Hop, tell).await?;
        let mut mfa = candidate.mfa | self.check(&own, true)?;
        // The newest is what imports begin with: it is what has to work.
        let refresh = own.tokens.refresh.unwrap_or(candidate.refresh);
        let center = &inner.places.partner_center_scope;
        let center = self.hop(&refresh, center, LoginStep::PartnerCenter, tell).await?;
        mfa |= self.check(&center, false)?;
        if !mfa {
            return Err(LoginError::NoMfa(None));
        }
        let (place, now) = (inner.place.clone(), inner.line.clock.now());
        let kept = tokio::task::spawn_blocking(move || place.put_first(&refresh, now)).await;
        let kept = kept.unwrap_or_else(|_| Err("the new sign-in cannot be kept".to_owned()));
        Ok(kept.map_err(|why| SetupError::new(&inner.partner, why))?)
    }

    async fn hop(
        &self,
        refresh: &SecretString,
        scope: &str,
        step: LoginStep,
        tell: &Tell,
    ) -> Result<SignedIn, LoginError> {
        let mut repeats = 0;
        let asking = (Hop::Partner, tell, &mut repeats);
        let asked = self.0.redeem_as(self.0.identity.tenant, &Grant::Refresh(refresh), scope, asking, signed_in).await;
        asked.map_err(|failure| LoginError::Refused { step, failure })
    }

    /// Whether tokens are those of the configured account, in its tenant; and whether they tell of MFA. The id token goes
    /// before the access token, which is meant for another and is a hint alone. Which account it is has to be said only
    /// where `named`.
    fn check(&self, signed_in: &SignedIn, named: bool) -> Result<bool, LoginError> {
        let partner = &self.0.partner;
        let all = || signed_in.id.iter().chain(&signed_in.access);
        let own = |claims: &&Claims| claims.audience.as_deref().is_some_and(|aud| aud.parse() == Ok(partner.client_id));
        if signed_in.id.as_ref().is_some_and(|id| !own(&id)) {
            return Err(LoginError::OtherApp);
        }
        match all().find_map(|claims| claims.tenant) {
            Some(tenant) if tenant != partner.tenant_id.0 => return Err(LoginError::OtherTenant(tenant)),
            None if named => return Err(LoginError::Nobody),
            Some(_) | None => {}
        }
        let wanted = &partner.service_account;
        let mut accounts = all().flat_map(|claims| &claims.names);
        match accounts.clone().next() {
            Some(_) if accounts.any(|name| name.to_lowercase() == wanted.to_lowercase()) => {}
            Some(said) => {
                let said = said.chars().take(120).collect();
                return Err(LoginError::OtherAccount { said, wanted: wanted.clone() });
            }
            None if named => return Err(LoginError::Nobody),
            None => {}
        }
        let mut methods = all().filter_map(|claims| claims.methods.as_ref());
        match methods.find(|methods| !methods.iter().any(|method| method == "mfa")) {
            Some(methods) => Err(LoginError::NoMfa(Some(methods.clone()))),
            None => Ok(all().any(|claims| claims.methods.is_some())),
        }
    }

    /// What an import's hop 1 asks for, and who signed in.
    fn scope(&self) -> String {
        format!("{}{WHO}", self.0.places.graph_scope)
    }
}

/// How long to wait after an answer before a device code is asked for again, or why not.
fn after(interval: Duration, failure: Box<Failure>) -> Result<Duration, LoginError> {
    /// What `slow_down` adds (RFC 8628, section 3.5).
    const SLOWER: Duration = Duration::from_secs(5);
    const LONGEST: Duration = Duration::from_mins(1);
    let (class, error) = (failure.class, failure.error.as_deref().unwrap_or_default());
    if class == Class::DeviceFlowPending {
        return Ok(if error == "slow_down" { interval + SLOWER } else { interval });
    }
    // A fault on the way says nothing of the sign-in; ever rarer questions do no harm.
    if failure.is_passing() {
        return Ok((interval * 2).min(LONGEST));
    }
    if matches!(error, "authorization_declined" | "access_denied") {
        return Err(LoginError::Cancelled);
    }
    if matches!(error, "expired_token" | "code_expired") {
        return Err(LoginError::Ended);
    }
    Err(LoginError::Refused { step: LoginStep::Device, failure })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str, status: u16) -> Box<Failure> {
        let answer = Answer {
            status: Some(status),
            headers: &[],
            body: body.as_bytes(),
            hop: Hop::Partner,
            service: Service::Entra,
        };
        Box::new(classify(answer, jiff::Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn a_device_code_is_asked_for_at_the_pace_that_entra_wants() {
        let now = Duration::from_secs(5);
        let wait = |body, status| after(now, refused(body, status));
        let pending = r#"{"error":"authorization_pending","error_codes":[70016]}"#;
        assert_eq!(wait(pending, 400).unwrap(), now);
        assert_eq!(wait(r#"{"error":"slow_down"}"#, 400).unwrap(), Duration::from_secs(10));
        assert_eq!(wait("", 503).unwrap(), Duration::from_secs(10));
        assert_eq!(after(Duration::from_secs(50), refused("", 503)).unwrap(), Duration::from_mins(1));
        let ended = |body, status| wait(body, status).unwrap_err();
        assert!(matches!(ended(r#"{"error":"authorization_declined"}"#, 400), LoginError::Cancelled));
        assert!(matches!(ended(r#"{"error":"expired_token","error_codes":[70020]}"#, 400), LoginError::Ended));
        let refused = ended(r#"{"error":"invalid_grant","error_codes":[53003]}"#, 400);
        assert!(matches!(refused, LoginError::Refused { step: LoginStep::Device, .. }), "{refused}");
        let wrong = ended(r#"{"error":"invalid_client","error_codes":[7000215]}"#, 401);
        assert!(wrong.to_string().contains("7000215"), "{wrong}");
    }
}
