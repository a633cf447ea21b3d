use std::collections::HashSet;

use reqwest::header::{ACCEPT, HeaderValue};
use url::Url;
use uuid::Uuid;

use super::line::{Asking, Refusal};
use super::places::{below, same_origin};
use super::wire::{NextCustomers, decode_customers};
use super::{Inner, Tell};
use crate::failure::{Class, Failure, Hop, Service};
use crate::model::Customer;

use super::token::AccessToken;

/// Customers asked for in one page: what Microsoft's own tools send. The documentation names no maximum.
const PAGE: u32 = 500;

/// Reads the whole customer list. A list that repeats itself or does not end is refused.
pub(super) async fn read(inner: &Inner, token: &AccessToken, tell: &Tell) -> Result<Vec<Customer>, Box<Failure>> {
    let refuse = |why: &str| {
        Box::new(Failure::local(Class::BadAnswer, Service::PartnerCenter, Hop::Partner, why, inner.line.clock.now()))
    };
    let correlation = Uuid::new_v4().to_string();
    let mut customers: Vec<Customer> = Vec::new();
    let mut known = HashSet::new();
    let mut tokens = HashSet::new();
    let mut repeats = 0;
    let mut left_out = 0;
    let mut next: Option<NextCustomers> = None;
    for _ in 0..inner.line.limits.max_pages {
        let address = address(&inner.places.partner_center, next.as_ref()).map_err(|why| refuse(&why))?;
        let request_id = Uuid::new_v4().to_string();
        let mut asking = Asking { service: Service::PartnerCenter, hop: Hop::Partner, tell, repeats: &mut repeats };
        let made = inner.line.ask(
            &mut asking,
            |client, _| {
                let mut request = client.get(address.clone()).header(ACCEPT, "application/json");
                for (name, value) in [
                    ("MS-RequestId", request_id.as_str()),
                    ("MS-CorrelationId", &correlation),
                    ("MS-Contract-Version", "v1"),
                    ("X-Locale", "en-US"),
                    ("MS-PartnerCenter-Application", "tenantop"),
                ] {
                    request = request.header(name, value);
                }
                let mut request = request.build().map_err(|error| error.without_url().to_string())?;
                if let Some(continuation) = next.as_ref().and_then(|next| next.continuation.as_ref()) {
                    let value =
                        HeaderValue::from_str(continuation).map_err(|_| "a continuation token is no header text")?;
                    request.headers_mut().insert("MS-ContinuationToken", value);
                }
                token.sign(&mut request)?;
                Ok(request)
            },
            decode_customers,
        );
        let ((page, link, out), _) = made.await.map_err(Refusal::into_failure)?;
        left_out += out;
        let came = page.len();
        customers.extend(page.into_iter().filter(|customer| known.insert(customer.tenant)));
        let Some(link) = link else {
            if left_out > 0 {
                tracing::warn!(left_out, "customers without a tenant id were left out of the list");
            }
            return Ok(customers);
        };
        let repeated = !tokens.insert((link.uri.clone(), link.continuation.clone()));
        if repeated || (came > 0 && customers.len() < tokens.len()) {
            return Err(refuse("the customer list repeats itself"));
        }
        next = Some(link);
    }
    Err(refuse("the customer list does not end"))
}

/// Where a page is. The address of a next page is relative, may lack `/v1` and may hold two question marks.
fn address(base: &Url, next: Option<&NextCustomers>) -> Result<Url, String> {
    let Some(next) = next else { return below(base, &format!("/v1/customers?size={PAGE}")) };
    if next.uri.contains("://") || next.uri.starts_with("//") {
        let link = Url::parse(&next.uri).map_err(|_| "the next page of customers has no usable address".to_owned())?;
        if same_origin(base, &link) {
            return Ok(link);
        }
        return Err("the next page of customers leads to another host: it is not followed".to_owned());
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
    if same_origin(base, &link) { Ok(link) } else { Err("the next page of customers leads elsewhere".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, want: Option<&str>) {
        let base = Url::parse("https://api.example/partner").unwrap();
        let next = NextCustomers { uri: uri.to_owned(), continuation: None };
        assert_eq!(address(&base, Some(&next)).ok().as_ref().map(Url::as_str), want, "{uri}");
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
