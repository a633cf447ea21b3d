//! The token endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CENTER, Lab};

#[tokio::test]
async fn the_double_hop_and_rotation() {
    let lab = Lab::tenant("users=30\nskus=['SPE_E3:40:20']").await;
    let own = lab.partner().tenant_id.clone();
    let first = lab.redeem(&own, &[]).await;
    assert_eq!(first.status, 200);
    let body = first.json();
    let rotated = body["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(rotated, lab.partner().refresh_token);
    assert_eq!((body["token_type"].as_str(), body["expires_in"].as_u64()), (Some("Bearer"), Some(4799)));
    assert!(body["scope"].as_str().unwrap().contains("https://graph.microsoft.com/Directory.Read.All"));
    assert_eq!(first.header("client-request-id"), "7b1e6a52-0000-4000-8000-000000000002");

    for token in [rotated.as_str(), lab.partner().refresh_token.as_str()] {
        let hop = lab.redeem(&lab.id("Adatum"), &[("refresh_token", token)]).await;
        assert_eq!(hop.status, 200, "the old one stays good");
        let users = lab.graph("users?$top=999", hop.json()["access_token"].as_str().unwrap()).await;
        assert_eq!(users.json()["value"].as_array().unwrap().len(), 30);
    }
    let by_domain = lab.redeem("adatum.onmicrosoft.com", &[]).await;
    assert_eq!(by_domain.status, 200);
    let counters = lab.cloud.counters();
    assert_eq!((counters.tokens_issued, counters.refresh_tokens_seen, counters.misdirected), (4, 2, 0));
    assert_eq!((counters.all("token"), counters.without_id), (4, 0));
}

/// Tenant, fields other than usual; status, `error`, number.
type RefusedCase<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, &'a str, u64);

#[tokio::test]
async fn the_token_endpoint_refuses_with_the_right_number() {
    let lab = Lab::of(
        "[[partner]]\nname='emea'\n[[partner]]\nname='apac'\n[[tenant]]\npartner='emea'\nname='Adatum'\n\
         [[tenant]]\npartner='apac'\nname='Coho'",
    )
    .await;
    let adatum = lab.id("Adatum");
    let other = lab.scenario.partners()[1].clone();
    let unknown = "0.A".to_owned() + &"x".repeat(90);
    let nobody = "11111111-2222-4333-8444-555555555555";
    let mixed = format!("https://graph.microsoft.com/.default {CENTER}");
    let cases: &[RefusedCase<'_>] = &[
        (&adatum, &[("grant_type", "<none>")], 400, "invalid_request", 900_144),
        (&adatum, &[("client_id", "<none>")], 400, "invalid_request", 900_144),
        (&adatum, &[("refresh_token", "<none>")], 400, "invalid_request", 900_144),
        (&adatum, &[("scope", "<none>")], 400, "invalid_request", 900_144),
        (&adatum, &[("refresh_token", "")], 400, "invalid_request", 90_014),
        (&adatum, &[("refresh_token", "cut")], 400, "invalid_grant", 9_002_313),
        (&adatum, &[("refresh_token", &unknown)], 400, "invalid_grant", 70_000),
        (&adatum, &[("refresh_token", &other.refresh_token)], 400, "invalid_grant", 700_007),
        (&adatum, &[("grant_type", "password")], 400, "unsupported_grant_type", 70_003),
        (&adatum, &[("client_id", nobody)], 400, "unauthorized_client", 700_016),
        (&adatum, &[("client_secret", "<none>")], 401, "invalid_client", 7_000_218),
        (&adatum, &[("client_secret", "its-id-not-its-value")], 401, "invalid_client", 7_000_215),
        (&adatum, &[("scope", "https://vault.azure.net/.default")], 400, "invalid_resource", 500_011),
        (&adatum, &[("scope", "gibberish")], 400, "invalid_scope", 70_011),
        (&adatum, &[("scope", &mixed)], 400, "invalid_scope", 700_022),
        (&adatum, &[("scope", "https://graph.microsoft.com/Mail.Send")], 400, "invalid_grant", 65_001),
        (&adatum, &[("scope", CENTER)], 400, "invalid_grant", 65_001),
        (&lab.id("Coho"), &[], 400, "invalid_grant", 50_020),
        (nobody, &[], 400, "invalid_request", 90_002),
        ("common", &[], 400, "invalid_request", 9_001_023),
        ("what", &[], 400, "invalid_request", 900_023),
    ];
    for (tenant, other, status, error, code) in cases {
        let reply = lab.redeem(tenant, other).await;
        let body = reply.json();
        assert_eq!(reply.status, *status, "{other:?} {body}");
        assert_eq!((body["error"].as_str(), &body["error_codes"]), (Some(*error), &json!([code])), "{other:?}");
        let description = body["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
        for mark in ["\r\nTrace ID: ", "\r\nCorrelation ID: 7b1e6a52", "\r\nTimestamp: 20"] {
            assert!(description.contains(mark), "{description}");
        }
        assert_eq!(body["correlation_id"], "7b1e6a52-0000-4000-8000-000000000002");
        assert_eq!(body["trace_id"], reply.header("x-ms-request-id"));
        assert_eq!(body["error_uri"], format!("https://login.microsoftonline.com/error?code={code}"));
    }
    let got = lab.get_with(&format!("{}/login/{adatum}/oauth2/v2.0/token", lab.cloud.base()), "", &[]).await.unwrap();
    assert_eq!(got.json()["error_codes"], json!([900_561]));
}

#[tokio::test]
async fn a_scenario_can_induce_any_refusal_of_sign_in() {
    let policy = "01234567-89ab-4def-8edc-ba9876543210";
    for (trouble, status, wanted) in [
        (
            format!("code=53003,policies=['{policy}']"),
            400,
            json!({"error": "invalid_grant", "suberror": "message_only", "error_codes": [53003],
                   "claims": format!("{{\"access_token\":{{\"capolids\":{{\"essential\":true,\"values\":[\"{policy}\"]}}}}}}")}),
        ),
        (
            "code=50076,error='interaction_required'".into(),
            400,
            json!({"error": "interaction_required", "suberror": "basic_action"}),
        ),
        ("code=70008,codes=[70002]".into(), 400, json!({"error_codes": [70002, 70008]})),
        ("code=7000222".into(), 401, json!({"error": "invalid_client"})),
        ("code=53005".into(), 400, json!({"error": "unauthorized_client", "suberror": "protection_policy_required"})),
        ("code=90033".into(), 503, json!({"error": "temporarily_unavailable"})),
        ("code=50097,status=401".into(), 401, json!({"error_codes": [50097]})),
        ("status=429,retry_after=2".into(), 429, json!({"error": "temporarily_unavailable"})),
        ("body='{\"error\":\"odd\"}',status=400".into(), 400, json!({"error": "odd"})),
        ("code=53003,claims='not json'".into(), 400, json!({"claims": "not json"})),
    ] {
        let lab = Lab::tenant(&format!("trouble=[{{step='token',{trouble}}}]")).await;
        let reply = lab.redeem(&lab.id("Adatum"), &[]).await;
        let body = reply.json();
        assert_eq!(reply.status, status, "{trouble}: {body}");
        for (key, value) in wanted.as_object().unwrap() {
            assert_eq!(&body[key], value, "{trouble}: {key}");
        }
    }
}

/// A certificate, its key, and assertions signed with it.
struct Signer {
    certificate: String,
    key: jsonwebtoken::EncodingKey,
    sha256: String,
}

impl Signer {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["app.example".into()]).unwrap().self_signed(&key).unwrap();
        Self {
            key: jsonwebtoken::EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes()).unwrap(),
            sha256: URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der())),
            certificate: certificate.pem(),
        }
    }

    fn sign(&self, header: &jsonwebtoken::Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }
}

#[tokio::test]
async fn assertions_are_held_to_the_certificate_the_place_and_the_time() {
    use jsonwebtoken::{Algorithm, Header};
    let (signer, other) = (Signer::new(), Signer::new());
    let thumbprint = "00112233445566778899AABBCCDDEEFF00112233";
    let scenario = |certificate: &str| {
        format!("[[partner]]\nname='emea'\nthumbprint='{thumbprint}'\n{certificate}\n[[tenant]]\nname='Adatum'\n")
    };
    let lab = Lab::of(&scenario(&format!("certificate=\"\"\"{}\"\"\"", signer.certificate))).await;
    let bare = Lab::of(&scenario("")).await;
    let adatum = lab.id("Adatum");
    let client = lab.partner().client_id.clone();
    let now = tenantop::model::Clock::system().now().as_second();
    let good = json!({
        "aud": format!("{}/login/{adatum}/oauth2/v2.0/token", lab.cloud.base()),
        "iss": client, "sub": client, "jti": "1", "nbf": now, "iat": now, "exp": now + 120,
    });
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        claims
    };
    let mut ps256 = Header::new(Algorithm::PS256);
    ps256.x5t_s256 = Some(signer.sha256.clone());
    let mut rs256 = Header::new(Algorithm::RS256);
    rs256.x5t = Some("ABEiM0RVZneImaq7zN3u_wARIjM".into());
    let mut unnamed = ps256.clone();
    unnamed.x5t_s256 = None;
    let hmac = jsonwebtoken::encode(&Header::default(), &good, &jsonwebtoken::EncodingKey::from_secret(b"x")).unwrap();
    let elsewhere = format!("{}/login/common/oauth2/v2.0/token", lab.cloud.base());

    for (what, jwt, code) in [
        ("PS256", signer.sign(&ps256, &good), None),
        ("RS256 with the older thumbprint", signer.sign(&rs256, &good), None),
        ("another key", other.sign(&ps256, &good), Some(700_027)),
        ("no thumbprint", signer.sign(&unnamed, &good), Some(700_027)),
        ("HS256", hmac, Some(5_002_738)),
        ("no JWT", "abc".into(), Some(50027)),
        ("over", signer.sign(&ps256, &with("exp", json!(now - 900))), Some(700_024)),
        ("not yet", signer.sign(&ps256, &with("nbf", json!(now + 900))), Some(700_024)),
        ("no end", signer.sign(&ps256, &with("exp", Value::Null)), Some(50027)),
        ("another subject", signer.sign(&ps256, &with("sub", json!("x"))), Some(50048)),
        ("another place", signer.sign(&ps256, &with("aud", json!(elsewhere))), Some(50027)),
    ] {
        let form = [
            ("client_secret", "<none>"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", jwt.as_str()),
        ];
        let body = lab.redeem(&adatum, &form).await.json();
        assert_eq!(body["error_codes"][0].as_u64(), code, "{what}: {body}");
        if code.is_some() {
            assert_eq!(body["error"], "invalid_client");
        } else {
            let body = bare.redeem(&adatum, &form).await.json();
            assert_eq!(body["error_codes"], json!([700_027]), "an app without a certificate");
        }
    }
}

#[tokio::test]
async fn refresh_tokens_die_in_their_nights_everywhere() {
    let lab = Lab::of("[[partner]]\nname='emea'\ndies={code=50173,nights=[2,3]}\n[[tenant]]\nname='Adatum'").await;
    for (night, code) in [(0, None), (2, Some(50173)), (3, Some(50173)), (4, None)] {
        lab.cloud.set_night(night);
        for tenant in [lab.partner().tenant_id.clone(), lab.id("Adatum")] {
            assert_eq!(lab.redeem(&tenant, &[]).await.json()["error_codes"][0].as_u64(), code);
        }
    }
}
