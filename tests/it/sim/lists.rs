//! Users, SKUs and customers as the services give them.

use serde_json::{Value, json};

use super::{CENTER, GRAPH, Lab, ids, reply};

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
    assert_eq!(lab.cloud.counters().misdirected, 3);

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
async fn subscriptions_are_what_is_enabled_unless_the_scenario_says() {
    let lab = Lab::of(
        "[[partner]]\nname='emea'\n[[partner]]\nname='apac'\n\
         [[tenant]]\npartner='emea'\nname='Adatum'\nid='00000000-0000-4000-8000-000000000002'\nskus=['SPB:9:1', 'FLOW_FREE:10000:1',\
         {sku='EMS', enabled=5, sold=[3, {units=2, status='suspended', term='P1M', ends=-4, joined=false}]},\
         {sku='MCOEV', enabled=4, sold=[]}]\n\
         [[tenant]]\npartner='apac'\nname='Coho'\n",
    )
    .await;
    let own = lab.partner().tenant_id.clone();
    let center = lab.token(&own, CENTER).await;
    let at = |id: &str| format!("{}/partner/v1/customers/{id}/subscriptions", lab.cloud.base());
    let reply = lab.get_with(&at(&lab.id("Adatum")), &center, &[("MS-CorrelationId", "c")]).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.header("ms-correlationid")), (200, "c"));
    let body = reply.body.strip_prefix(b"\xef\xbb\xbf").expect("a success begins with a mark");
    let body: Value = serde_json::from_slice(body).unwrap();
    let rows = body["items"].as_array().unwrap();
    let said: Vec<_> = rows.iter().map(|row| (&row["offerName"], &row["quantity"], &row["status"])).collect();
    let want = [
        ("Microsoft 365 Business Premium", 9, "active"),
        ("Enterprise Mobility + Security E3", 3, "active"),
        ("Enterprise Mobility + Security E3", 2, "suspended"),
        ("Azure plan", 1, "active"),
    ];
    let want: Vec<_> = want.iter().map(|(name, n, status)| (json!(name), json!(n), json!(status))).collect();
    assert_eq!(said, want.iter().map(|(name, n, status)| (name, n, status)).collect::<Vec<_>>());
    assert_eq!((&rows[3]["unitType"], &rows[3]["billingType"]), (&json!("Usage-based"), &json!("usage")));

    let graph = lab.adatum().await;
    let list = lab.graph("directory/subscriptions", &graph).await.json();
    let list = list["value"].as_array().unwrap();
    let find = |id: &Value| {
        let id = id.as_str().unwrap().to_lowercase();
        list.iter().find(|row| row["commerceSubscriptionId"] == id).map(|row| row["skuPartNumber"].clone())
    };
    let joined: Vec<_> = rows.iter().map(|row| find(&row["id"])).collect();
    assert_eq!(joined, [Some(json!("SPB")), Some(json!("EMS")), None, None]);
    let skus = lab.graph("subscribedSkus", &graph).await.json();
    let of = |part: &str| {
        let row = skus["value"].as_array().unwrap().iter().find(|row| row["skuPartNumber"] == part).unwrap();
        row["subscriptionIds"].as_array().unwrap().clone()
    };
    assert_eq!((of("SPB").len(), of("EMS").len(), of("MCOEV").len(), of("FLOW_FREE").len()), (1, 2, 1, 1));
    for part in ["SPB", "MCOEV", "FLOW_FREE"] {
        assert!(list.iter().any(|row| row["id"] == of(part)[0]), "{part}: the customer's list has it, whoever sold it");
    }

    for id in [lab.id("Coho"), own, "00000000-0000-4000-8000-0000000000ff".to_owned()] {
        let reply = lab.get_with(&at(&id), &center, &[]).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.json()["code"].as_u64()), (404, Some(1000)), "{id} is no customer");
    }
    let reply = lab.get_with(&at(&lab.id("Adatum")), &graph, &[]).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.json()["code"].as_u64()), (401, Some(900_420)));
    assert_eq!(lab.cloud.counters().misdirected, 1);
}

#[tokio::test]
async fn partner_center_answers_so_many_in_a_minute() {
    let lab = Lab::of(
        "[[partner]]\nname='emea'\n[throttle]\npartner_center=3\npartner_center_window=20.0\n[[tenant]]\nname='Adatum'\n",
    )
    .await;
    let center = lab.token(&lab.partner().tenant_id, CENTER).await;
    let sold = format!("{}/partner/v1/customers/{}/subscriptions", lab.cloud.base(), lab.id("Adatum"));
    let customers = format!("{}/partner/v1/customers?size=10", lab.cloud.base());
    for url in [&sold, &customers, &sold] {
        assert_eq!(lab.get_with(url, &center, &[]).await.unwrap().status, 200);
    }
    for url in [&sold, &customers] {
        let reply = lab.get_with(url, &center, &[]).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.json()["statusCode"].as_u64()), (429, Some(429)));
        let wait: u64 = reply.header("retry-after").parse().unwrap();
        assert!((15..=20).contains(&wait), "{wait}");
    }
    lab.cloud.set_night(1);
    assert_eq!(lab.get_with(&sold, &center, &[]).await.unwrap().status, 200, "another night is another minute");
}
