use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use super::line::{Asking, Lane, Refusal};
use super::places::{below, same_origin};
use super::token::{AccessToken, Grant, Tokens};
use super::vault::Kept;
use super::wire::{COMMERCE, Commerce, decode_commerce, decode_skus, decode_users, tokens};
use super::{Cloud, Fault, Inner, NextLink, Note, Page, Tell, center, customers, known, relations};
use crate::failure::{Class, Failure, Hop, Service};
use crate::model::{Credentials, Customer, FIELDS, Fixed, Related, Sku, Subscription, TenantId, User};

/// Rows of a page and its next link, or what is wrong with it.
type Decoded<T> = Result<(Vec<T>, Option<String>), String>;

/// The largest page that Graph gives.
const TOP: u32 = 999;
/// The most SKUs of a tenant: Microsoft's own list names some 620 products.
const SKUS: usize = 10_000;
/// What is asked of a manager.
const MANAGER: &str = "manager($select=id,displayName,userPrincipalName)";

impl Inner {
    /// Takes a secret or certificate that its files have got meanwhile. One that cannot be used is told with the partner's
    /// credentials; the sign-in goes on with the one in memory.
    pub(super) fn look_again(&self) {
        if let Err(why) = self.identity.look_again() {
            tracing::warn!(partner = %self.partner.name, why, "the credential in memory is used");
        }
    }

    /// Redeems a refresh token at a tenant.
    async fn redeem(
        &self,
        tenant: TenantId,
        refresh: &SecretString,
        scope: &str,
        asking: (Hop, &Tell, &mut u32),
    ) -> Result<Tokens, Box<Failure>> {
        self.redeem_as(tenant, &Grant::Refresh(refresh), scope, asking, tokens).await
    }

    /// Redeems what there is at a tenant, and reads of the answer what is wanted.
    pub(super) async fn redeem_as<T>(
        &self,
        tenant: TenantId,
        grant: &Grant<'_>,
        scope: &str,
        (hop, tell, repeats): (Hop, &Tell, &mut u32),
        read: impl Fn(&[u8], Timestamp) -> Result<T, String>,
    ) -> Result<T, Box<Failure>> {
        let defect =
            |why: String| Box::new(Failure::local(Class::RequestBug, Service::Entra, hop, &why, self.line.clock.now()));
        let endpoint = self.places.token(tenant).map_err(defect)?;
        let mut asking = Asking { service: Service::Entra, hop, lane: Lane::Gate, tell, repeats };
        let clock = &self.line.clock;
        let asked = self.line.ask(
            &mut asking,
            |client, _| self.identity.redeem(client, &endpoint, grant, scope, clock.now()),
            |body| read(body, clock.now()),
        );
        asked.await.map(|(read, _)| read).map_err(Refusal::into_failure)
    }
}

impl Cloud {
    /// Hop 1: redeems the stored refresh token at the partner's own tenant. The token that comes in its place is durable
    /// when this returns.
    pub async fn sign_in(&self, tell: &Tell) -> Result<Session, Box<Failure>> {
        let inner = &self.0;
        let _alone = inner.signing_in.lock().await;
        let Kept { current, previous, .. } = self.stored().await?;
        let mut repeats = 0;
        let hop = inner
            .redeem(inner.identity.tenant, &current, &inner.places.graph_scope, (Hop::Partner, tell, &mut repeats))
            .await;
        let (used, tokens) = match (hop, previous) {
            (Ok(tokens), _) => (current, tokens),
            // The newest never worked; the one before did.
            (Err(failure), Some(previous)) if is_of_token(failure.class) => {
                let scope = &inner.places.graph_scope;
                let again = (Hop::Partner, tell, &mut repeats);
                match inner.redeem(inner.identity.tenant, &previous, scope, again).await {
                    Ok(tokens) => (previous, tokens),
                    Err(_) => return Err(failure),
                }
            }
            (Err(failure), _) => return Err(failure),
        };
        let is_new = tokens.refresh.is_some();
        let refresh = match tokens.refresh {
            Some(new) => {
                self.keep(&used, &new).await?;
                new
            }
            None => used,
        };
        let session = Session {
            inner: Arc::clone(inner),
            refresh: Arc::new(refresh),
            worked: Arc::default(),
            graph: Arc::new(tokens.access),
            center: Arc::default(),
        };
        if !is_new {
            session.worked().await;
        }
        Ok(session)
    }

    /// What can be told of the partner's credentials now; absent only where a defect ended the reading.
    pub async fn credentials(&self) -> Option<Credentials> {
        let inner = Arc::clone(&self.0);
        let look = move || {
            let trouble = inner.identity.look_again().err();
            known::of(&inner.partner, &inner.vault, &inner.place, trouble)
        };
        tokio::task::spawn_blocking(look).await.ok()
    }

    fn of_vault(&self, why: &str) -> Box<Failure> {
        let now = self.0.line.clock.now();
        Box::new(Failure::local(Class::RefreshTokenInvalid, Service::Unknown, Hop::Partner, why, now))
    }

    async fn stored(&self) -> Result<Kept, Box<Failure>> {
        let inner = Arc::clone(&self.0);
        let partner = inner.place.partner.clone();
        let read = move || {
            inner.look_again();
            inner.place.take_over()?;
            inner.place.read()
        };
        let read = tokio::task::spawn_blocking(read).await;
        match read.unwrap_or_else(|_| Err("the stored sign-in cannot be read".to_owned())) {
            Ok(Some(kept)) => Ok(kept),
            Ok(None) => {
                Err(self
                    .of_vault(&format!("no stored sign-in for partner {partner}: tenantop login --partner {partner}")))
            }
            Err(why) => Err(self.of_vault(&why)),
        }
    }

    async fn keep(&self, used: &SecretString, new: &SecretString) -> Result<(), Box<Failure>> {
        let (place, now) = (self.0.place.clone(), self.0.line.clock.now());
        let (used, new) = (used.clone(), new.clone());
        let kept = tokio::task::spawn_blocking(move || place.rotate(&used, &new, now)).await;
        kept.unwrap_or_else(|_| Err("the new sign-in cannot be kept".to_owned())).map_err(|why| self.of_vault(&why))
    }
}

/// Whether a refusal is about the refresh token itself.
fn is_of_token(class: Class) -> bool {
    matches!(class, Class::RefreshTokenExpired | Class::RefreshTokenRevoked | Class::RefreshTokenInvalid)
}

/// A partner that is signed in, for one run. Cheap to clone.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
    refresh: Arc<SecretString>,
    /// Whether the refresh token has worked in this run: then the one before it is kept no more.
    worked: Arc<AtomicBool>,
    /// The partner's own Graph token, as hop 1 brought it.
    graph: Arc<AccessToken>,
    /// The partner's own Partner Center token, got when it is first needed.
    center: Arc<tokio::sync::Mutex<Option<Arc<AccessToken>>>>,
}

impl Session {
    /// The partner's customer list, whole. It gets a Partner Center token first.
    pub async fn customers(&self, tell: &Tell) -> Result<Vec<Customer>, Box<Failure>> {
        let token = self.center(None, tell).await?;
        customers::read(&self.inner, &token, tell).await
    }

    /// What the partner sold to a customer: its subscriptions of units, whatever their status, without their products.
    /// It goes at the pace of Partner Center, beside all else, with the partner's own Partner Center token.
    pub async fn sold(&self, customer: TenantId, tell: &Tell) -> Result<Vec<Subscription>, Box<Failure>> {
        let mut repeats = 0;
        let token = self.center(None, tell).await?;
        match center::subscriptions(&self.inner, &token, customer, tell, &mut repeats).await {
            Err(failure) if failure.status == Some(401) => {
                let token = self.center(Some(&token), tell).await?;
                center::subscriptions(&self.inner, &token, customer, tell, &mut repeats).await
            }
            read => read,
        }
    }

    /// The Partner Center token: one for all who ask in this run, and a new one where it is near its end or was refused.
    async fn center(&self, refused: Option<&Arc<AccessToken>>, tell: &Tell) -> Result<Arc<AccessToken>, Box<Failure>> {
        let inner = &self.inner;
        let mut kept = self.center.lock().await;
        let good = |token: &&Arc<AccessToken>| {
            !token.is_old(inner.line.clock.now()) && refused.is_none_or(|refused| !Arc::ptr_eq(refused, token))
        };
        if let Some(token) = kept.as_ref().filter(good) {
            return Ok(Arc::clone(token));
        }
        let mut repeats = 0;
        let scope = &inner.places.partner_center_scope;
        let hop = (Hop::Partner, tell, &mut repeats);
        let tokens = inner.redeem(inner.identity.tenant, &self.refresh, scope, hop).await?;
        self.worked().await;
        let token = Arc::new(tokens.access);
        *kept = Some(Arc::clone(&token));
        Ok(token)
    }

    /// The refresh token has just worked. What goes wrong with saying so leaves the one before it, which does no harm.
    async fn worked(&self) {
        if self.worked.swap(true, Ordering::Relaxed) {
            return;
        }
        let (place, refresh) = (self.inner.place.clone(), Arc::clone(&self.refresh));
        if let Ok(Err(why)) = tokio::task::spawn_blocking(move || place.worked(&refresh)).await {
            tracing::warn!(partner = %self.inner.partner.name, why, "the refresh token before stays");
        }
    }

    /// The partner's GDAP relationships, the best of each customer: from its own tenant, with its own token.
    pub async fn relations(&self, tell: &Tell) -> Result<Vec<Related>, Box<Failure>> {
        relations::read(&self.inner, &self.graph, tell).await
    }

    /// A customer's tenant. Nothing is sent yet.
    pub fn tenant(&self, tenant: TenantId, tell: Tell) -> TenantSession {
        TenantSession {
            session: self.clone(),
            tenant,
            tell,
            token: None,
            refused: None,
            repeats: 0,
            seen: HashSet::new(),
        }
    }
}

/// One customer's tenant in one run: its Graph token and what was asked with it.
pub struct TenantSession {
    session: Session,
    tenant: TenantId,
    tell: Tell,
    token: Option<AccessToken>,
    /// A sign-in that was refused is not tried again in this run.
    refused: Option<Box<Failure>>,
    repeats: u32,
    /// Links followed so far: one that comes again would never end.
    seen: HashSet<u64>,
}

impl TenantSession {
    /// The same, with nothing sent twice: a fault on the way is an answer too.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.repeats = u32::MAX;
        self
    }

    /// Hop 2: a Graph token for the tenant. The refresh token that comes with it is dropped: it was minted under the
    /// customer's policies, and the partner's own serves every tenant.
    pub async fn sign_in(&mut self) -> Result<(), Box<Failure>> {
        if let Some(failure) = &self.refused {
            return Err(failure.clone());
        }
        let inner = Arc::clone(&self.session.inner);
        let hop = (Hop::Customer, &self.tell, &mut self.repeats);
        match inner.redeem(self.tenant, &self.session.refresh, &inner.places.graph_scope, hop).await {
            Ok(tokens) => {
                self.session.worked().await;
                self.token = Some(tokens.access);
                Ok(())
            }
            Err(failure) => {
                self.refused = Some(failure.clone());
                Err(failure)
            }
        }
    }

    /// A page of users: the first, or the one that a link of the page before leads to.
    pub async fn users(&mut self, from: Option<&NextLink>) -> Result<Page<User>, Fault> {
        let address = match from {
            None => {
                self.seen.clear();
                self.first_users().map_err(|why| self.refuse(&why))?
            }
            Some(link) => link.0.clone(),
        };
        let ((rows, next), bytes) = self.get(&address, decode_users).await?;
        let next = next.map(|link| self.check(&link)).transpose()?;
        Ok(Page { rows, next, bytes })
    }

    /// The same for whoever goes on when the import is over: notes go elsewhere, and repeats are counted anew.
    #[must_use]
    pub fn handed_on(mut self, tell: Tell) -> Self {
        self.tell = tell;
        self.repeats = 0;
        self
    }

    /// All subscribed SKUs, as if they came on one page.
    pub async fn skus(&mut self) -> Result<Page<Sku>, Fault> {
        self.all("/v1.0/subscribedSkus", SKUS, decode_skus).await
    }

    /// The tenant's own list of commerce subscriptions: which product each subscription is.
    pub async fn commerce(&mut self) -> Result<Vec<Commerce>, Box<Failure>> {
        match self.all("/v1.0/directory/subscriptions", COMMERCE, decode_commerce).await {
            Ok(page) => Ok(page.rows),
            Err(Fault::Refused(failure) | Fault::PageTokenExpired(failure)) => Err(failure),
        }
    }

    /// A list of no more than so many rows, as if it came on one page.
    async fn all<T>(&mut self, path: &str, most: usize, read: fn(&[u8]) -> Decoded<T>) -> Result<Page<T>, Fault> {
        self.seen.clear();
        let mut address = below(&self.session.inner.places.graph, path).map_err(|why| self.refuse(&why))?;
        let mut all = Page { rows: Vec::new(), next: None, bytes: 0 };
        loop {
            let ((rows, next), bytes) = self.get(&address, read).await?;
            all.rows.extend(rows);
            all.bytes += bytes;
            let Some(link) = next else { return Ok(all) };
            if all.rows.len() > most {
                return Err(self.refuse("the list is longer than any real one"));
            }
            address = self.check(&link)?.0;
        }
    }

    fn first_users(&self) -> Result<Url, String> {
        let fields = FIELDS.iter().filter(|field| **field != Fixed::Manager).map(|field| field.name());
        let select = ["id"].into_iter().chain(fields).collect::<Vec<_>>().join(",");
        let query = format!("/v1.0/users?$select={select}&$expand={MANAGER}&$top={TOP}");
        below(&self.session.inner.places.graph, &query)
    }

    fn refuse(&self, why: &str) -> Fault {
        let now = self.session.inner.line.clock.now();
        Fault::Refused(Box::new(Failure::local(Class::BadAnswer, Service::Graph, Hop::Customer, why, now)))
    }

    /// A next link may lead only to where it came from, and to no page twice.
    fn check(&mut self, link: &str) -> Result<NextLink, Fault> {
        let Ok(url) = Url::parse(link) else { return Err(self.refuse("the next link is no address")) };
        if !same_origin(&self.session.inner.places.graph, &url) {
            let to = url.origin().ascii_serialization();
            return Err(self.refuse(&format!("the next link leads to {to}: it is not followed")));
        }
        let mut hash = DefaultHasher::new();
        link.hash(&mut hash);
        if !self.seen.insert(hash.finish()) {
            return Err(self.refuse("the next link came before: the list would never end"));
        }
        if self.seen.len() >= self.session.inner.line.limits.max_pages as usize {
            return Err(self.refuse("the list has too many pages"));
        }
        Ok(NextLink(url))
    }

    /// Asks Graph. A token near its end is renewed first; one that is refused is renewed once.
    async fn get<T>(
        &mut self,
        address: &Url,
        read: impl Fn(&[u8]) -> Result<T, String> + Copy,
    ) -> Result<(T, u64), Fault> {
        let inner = Arc::clone(&self.session.inner);
        let mut renewed = false;
        loop {
            let old = self.token.as_ref().is_none_or(|token| token.is_old(inner.line.clock.now()));
            if old {
                let had_one = self.token.is_some();
                self.sign_in().await.map_err(Fault::Refused)?;
                if had_one {
                    (self.tell)(Note::NewToken);
                }
            }
            let Some(token) = &self.token else { return Err(self.refuse("there is no token")) };
            let mut asking = Asking {
                service: Service::Graph,
                hop: Hop::Customer,
                lane: Lane::Gate,
                tell: &self.tell,
                repeats: &mut self.repeats,
            };
            let asked = inner.line.ask(&mut asking, |client, _| token.get(client, address), read);
            match asked.await {
                Ok(answer) => return Ok(answer),
                Err(Refusal::NewToken(failure)) if renewed => return Err(Fault::Refused(failure)),
                Err(Refusal::NewToken(_)) => {
                    renewed = true;
                    self.sign_in().await.map_err(Fault::Refused)?;
                    (self.tell)(Note::NewToken);
                }
                Err(Refusal::Restart(failure)) => return Err(Fault::PageTokenExpired(failure)),
                Err(Refusal::Final(failure)) => return Err(Fault::Refused(failure)),
            }
        }
    }
}
