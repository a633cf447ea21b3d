//! Partner Center: how its requests look and how its lists go on; and the subscriptions of a customer.

use std::collections::HashSet;

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Client, Request};
use url::Url;
use uuid::Uuid;

use super::line::{Asking, Lane, Refusal};
use super::places::{below, same_origin};
use super::token::AccessToken;
use super::wire::{NextItems, SUBSCRIPTIONS, decode_subscriptions};
use super::{Inner, Tell};
use crate::failure::{Class, Failure, Hop, Service};
use crate::model::{Subscription, TenantId};

/// A page of a list and who asks for it.
pub(super) struct Get<'a> {
    pub(super) address: &'a Url,
    pub(super) token: &'a AccessToken,
    /// The same for a repeat.
    pub(super) request_id: String,
    /// The same for a list.
    pub(super) correlation: &'a str,
    /// What the page before said of it.
    pub(super) next: Option<&'a NextItems>,
}

impl Get<'_> {
    /// The request, with the headers that Partner Center wants.
    pub(super) fn request(&self, client: &Client) -> Result<Request, String> {
        let mut request = client.get(self.address.clone()).header(ACCEPT, "application/json");
        for (name, value) in [
            ("MS-RequestId", self.request_id.as_str()),
            ("MS-CorrelationId", self.correlation),
            ("MS-Contract-Version", "v1"),
            ("X-Locale", "en-US"),
            ("MS-PartnerCenter-Application", "tenantop"),
        ] {
            request = request.header(name, value);
        }
        let mut request = request.build().map_err(|error| error.without_url().to_string())?;
        if let Some(continuation) = self.next.and_then(|next| next.continuation.as_ref()) {
            let value = HeaderValue::from_str(continuation).map_err(|_| "a continuation token is no header text")?;
            request.headers_mut().insert("MS-ContinuationToken", value);
        }
        self.token.sign(&mut request)?;
        Ok(request)
    }
}

/// Where a page is. The address of a next page is relative, may lack `/v1` and may hold two question marks.
pub(super) fn address(base: &Url, first: &str, next: Option<&NextItems>) -> Result<Url, String> {
    let Some(next) = next else { return below(base, first) };
    if next.uri.contains("://") || next.uri.starts_with("//") {
        let link = Url::parse(&next.uri).map_err(|_| "the next page of the list has no usable address".to_owned())?;
        if same_origin(base, &link) {
            return Ok(link);
        }
        return Err("the next page of the list leads to another host: it is not followed".to_owned());
    }
    let path = next.uri.trim_start_matches('/');
    let path = if path.starts_with("v1/") { format!("/{path}") } else { format!("/v1/{path}") };
    let mut path = match path.split_once('?') {
        Some((path, query)) => format!("{path}?{}", query.replace('?', "&")),
        None => path,
    };
    if !path.to_lowercase().contains("seekoperation=") {
        path.push_str(if path.contains('?') { "&seekOperation=Next" } else { "?seekOperation=Next" });
    }
    let link = below(base, &path)?;
    if same_origin(base, &link) { Ok(link) } else { Err("the next page of the list leads elsewhere".to_owned()) }
}

/// Reads the subscriptions of a customer, those of units alone. The list is documented as one page; one that has more is
/// followed, one that repeats itself or does not end is refused.
pub(super) async fn subscriptions(
    inner: &Inner,
    token: &AccessToken,
    customer: TenantId,
    tell: &Tell,
    repeats: &mut u32,
) -> Result<Vec<Subscription>, Box<Failure>> {
    let refuse = |why: &str| {
        let now = inner.line.clock.now();
        Box::new(Failure::local(Class::BadAnswer, Service::PartnerCenter, Hop::Partner, why, now))
    };
    let correlation = Uuid::new_v4().to_string();
    let first = format!("/v1/customers/{customer}/subscriptions");
    let mut all: Vec<Subscription> = Vec::new();
    let (mut ids, mut links) = (HashSet::new(), HashSet::new());
    let mut next: Option<NextItems> = None;
    loop {
        let address = address(&inner.places.partner_center, &first, next.as_ref()).map_err(|why| refuse(&why))?;
        let get = Get {
            address: &address,
            token,
            request_id: Uuid::new_v4().to_string(),
            correlation: &correlation,
            next: next.as_ref(),
        };
        let mut asking = Asking { service: Service::PartnerCenter, hop: Hop::Partner, lane: Lane::Pace, tell, repeats };
        let made = inner.line.ask(&mut asking, |client, _| get.request(client), decode_subscriptions);
        let ((page, link), _) = made.await.map_err(Refusal::into_failure)?;
        all.extend(page.into_iter().filter(|one| ids.insert(one.id.clone())));
        let Some(link) = link else { return Ok(all) };
        if !links.insert((link.uri.clone(), link.continuation.clone())) {
            return Err(refuse("the list of subscriptions repeats itself"));
        }
        if links.len() >= inner.line.limits.max_pages as usize || all.len() > SUBSCRIPTIONS {
            return Err(refuse("the list of subscriptions does not end"));
        }
        next = Some(link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, want: Option<&str>) {
        let base = Url::parse("https://api.example/partner").unwrap();
        let next = NextItems { uri: uri.to_owned(), continuation: None };
        assert_eq!(address(&base, "/v1/customers", Some(&next)).ok().as_ref().map(Url::as_str), want, "{uri}");
    }

    #[test]
    fn addresses_of_next_pages() {
        let whole = "https://api.example/partner/v1/customers?size=500&seekOperation=Next";
        check("/v1/customers?size=500&seekOperation=Next", Some(whole));
        check("/customers?size=500&seekOperation=Next", Some(whole));
        check("customers?size=500?seekOperation=Next", Some(whole));
        check("/customers?size=500", Some(whole));
        check("https://api.example/partner/v1/x", Some("https://api.example/partner/v1/x"));
        check("https://evil.example/v1/customers", None);
        check("//evil.example/v1/customers", None);
        check("http://api.example/v1/customers", None);
    }
}
