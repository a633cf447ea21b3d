//! The simulated cloud over real HTTP, with a client that knows nothing of it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::HeaderMap;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tenantop::sim::{Partner, Running, Scenario, Sim};

const GRAPH: &str = "https://graph.microsoft.com/.default offline_access";
const CENTER: &str = "https://api.partnercenter.microsoft.com/user_impersonation";
const SELECT: &str = "$select=id,displayName,assignedLicenses,userPrincipalName,onPremisesExtensionAttributes\
                      &$expand=manager($select=id,displayName)";

/// A cloud and somebody who asks it.
struct Lab {
    cloud: Running,
    scenario: Scenario,
    client: Client,
}

#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Lab {
    async fn of(scenario: &str) -> Self {
        Self::playing(Scenario::parse(scenario).unwrap()).await
    }

    /// One partner, one tenant `Adatum` with more lines.
    async fn tenant(lines: &str) -> Self {
        Self::of(&format!("[[partner]]\nname='emea'\n[[tenant]]\nname='Adatum'\n{lines}")).await
    }

    async fn playing(scenario: Scenario) -> Self {
        let cloud = Sim::start(scenario.clone(), SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).gzip(false).build().unwrap();
        Self { cloud, scenario, client }
    }

    fn partner(&self) -> &Partner {
        &self.scenario.partners()[0]
    }

    fn id(&self, name: &str) -> String {
        self.scenario.tenant_id(name).unwrap().to_string()
    }

    async fn get_with(&self, url: &str, token: &str, more: &[(&str, &str)]) -> reqwest::Result<Reply> {
        let mut request = self.client.get(url).header("client-request-id", "7b1e6a52-0000-4000-8000-000000000001");
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        reply(request).await
    }

    async fn graph(&self, path: &str, token: &str) -> Reply {
        self.get_with(&format!("{}/graph/v1.0/{path}", self.cloud.base()), token, &[]).await.unwrap()
    }

    /// A token request with some fields other than usual; an empty value leaves the field out.
    async fn redeem(&self, tenant: &str, other: &[(&str, &str)]) -> Reply {
        let partner = self.partner();
        let mut form = std::collections::BTreeMap::from([
            ("grant_type", "refresh_token"),
            ("client_id", &partner.client_id),
            ("client_secret", &partner.secret),
            ("refresh_token", &partner.refresh_token),
            ("scope", GRAPH),
        ]);
        for (name, value) in other {
            form.insert(name, value);
        }
        form.retain(|_, value| *value != "<none>");
        let request = self
            .client
            .post(format!("{}/login/{tenant}/oauth2/v2.0/token", self.cloud.base()))
            .header("client-request-id", "7b1e6a52-0000-4000-8000-000000000002")
            .header("return-client-request-id", "true")
            .form(&form);
        reply(request).await.unwrap()
    }

    async fn token(&self, tenant: &str, scope: &str) -> String {
        let reply = self.redeem(tenant, &[("scope", scope)]).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    async fn adatum(&self) -> String {
        self.token(&self.id("Adatum"), GRAPH).await
    }

    /// All pages of users; as many as came before something other than a page.
    async fn read_users(&self, token: &str, top: u32) -> (Vec<Vec<Value>>, Option<Reply>) {
        let mut url = format!("{}/graph/v1.0/users?{SELECT}&$top={top}", self.cloud.base());
        let mut pages = Vec::new();
        loop {
            let reply = self.get_with(&url, token, &[]).await.unwrap();
            if reply.status != 200 {
                return (pages, Some(reply));
            }
            let body = reply.json();
            pages.push(body["value"].as_array().unwrap().clone());
            match body["@odata.nextLink"].as_str() {
                Some(next) if pages.len() < 1000 => next.clone_into(&mut url),
                Some(_) | None => return (pages, None),
            }
        }
    }
}

async fn reply(request: reqwest::RequestBuilder) -> reqwest::Result<Reply> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    Ok(Reply { status, headers, body: response.bytes().await?.to_vec() })
}

fn ids(pages: &[Vec<Value>]) -> Vec<&str> {
    pages.iter().flatten().map(|user| user["id"].as_str().unwrap()).collect()
}

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
    assert_eq!((counters.tokens_issued, counters.refresh_tokens_seen, counters.tokens_astray), (4, 2, 0));
    assert_eq!((counters.all("token"), counters.without_request_id), (4, 0));
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

#[tokio::test]
async fn access_tokens_open_only_what_they_are_for() {
    let lab = Lab::of("[[partner]]\nname='emea'\n[[tenant]]\nname='Adatum'\n[[tenant]]\nname='Coho'\n").await;
    let own = lab.partner().tenant_id.clone();
    let center = lab.token(&own, CENTER).await;
    let graph = lab.adatum().await;
    let customers = format!("{}/partner/v1/customers?size=10", lab.cloud.base());

    for (token, says) in [("", "empty"), ("garbage", "80049217"), (center.as_str(), "audience")] {
        let reply = lab.graph("users", token).await;
        assert_eq!(reply.status, 401);
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
        let error = &reply.json()["error"];
        assert_eq!(error["code"], "InvalidAuthenticationToken");
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
        assert_eq!(error["innerError"]["client-request-id"], "7b1e6a52-0000-4000-8000-000000000001");
        assert_eq!(error["innerError"]["request-id"], reply.header("request-id"));
    }
    let reply = lab.get_with(&customers, &graph, &[]).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.json()["code"].as_u64()), (401, Some(900_420)));
    let reply = lab.get_with(&format!("{}/nowhere", lab.cloud.base()), &graph, &[]).await.unwrap();
    assert_eq!(reply.status, 404);
    assert_eq!(lab.cloud.counters().tokens_astray, 3);

    // The link of one tenant with the token of another.
    let first = lab.graph("users?$top=4", &graph).await.json();
    let link = first["@odata.nextLink"].as_str().unwrap();
    let coho = lab.token(&lab.id("Coho"), GRAPH).await;
    assert_eq!(lab.get_with(link, &coho, &[]).await.unwrap().status, 401);
    assert_eq!(lab.get_with(link, &graph, &[]).await.unwrap().status, 200);

    lab.cloud.expire_access_tokens();
    let reply = lab.graph("users", &graph).await;
    assert_eq!(reply.status, 401);
    assert!(reply.json()["error"]["message"].as_str().unwrap().contains("expired"));
    assert_eq!(lab.get_with(&customers, &center, &[]).await.unwrap().status, 401);
}

#[tokio::test]
async fn users_come_page_by_page_and_each_once() {
    let lab = Lab::tenant("users=2500\nskus=['SPE_E3:2000:1800']").await;
    let token = lab.adatum().await;
    let (pages, end) = lab.read_users(&token, 999).await;
    assert!(end.is_none());
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [999, 999, 502]);
    let all: std::collections::BTreeSet<_> = ids(&pages).into_iter().collect();
    assert_eq!(all.len(), 2500);
    let (again, _) = lab.read_users(&token, 100).await;
    assert_eq!((again.len(), ids(&again)), (25, ids(&pages)), "the same people, whatever the page");
    let holders = pages.iter().flatten().filter(|user| !user["assignedLicenses"].as_array().unwrap().is_empty());
    assert_eq!(holders.count(), 1800);
    let user = &pages[0][20];
    let keys: Vec<_> = user.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(keys.iter().all(|key| {
        ["id", "displayName", "assignedLicenses", "userPrincipalName", "onPremisesExtensionAttributes", "manager"]
            .contains(key)
    }));

    let skus = lab.graph("subscribedSkus", &token).await.json();
    let row = &skus["value"][0];
    assert_eq!((row["consumedUnits"].as_u64(), row["prepaidUnits"]["enabled"].as_u64()), (Some(1800), Some(2000)));
    assert_eq!(row["id"], format!("{}_{}", lab.id("Adatum"), row["skuId"].as_str().unwrap()));
    assert_eq!(lab.cloud.counters().of("users", lab.id("Adatum").parse().unwrap()), 28);
    assert!(lab.cloud.log().iter().any(|seen| seen.step == "users" && seen.page == 25 && seen.status == 200));
}

#[tokio::test]
async fn what_is_asked_of_users_is_read_as_graph_reads_it() {
    let lab = Lab::tenant("users=200").await;
    let token = lab.adatum().await;
    for (query, status, code) in [
        ("users?$top=1000", 400, "Request_BadRequest"),
        ("users?$top=0", 400, "Request_BadRequest"),
        ("users?$skip=5", 400, "Request_BadRequest"),
        ("users?$select=id,shoeSize", 400, "Request_BadRequest"),
        ("users?$select=id,aboutMe", 501, "NotImplemented"),
        ("users?$expand=memberOf", 400, "ExpandNotSupported"),
        ("users?$expand=manager($levels=max)", 400, "Request_UnsupportedQuery"),
        ("users?$filter=userType eq 'Guest'", 400, "Request_UnsupportedQuery"),
        ("users?$skiptoken=X%2744%27", 400, "Request_BadRequest"),
        ("subscribedSkus?$filter=x", 400, "Request_UnsupportedQuery"),
        ("subscribedSkus?$top=5", 400, "Request_UnsupportedQuery"),
    ] {
        let reply = lab.graph(query, &token).await;
        assert_eq!((reply.status.as_u16(), reply.json()["error"]["code"].as_str()), (status, Some(code)), "{query}");
    }
    // Nothing selected: the basic profile, a hundred a page. Encoded dollars are dollars.
    let reply = lab.graph("users", &token).await.json();
    assert_eq!(reply["value"].as_array().unwrap().len(), 100);
    assert_eq!(reply["value"][0].as_object().unwrap().len(), 11);
    let reply = lab.graph("users?%24select=id%2CdisplayName&%24top=7", &token).await.json();
    assert_eq!(reply["value"][0].as_object().unwrap().len(), 2);
    // A link that was changed on the way back is none.
    let link = reply["@odata.nextLink"].as_str().unwrap();
    assert!(link.contains("$skiptoken=X%27"));
    assert_eq!(lab.get_with(&link.replace("top=7", "top=8"), &token, &[]).await.unwrap().status, 400);
    assert_eq!(lab.get_with(&format!("{link}&$count=true"), &token, &[]).await.unwrap().status, 400);
    assert_eq!(lab.get_with(link, &token, &[]).await.unwrap().status, 200);
}

#[tokio::test]
async fn customers_are_paged_with_a_header_and_begin_with_a_bom() {
    for (form, uri) in [
        ("bare", "/customers?size=500&seekOperation=Next"),
        ("versioned", "/v1/customers?size=500&seekOperation=Next"),
        ("two_marks", "/customers?size=500?seekOperation=Next"),
    ] {
        let lab = Lab::of(&format!(
            "[[partner]]\nname='emea'\npage=4\nnext_uri='{form}'\n[[crowd]]\ncount=10\nusers=[1,2]\n"
        ))
        .await;
        let token = lab.token(&lab.partner().tenant_id, CENTER).await;
        let base = lab.cloud.base();
        let first = format!("{base}/partner/v1/customers?size=500");
        let mut reply = lab.get_with(&first, &token, &[]).await.unwrap();
        let mut seen = std::collections::BTreeSet::new();
        let mut pages = 0;
        loop {
            assert_eq!(&reply.body[..3], b"\xef\xbb\xbf");
            assert!(!reply.header("ms-cv").is_empty() && !reply.header("ms-requestid").is_empty());
            let body: Value = serde_json::from_slice(&reply.body[3..]).unwrap();
            pages += 1;
            for item in body["items"].as_array().unwrap() {
                assert!(seen.insert(item["companyProfile"]["tenantId"].as_str().unwrap().to_owned()));
            }
            let next = &body["links"]["next"];
            if next.is_null() {
                break;
            }
            assert_eq!(next["uri"], uri);
            let header = &next["headers"][0];
            let more = [(header["key"].as_str().unwrap(), header["value"].as_str().unwrap())];
            let url = format!("{base}/partner{}", if form == "versioned" { uri.into() } else { format!("/v1{uri}") });
            let dropped = lab.get_with(&url, &token, &[]).await.unwrap();
            assert_eq!(dropped.body, lab.get_with(&first, &token, &[]).await.unwrap().body, "page 1 again");
            reply = lab.get_with(&url, &token, &more).await.unwrap();
        }
        assert_eq!((pages, seen.len()), (3, 10), "{form}");
        let without = lab.get_with(&format!("{base}/partner/v1/customers"), &token, &[]).await.unwrap();
        assert_eq!((without.status.as_u16(), without.json()["source"].as_str()), (400, Some("PartnerFD")));
    }
}

#[tokio::test]
async fn partner_center_refuses_in_its_own_shape() {
    for (trouble, status, wanted) in [
        ("code=900421", 401, json!({"code": 900_421, "source": "PartnerFD"})),
        ("code=20002", 403, json!({"code": 20002, "data": []})),
        ("code=900309", 403, json!({"code": 900_309})),
        ("status=429", 429, json!({"statusCode": 429})),
        ("status=500,code=800003", 500, json!({"code": 800_003})),
    ] {
        let lab = Lab::of(&format!("[[partner]]\nname='emea'\ntrouble=[{{step='customers',{trouble}}}]")).await;
        let token = lab.token(&lab.partner().tenant_id, CENTER).await;
        let url = format!("{}/partner/v1/customers?size=500", lab.cloud.base());
        let reply = lab.get_with(&url, &token, &[]).await.unwrap();
        let body = reply.json();
        assert_eq!(reply.status, status, "{trouble}");
        for (key, value) in wanted.as_object().unwrap() {
            assert_eq!(&body[key], value, "{trouble}");
        }
        if status == 429 {
            assert_eq!(reply.header("retry-after"), "57");
        }
    }
}

#[tokio::test]
async fn tenants_are_listed_from_their_night_on() {
    let lab = Lab::tenant("listed=[7,9]").await;
    let token = lab.token(&lab.partner().tenant_id, CENTER).await;
    let url = format!("{}/partner/v1/customers?size=500", lab.cloud.base());
    for (night, count) in [(6, 0), (7, 1), (9, 1), (10, 0)] {
        let control = lab.client.post(format!("{}/control/night", lab.cloud.base())).body(night.to_string());
        assert_eq!(reply(control).await.unwrap().status, 200);
        assert_eq!(lab.cloud.night(), night);
        let reply = lab.get_with(&url, &token, &[]).await.unwrap();
        let body: Value = serde_json::from_slice(&reply.body[3..]).unwrap();
        assert_eq!(body["items"].as_array().unwrap().len(), count, "night {night}");
    }
    let counters = lab.get_with(&format!("{}/control/counters", lab.cloud.base()), "", &[]).await.unwrap().json();
    assert_eq!(counters["requests"]["customers"][&lab.partner().tenant_id], 4);
}

#[tokio::test]
async fn metering_sends_away_and_says_for_how_long() {
    for form in ["whole", "decimal", "date", "missing"] {
        let lab = Lab::of(&format!(
            "[throttle]\nscale=0.002\nretry_after='{form}'\n[[partner]]\nname='emea'\n[[tenant]]\nname='Adatum'\n"
        ))
        .await;
        let token = lab.adatum().await;
        // 7 units in 10 s.
        let skus = lab.graph("subscribedSkus", &token).await;
        assert_eq!((skus.status.as_u16(), skus.header("x-ms-resource-unit")), (200, "3"));
        let users = lab.graph(&format!("users?{SELECT}"), &token).await;
        assert_eq!((users.status.as_u16(), users.header("x-ms-resource-unit")), (200, "2"));
        let users = lab.graph("users?$select=id", &token).await;
        assert_eq!(users.header("x-ms-resource-unit"), "1");
        assert_eq!(users.header("x-ms-throttle-limit-percentage"), "0.86");
        let refused = lab.graph("subscribedSkus", &token).await;
        assert_eq!(refused.status, 429);
        assert_eq!(refused.json()["error"]["code"], "TooManyRequests");
        assert!(refused.json()["error"]["message"].as_str().unwrap().contains("aadgraph.app.tenant_small"));
        assert!(refused.header("x-ms-throttle-scope").starts_with("Tenant_Application/"));
        let after = refused.header("retry-after");
        match form {
            "whole" => assert!((3..=5).contains(&after.parse::<u64>().unwrap()), "{after}"),
            "decimal" => assert!(after.contains('.') && after.parse::<f64>().unwrap() > 2.0, "{after}"),
            "date" => assert!(after.ends_with(" GMT"), "{after}"),
            _ => assert_eq!(after, ""),
        }
        let counters = lab.cloud.counters();
        assert_eq!((counters.throttled, counters.early_retries), (1, 0));
        lab.graph("subscribedSkus", &token).await;
        assert_eq!(lab.cloud.counters().early_retries, u64::from(form != "missing"), "{form}");
    }
}

#[tokio::test]
async fn graph_can_be_made_to_refuse() {
    for (trouble, status, code, after) in [
        ("code='Authorization_RequestDenied'", 403, "Authorization_RequestDenied", ""),
        ("status=403", 403, "Authorization_RequestDenied", ""),
        ("status=503,retry_after=2.128", 503, "serviceNotAvailable", "2.128"),
        ("status=429,retry_after=3", 429, "TooManyRequests", "3"),
        ("status=429", 429, "TooManyRequests", ""),
        ("status=429,retry_after='soon'", 429, "TooManyRequests", "soon"),
        ("status=500,code='UnknownError',text=''", 500, "UnknownError", ""),
        ("do='expired_page_token'", 400, "Directory_ExpiredPageToken", ""),
        ("do='refuse_token'", 401, "InvalidAuthenticationToken", ""),
        ("do='token_expires'", 401, "InvalidAuthenticationToken", ""),
    ] {
        let lab = Lab::tenant(&format!("users=30\ntrouble=[{{step='users',page=2,{trouble}}}]")).await;
        let token = lab.adatum().await;
        let (pages, end) = lab.read_users(&token, 20).await;
        let end = end.unwrap();
        assert_eq!((pages.len(), end.status.as_u16()), (1, status), "{trouble}");
        assert_eq!(end.json()["error"]["code"], code, "{trouble}");
        assert_eq!(end.header("retry-after"), after, "{trouble}");
        let dead = lab.graph("users", &token).await.status == 401;
        assert_eq!(dead, trouble.contains("token_expires"), "{trouble}");
    }
}

#[tokio::test]
async fn troubles_pass_by() {
    let lab = Lab::tenant("users=9\ntrouble=[{step='users',status=503,times=2,nights=[3,4]}]").await;
    let token = lab.adatum().await;
    for night in [2, 3, 4, 5] {
        lab.cloud.set_night(night);
        for call in 0..4 {
            let wanted = if (3..=4).contains(&night) && call < 2 { 503 } else { 200 };
            assert_eq!(lab.graph("users", &token).await.status, wanted, "night {night} call {call}");
        }
    }
}

/// How a client sees an answer that is spoilt on its way.
#[derive(Debug, PartialEq)]
enum Seen {
    /// No answer at all.
    Nothing,
    /// A head, and a body that breaks off.
    Broken,
    /// This status, and a body that is JSON or is not.
    Whole(u16, bool),
}

#[tokio::test]
async fn answers_are_spoilt_on_their_way() {
    use Seen::{Broken, Nothing, Whole};
    for (trouble, wanted) in [
        ("do='close'", Nothing),
        ("do='cut'", Broken),
        ("do='html'", Whole(502, false)),
        ("do='html',status=200", Whole(200, false)),
        ("do='empty'", Whole(503, false)),
        ("do='empty',status=200", Whole(200, false)),
        ("do='bom'", Whole(200, false)),
        ("do='redirect'", Whole(302, false)),
        ("do='error_appended'", Whole(200, false)),
        ("do='content_type'", Whole(200, true)),
        ("do='deep'", Whole(200, false)),
        ("drip=1", Whole(200, true)),
        ("body='[]',status=200", Whole(200, true)),
    ] {
        for step in ["users", "skus", "token"] {
            let lab = Lab::tenant(&format!("users=1\ntrouble=[{{step='{step}',{trouble},times=1}}]")).await;
            let adatum = lab.id("Adatum");
            let request = if step == "token" {
                let partner = lab.partner();
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", &partner.client_id),
                    ("client_secret", &partner.secret),
                    ("refresh_token", &partner.refresh_token),
                    ("scope", GRAPH),
                ];
                lab.client.post(format!("{}/login/{adatum}/oauth2/v2.0/token", lab.cloud.base())).form(&form)
            } else {
                let path = if step == "users" { "users" } else { "subscribedSkus" };
                lab.client.get(format!("{}/graph/v1.0/{path}", lab.cloud.base())).bearer_auth(lab.adatum().await)
            };
            let seen = match request.send().await {
                Err(_) => Nothing,
                Ok(response) => {
                    let status = response.status().as_u16();
                    match response.bytes().await {
                        Err(_) => Broken,
                        Ok(body) => Whole(status, serde_json::from_slice::<Value>(&body).is_ok()),
                    }
                }
            };
            assert_eq!(seen, wanted, "{step} {trouble}");
            assert_eq!(lab.redeem(&adatum, &[]).await.status, 200, "the next call is good again");
        }
    }
}

#[tokio::test]
async fn endless_and_swelling_bodies_go_on_until_the_client_has_enough() {
    for kind in ["endless", "gzip_bomb"] {
        let lab = Lab::tenant(&format!("trouble=[{{step='users',do='{kind}'}}]")).await;
        let token = lab.adatum().await;
        let request = lab.client.get(format!("{}/graph/v1.0/users", lab.cloud.base())).bearer_auth(&token);
        let mut response = request.send().await.unwrap();
        assert_eq!(response.headers().contains_key("content-encoding"), kind == "gzip_bomb");
        let (mut bytes, enough) = (0, if kind == "endless" { 5 << 20 } else { 50_000 });
        while bytes < enough {
            bytes += response.chunk().await.unwrap().expect("it goes on").len();
        }
        drop(response);
        assert_eq!(lab.graph("subscribedSkus", &token).await.status, 200, "the cloud goes on");
    }
}

#[tokio::test]
async fn lists_are_spoilt_in_what_they_say() {
    let read = async |trouble: &str| {
        let text = format!("users=50\npage=20\nskus=['SPE_E3:60:30']\ntrouble=[{{step='users',{trouble}}}]");
        let lab = Lab::tenant(&text).await;
        let token = lab.adatum().await;
        let (pages, _) = lab.read_users(&token, 999).await;
        let skus = lab.graph("subscribedSkus", &token).await.json();
        let sizes: Vec<usize> = pages.iter().map(Vec::len).collect();
        let consumed = skus["value"][0]["consumedUnits"].as_u64();
        let held = pages.iter().flatten().filter(|user| user["assignedLicenses"] != json!([])).count();
        let mut unique = ids(&pages);
        unique.sort_unstable();
        unique.dedup();
        (sizes, unique.len(), held, consumed)
    };
    assert_eq!(read("delay=1").await, (vec![20, 20, 10], 50, 30, Some(30)));
    assert_eq!(read("do='empty_page',page=2").await, (vec![20, 0, 20, 10], 50, 30, Some(30)));
    assert_eq!(read("do='twice'").await.1, 50);
    assert_eq!(read("do='twice'").await.0, [21, 21, 11]);
    assert_eq!(read("do='no_licenses'").await, (vec![20, 20, 10], 50, 0, Some(30)));
    let (sizes, _, _, consumed) = read("do='shrunk',users=5").await;
    assert_eq!((sizes, consumed), (vec![5], Some(30)));
    let (sizes, unique, ..) = read("do='next_again',page=2").await;
    assert_eq!((sizes.len(), unique), (1000, 40), "it never ends");

    let lab = Lab::tenant("skus=['SPB:10:5']\ntrouble=[{step='skus',do='no_skus'}]").await;
    assert_eq!(lab.graph("subscribedSkus", &lab.adatum().await).await.json()["value"], json!([]));
}

#[tokio::test]
async fn whoever_follows_a_bad_link_is_noticed() {
    for (trouble, scheme) in [
        ("do='next_elsewhere',to='host'", "http"),
        ("do='next_elsewhere',to='port'", "http"),
        ("do='next_elsewhere',to='scheme'", "https"),
        ("do='redirect'", "http"),
    ] {
        let lab = Lab::tenant(&format!("users=9\npage=4\ntrouble=[{{step='users',{trouble}}}]")).await;
        let token = lab.adatum().await;
        let reply = lab.graph("users", &token).await;
        let link = match reply.header("location") {
            "" => reply.json()["@odata.nextLink"].as_str().unwrap().to_owned(),
            location => location.to_owned(),
        };
        let (there, here) = (reqwest::Url::parse(&link).unwrap(), reqwest::Url::parse(&lab.cloud.base()).unwrap());
        assert_ne!(there.origin(), here.origin(), "{trouble}");
        assert_eq!(there.scheme(), scheme);
        if scheme == "http" && there.host_str() == here.host_str() {
            lab.get_with(&link, &token, &[]).await.unwrap();
            let counters = lab.cloud.counters();
            assert_eq!((counters.strays, counters.tokens_astray), (1, 1), "{trouble}");
        }
    }
}

#[tokio::test]
async fn gzip_comes_when_it_is_asked_for() {
    let lab = Lab::tenant("users=300").await;
    let token = lab.adatum().await;
    let url = format!("{}/graph/v1.0/users?$top=300", lab.cloud.base());
    let plain = lab.get_with(&url, &token, &[]).await.unwrap();
    let packed = lab.get_with(&url, &token, &[("accept-encoding", "deflate, gzip;q=0.8")]).await.unwrap();
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() * 3 < plain.body.len());
    let mut inflated = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed.body[..]), &mut inflated).unwrap();
    assert_eq!(inflated, plain.body);
    assert_eq!(plain.header("content-length"), "", "Graph sends chunks");
}

#[tokio::test]
async fn what_goes_on_at_once_is_counted() {
    let lab = Lab::of(
        "[[partner]]\nname='emea'\n[[tenant]]\nname='Adatum'\n[[tenant]]\nname='Coho'\n\
         [[trouble]]\nstep='users'\ndelay=300\n",
    )
    .await;
    let (adatum, coho) = (lab.adatum().await, lab.token(&lab.id("Coho"), GRAPH).await);
    let began = Instant::now();
    tokio::join!(lab.graph("users", &adatum), lab.graph("users", &adatum), lab.graph("users", &coho));
    assert!(began.elapsed() >= Duration::from_millis(300));
    let counters = lab.cloud.counters();
    assert_eq!((counters.most_at_once, counters.most_at_once_of_a_tenant), (3, 2));
    let silent = lab.client.get(format!("{}/graph/v1.0/subscribedSkus", lab.cloud.base())).bearer_auth(&adatum);
    reply(silent).await.unwrap();
    assert_eq!(lab.cloud.counters().without_request_id, 1);
}

#[tokio::test]
async fn a_cloud_that_is_dropped_is_gone() {
    let lab = Lab::tenant("trouble=[{step='users',delay=60000}]").await;
    let token = lab.adatum().await;
    let base = lab.cloud.base();
    let request = lab.client.get(format!("{base}/graph/v1.0/users")).bearer_auth(&token);
    let waiting = tokio::spawn(request.send());
    let arrived = async {
        while lab.cloud.counters().all("users") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), arrived).await.unwrap();
    drop(lab.cloud);
    let answered = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    assert!(answered.is_ok(), "what was under way is cut short");
    let refused = async {
        while Client::new().get(&base).send().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap();
}

#[tokio::test]
async fn a_large_tenant_is_made_while_it_is_read() {
    let lab = Lab::tenant("users=100000\nskus=['SPE_E3:100000:90000']").await;
    let token = lab.adatum().await;
    let reply = lab.graph("users?$top=3", &token).await.json();
    assert_eq!(reply["value"].as_array().unwrap().len(), 3);
    let skus = lab.graph("subscribedSkus", &token).await.json();
    assert_eq!(skus["value"][0]["consumedUnits"], 90000);
}

#[test]
fn every_scenario_of_the_journeys_reads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let scenario = Scenario::parse(&std::fs::read_to_string(&path).unwrap());
        assert!(scenario.is_ok(), "{}: {}", path.display(), scenario.unwrap_err());
        count += 1;
    }
    assert!(count >= 8, "{count}");
}
