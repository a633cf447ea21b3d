//! What goes wrong, and what is counted.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};
use tenantop::sim::Scenario;

use super::{GRAPH, Lab, SELECT, ids, reply};

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
        // Six of seven units, less what has come back while the three were asked.
        let share: f64 = users.header("x-ms-throttle-limit-percentage").parse().unwrap();
        assert!((0.8..=0.86).contains(&share), "{share}");
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
        assert_eq!((counters.throttled, counters.early), (1, 0));
        lab.graph("subscribedSkus", &token).await;
        assert_eq!(lab.cloud.counters().early, u64::from(form != "missing"), "{form}");
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
    assert_eq!(read("do='short_page',page=2").await, (vec![20, 10, 20], 50, 30, Some(30)));
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
            assert_eq!((counters.strays, counters.misdirected), (1, 1), "{trouble}");
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
    assert_eq!((counters.at_once, counters.at_once_in_a_tenant), (3, 2));
    let silent = lab.client.get(format!("{}/graph/v1.0/subscribedSkus", lab.cloud.base())).bearer_auth(&adatum);
    reply(silent).await.unwrap();
    assert_eq!(lab.cloud.counters().without_id, 1);
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
