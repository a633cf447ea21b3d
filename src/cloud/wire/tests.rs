use proptest::prelude::*;

use super::*;

const USER: &str = r#"{"@odata.context":"x","@odata.nextLink":"https://graph.example/v1.0/users?$skiptoken=X%274%27","value":[
 {"id":"6E03A2DB-564A-47EC-BA51-D0CD38AF069A","displayName":"Ad\u00e8le \u202eVance","department":null,"unknownMember":{"a":[1,{}]},
  "assignedLicenses":[{"disabledPlans":["8c098270-9dd4-4350-9b30-ba4703f3b36b"],"skuId":"c7df2760-2c81-4ef7-b578-5b5392b571df"},{"skuId":null,"disabledPlans":[]}],
  "onPremisesExtensionAttributes":{"extensionAttribute1":"CC-1","extensionAttribute2":null},
  "manager":{"@odata.type":"\u0023microsoft.graph.orgContact","id":"6e03a2db-564a-47ec-ba51-d0cd38af069b","displayName":"Boss"}}]}"#;

#[test]
fn a_user_is_decoded_with_null_and_missing_kept_apart() {
    let (users, next) = decode_users(format!("\u{feff}{USER}").as_bytes()).unwrap();
    let user = &users[0];
    assert_eq!(
        next.unwrap(),
        "https://graph.example/v1.0/users?$skiptoken=X%274%27",
        "a next link is kept to the letter"
    );
    assert_eq!(user.id.to_string(), "6e03a2db-564a-47ec-ba51-d0cd38af069a");
    assert_eq!(user.text(TextField::DisplayName), Some("Adèle ?Vance"));
    assert!(user.text(TextField::Department).is_none() && !user.is_absent(Fixed::Text(TextField::Department)));
    assert!(user.text(TextField::City).is_none() && user.is_absent(Fixed::Text(TextField::City)));
    let licenses = user.licenses.as_ref().unwrap();
    assert_eq!((licenses.len(), licenses[0].disabled_plans.len(), licenses[1].sku_id), (2, 1, None));
    assert_eq!(user.extension.as_ref().unwrap()[0].as_deref(), Some("CC-1"));
    assert_eq!(user.manager.as_ref().unwrap().display_name.as_deref(), Some("Boss"));
    assert_eq!(user.manager.as_ref().unwrap().user_principal_name, None);
}

fn refused(body: &str, phrase: &str) {
    let error = decode_users(body.as_bytes()).unwrap_err();
    assert!(error.contains(phrase), "{body} gave: {error}");
}

#[test]
fn half_and_odd_pages_are_refused_as_a_whole() {
    refused("", "broken");
    refused("{}", "no list");
    refused(r#"{"value":null}"#, "no list");
    refused(&USER[..USER.len() - 3], "broken");
    refused(&format!("{USER}{{\"error\":{{}}}}"), "broken");
    refused(r#"{"value":[],"error":{"code":"x"}}"#, "error inside");
    refused("<html></html>", "web page");
    refused(r#"{"value":[{"id":"me"}]}"#, "`me` is not a GUID");
    refused(r#"{"value":[{"displayName":"x"}]}"#, "no id");
    refused(r#"{"value":[{"id":"6e03a2db-564a-47ec-ba51-d0cd38af069a","city":7}]}"#, "text or null");
    refused(r#"{"value":[{"id":"6e03a2db-564a-47ec-ba51-d0cd38af069a","city":"a","city":"b"}]}"#, "duplicate field");
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    refused(&format!(r#"{{"value":{deep}}}"#), "broken");
    // What nobody asked for is passed over without recursion, however deep it is.
    assert!(decode_users(format!(r#"{{"x":{deep},"value":[]}}"#).as_bytes()).is_ok());
    assert!(decode_users(&[0xff, 0xfe, 0x7b]).unwrap_err().contains("UTF-8"));
}

#[test]
fn long_texts_are_cut_at_a_character() {
    let body =
        format!(r#"{{"value":[{{"id":"6e03a2db-564a-47ec-ba51-d0cd38af069a","city":"{}"}}]}}"#, "é".repeat(5000));
    let (users, _) = decode_users(body.as_bytes()).unwrap();
    assert_eq!(users[0].text(TextField::City).unwrap().len(), TEXT_LIMIT);
}

#[test]
fn skus_keep_what_is_unknown() {
    let body = r#"{"value":[{"id":"a_b","skuId":"C7DF2760-2c81-4ef7-b578-5b5392b571df","skuPartNumber":"MY SKU, NEW","capabilityStatus":"Frozen","appliesTo":"Planet",
        "consumedUnits":null,"prepaidUnits":{"enabled":0,"warning":1100,"suspended":null},"servicePlans":[{"servicePlanId":"8c098270-9dd4-4350-9b30-ba4703f3b36b","provisioningStatus":"PendingWeather"}]},{}]}"#;
    let (skus, next) = decode_skus(body.as_bytes()).unwrap();
    assert!(next.is_none());
    let sku = &skus[0];
    assert_eq!(sku.status.as_deref(), Some("Frozen"));
    assert_eq!(sku.consumed, None);
    let count = crate::model::SkuCount::from(sku);
    assert_eq!((count.purchased(), count.unassigned(), count.prepaid.locked_out), (Some(1100), None, None));
    assert_eq!(sku.service_plans[0].status.as_deref(), Some("PendingWeather"));
    assert_eq!(crate::model::SkuCount::from(&skus[1]).purchased(), None, "unknown is not 0");
}

#[test]
fn customers_and_their_next_page() {
    let body = "\u{feff}{\"totalCount\":1,\"items\":[{\"id\":\"x\",\"companyProfile\":{\"tenantId\":\"B44BB1FB-c595-45b0-9e09-d657365580bf\",\"domain\":\"a.example\",\"companyName\":\"A\\u200b\"}},{\"id\":\"no\"}],\"links\":{\"next\":{\"uri\":\"/customers?size=40\",\"method\":\"GET\",\"headers\":[{\"key\":\"MS-ContinuationToken\",\"value\":\"t0\"}]}}}";
    let (customers, next, left_out) = decode_customers(body.as_bytes()).unwrap();
    assert_eq!((customers.len(), left_out), (1, 1));
    assert_eq!(customers[0].name, "A?");
    assert_eq!(customers[0].tenant.to_string(), "b44bb1fb-c595-45b0-9e09-d657365580bf");
    assert_eq!(next.unwrap().continuation.as_deref(), Some("t0"));
    assert!(decode_customers(b"{}").is_err());
}

#[test]
fn tokens_of_both_endpoints() {
    for life in ["3599", "\"3599\""] {
        decode_token(format!(r#"{{"access_token":"abc","refresh_token":"def","expires_in":{life}}}"#).as_bytes())
            .unwrap();
    }
    for bad in [
        r#"{"access_token":"SECRET","expires_in":"soon"}"#,
        r#"{"access_token":"SECRET WORDS","expires_in":1}"#,
        r#"{"access_token":"SECRET""#,
    ] {
        let error = decode_token(bad.as_bytes()).unwrap_err();
        assert!(!error.contains("SECRET"), "{error}");
    }
}

proptest! {
    #[test]
    fn mutated_pages_never_panic(at in 0usize..USER.len(), byte in any::<u8>(), cut in 0usize..USER.len()) {
        let mut body = USER.as_bytes().to_vec();
        body[at] = byte;
        let _ = decode_users(&body);
        let _ = decode_skus(&body);
        let _ = decode_customers(&body);
        let _ = decode_token(&body);
        body.truncate(cut);
        prop_assert!(decode_users(&body).is_err());
    }

    #[test]
    fn any_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = decode_users(&body);
        let _ = decode_skus(&body);
        let _ = decode_customers(&body);
        let _ = decode_token(&body);
    }
}
