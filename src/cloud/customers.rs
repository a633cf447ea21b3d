use std::collections::HashSet;

use uuid::Uuid;

use super::center::{Get, address};
use super::line::{Asking, Lane, Refusal};
use super::token::AccessToken;
use super::wire::{NextItems, decode_customers};
use super::{Inner, Tell};
use crate::failure::{Class, Failure, Hop, Service};
use crate::model::Customer;

/// Customers asked for in one page: what Microsoft's own tools send. The documentation names no maximum.
const PAGE: u32 = 500;

/// Reads the whole customer list. A list that repeats itself or does not end is refused.
pub(super) async fn read(inner: &Inner, token: &AccessToken, tell: &Tell) -> Result<Vec<Customer>, Box<Failure>> {
    let refuse = |why: &str| {
        Box::new(Failure::local(Class::BadAnswer, Service::PartnerCenter, Hop::Partner, why, inner.line.clock.now()))
    };
    let first = format!("/v1/customers?size={PAGE}");
    let correlation = Uuid::new_v4().to_string();
    let mut customers: Vec<Customer> = Vec::new();
    let mut known = HashSet::new();
    let mut tokens = HashSet::new();
    let mut repeats = 0;
    let mut left_out = 0;
    let mut next: Option<NextItems> = None;
    for _ in 0..inner.line.limits.max_pages {
        let address = address(&inner.places.partner_center, &first, next.as_ref()).map_err(|why| refuse(&why))?;
        let get = Get {
            address: &address,
            token,
            request_id: Uuid::new_v4().to_string(),
            correlation: &correlation,
            next: next.as_ref(),
        };
        let mut asking = Asking {
            service: Service::PartnerCenter,
            hop: Hop::Partner,
            lane: Lane::Gate,
            tell,
            repeats: &mut repeats,
        };
        let made = inner.line.ask(&mut asking, |client, _| get.request(client), decode_customers);
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
