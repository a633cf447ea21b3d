//! Persons who sign in: the redirect of the browser, the code that works once, device codes.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{GRAPH, Lab, Reply, reply};

const VERIFIER: &str = "a-verifier-of-sufficient-length-that-nobody-else-knows-0123456789";
const REDIRECT: &str = "http://localhost/tenantop";

impl Lab {
    /// What the browser is answered, with some fields other than usual.
    async fn browse(&self, other: &[(&str, &str)]) -> Reply {
        let (tenant, client) = (self.partner().tenant_id.clone(), self.partner().client_id.clone());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let scope = format!("{GRAPH} openid profile");
        let mut query = BTreeMap::from([
            ("client_id", client.as_str()),
            ("response_type", "code"),
            ("response_mode", "query"),
            ("redirect_uri", REDIRECT),
            ("scope", &scope),
            ("state", "st-1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        query.extend(other.iter().copied());
        let place = format!("{}/login/{tenant}/oauth2/v2.0/authorize", self.cloud.base());
        let url = Url::parse_with_params(&place, query).unwrap();
        self.get_with(url.as_str(), "", &[]).await.unwrap()
    }

    /// A code of the browser.
    async fn code(&self) -> String {
        came_back(&self.browse(&[]).await)["code"].clone()
    }

    async fn redeem_code(&self, code: &str, other: &[(&str, &str)]) -> Reply {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("refresh_token", "<none>"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        form.extend(other);
        self.redeem(&self.partner().tenant_id, &form).await
    }

    async fn device(&self) -> Value {
        let partner = self.partner();
        let form = [("client_id", partner.client_id.as_str()), ("scope", GRAPH)];
        let place = format!("{}/login/{}/oauth2/v2.0/devicecode", self.cloud.base(), partner.tenant_id);
        reply(self.client.post(place).form(&form)).await.unwrap().json()
    }

    async fn poll(&self, device: &Value) -> Value {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("refresh_token", "<none>"),
            ("scope", "<none>"),
            ("device_code", device["device_code"].as_str().unwrap()),
        ];
        self.redeem(&self.partner().tenant_id, &form).await.json()
    }
}

/// The query of the address that a browser is sent to.
fn came_back(reply: &Reply) -> BTreeMap<String, String> {
    assert_eq!(reply.status, 302, "{}", String::from_utf8_lossy(&reply.body));
    let place = Url::parse(reply.header("location")).unwrap();
    assert!(place.as_str().starts_with("http://localhost/tenantop?"), "{place}");
    place.query_pairs().into_owned().collect()
}

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_code_works_once_for_who_asked_for_it() {
    let lab = Lab::tenant("").await;
    let back = came_back(&lab.browse(&[]).await);
    assert_eq!((back["state"].as_str(), back.contains_key("session_state")), ("st-1", true));
    let wrong = [("code_verifier", "another-verifier-of-sufficient-length-0123456789")];
    let scope = format!("{GRAPH} openid");
    for (other, code) in [
        (&wrong[..], Some(501_481)),
        (&[("code_verifier", "")], Some(501_481)),
        (&[("redirect_uri", "http://localhost/other")], Some(500_112)),
        (&[("code", "cut")], Some(9_002_313)),
        (&[("client_secret", "wrong")], Some(7_000_215)),
        (&[("scope", &scope)], None),
        (&[], Some(54005)),
    ] {
        let body = lab.redeem_code(&back["code"], other).await.json();
        assert_eq!(body["error_codes"][0].as_u64(), code, "{other:?}: {body}");
        if code.is_none() {
            let (id, access) = (claims(&body["id_token"]), claims(&body["access_token"]));
            assert_eq!(id["preferred_username"], "mfa.setup@partner.example");
            assert_eq!((&id["aud"], &id["tid"]), (&lab.partner().client_id.as_str().into(), &access["tid"]));
            assert!(id.get("amr").is_none(), "only the older form tells");
            assert_eq!(access["amr"], serde_json::json!(["pwd", "mfa"]));
        }
    }
    let elsewhere = lab.code().await;
    let form = [("grant_type", "authorization_code"), ("code", &elsewhere), ("redirect_uri", REDIRECT)];
    let body = lab.redeem(&lab.id("Adatum"), &[&form[..], &[("code_verifier", VERIFIER)]].concat()).await.json();
    assert_eq!(body["error_codes"][0], 700_005);
    assert_eq!(lab.cloud.counters().all("authorize"), 2);

    let late = Lab::of("[[partner]]\nname='emea'\nsign_in={code_lives=0}").await;
    let body = late.redeem_code(&late.code().await, &[]).await.json();
    assert_eq!(body["error_codes"][0], 70008);
}

#[tokio::test]
async fn a_browser_comes_back_with_a_refusal_or_stays_where_it_is() {
    let trouble = "trouble=[{step='authorize',code=65004,times=1}]";
    let lab = Lab::of(&format!("[[partner]]\nname='emea'\n{trouble}")).await;
    let back = came_back(&lab.browse(&[]).await);
    assert_eq!((back["error"].as_str(), back["state"].as_str()), ("invalid_grant", "st-1"));
    assert!(back["error_description"].starts_with("AADSTS65004: ") && !back.contains_key("code"));
    for (field, value) in
        [("code_challenge_method", "plain"), ("code_challenge", "short"), ("response_type", "token"), ("scope", "x")]
    {
        let back = came_back(&lab.browse(&[(field, value)]).await);
        assert!(back.contains_key("error"), "{field}");
    }
    for (field, value) in [("redirect_uri", "https://evil.example/"), ("client_id", "nobody")] {
        let reply = lab.browse(&[(field, value)]).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (400, ""), "{field}");
        assert!(String::from_utf8_lossy(&reply.body).contains("AADSTS"));
    }
}

#[tokio::test]
async fn a_device_code_waits_for_its_person() {
    let lab = Lab::of("[[partner]]\nname='emea'\nsign_in={interval=0}").await;
    let device = lab.device().await;
    let place = device["verification_uri"].as_str().unwrap();
    let visit = async |query: &[(&str, &str)]| {
        let url = Url::parse_with_params(place, query).unwrap();
        lab.get_with(url.as_str(), "", &[]).await.unwrap().status.as_u16()
    };
    assert_eq!(lab.poll(&device).await["error"], "authorization_pending");
    assert_eq!((visit(&[]).await, visit(&[("otc", "NOBODY")]).await), (200, 400));
    assert_eq!(lab.poll(&device).await["error_codes"][0], 70016);
    assert_eq!(visit(&[("otc", &device["user_code"].as_str().unwrap().to_lowercase())]).await, 200);
    assert!(lab.poll(&device).await["refresh_token"].is_string());
    assert_eq!(lab.poll(&device).await["error"], "bad_verification_code", "it works once");

    let device = lab.device().await;
    assert_eq!(visit(&[("otc", device["user_code"].as_str().unwrap()), ("no", "1")]).await, 200);
    assert_eq!(lab.poll(&device).await["error"], "authorization_declined");

    let hasty = Lab::of("[[partner]]\nname='emea'\nsign_in={interval=60,slow_down=1}").await;
    let device = hasty.device().await;
    assert_eq!(hasty.poll(&device).await["error"], "slow_down", "as the scenario wants");
    assert_eq!(hasty.poll(&device).await["error"], "slow_down", "too early");

    let late = Lab::of("[[partner]]\nname='emea'\nsign_in={device_lives=0}").await;
    let device = late.device().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(late.poll(&device).await["error"], "expired_token");
}
