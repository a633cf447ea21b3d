//! `login`: a person signs the service account in. All that is said goes to standard error.

use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::Result;
use zeroize::Zeroizing;

use super::args::SignIn;
use super::errand::{self, Wish};
use super::output::Out;
use super::pasted::Pasted;
use super::place::{Place, Source};
use super::{DONE, INTERRUPTED, PARTNER_REFUSED, STORE, Stop, ended_by_signal};
use crate::cloud::{Candidate, Cloud, LoginError, Note, Shelf, Tell, key_source, store_refresh_token};
use crate::config::Partner;
use crate::engine::shelf;
use crate::store::{Store, StoreError};

/// How long somebody may take to sign in. Entra's own pages end sooner.
const PATIENCE: Duration = Duration::from_mins(30);
/// How often something that is no such address may be pasted.
const TRIES: usize = 3;

/// `tenantop login`
pub(super) fn login(place: &Place, wanted: &SignIn) -> Result<u8> {
    let out = &place.out;
    if let Some(socket) = place.socket() {
        if wanted.refresh_token_file.is_some() {
            return Err(Stop::usage(
                "a refresh token never goes over the socket: sign in without --refresh-token-file, or end the service \
                 (systemctl stop tenantop.socket tenantop) and run this as its user",
            )
            .into());
        }
        let wish = Wish::Login { partner: wanted.partner.clone(), device_code: wanted.device_code };
        return errand::far(place, &socket, wish, |bytes| out.bytes(bytes));
    }
    let partner = place.partner(&wanted.partner)?;
    let brought = wanted.refresh_token_file.as_deref().map(read).transpose()?;
    // Before anybody signs in: without a key nothing can be kept.
    key_source(&place.vault(Shelf::none("the key alone is looked at")))
        .map_err(|why| Stop::usage(format!("the key that tokens are sealed with: {why}. Nothing is stored")))?;
    if let (Some(text), true) = (&brought, wanted.untried) {
        let store = open(place)?;
        store_refresh_token(&place.vault(shelf(store.sealed())), partner, text, place.clock.now())?;
        out.say(&format!(
            "the refresh token of partner {} is kept untried, sealed, in {}; next: tenantop sync --partner {}",
            partner.name,
            place.store.display(),
            partner.name
        ));
        return Ok(DONE);
    }
    // Whether it is to be had, before anybody signs in. Until there is something to keep it is left to others.
    if matches!(place.source, Source::Store) {
        drop(open(place)?);
    }
    let connect = |shelf| Cloud::open(partner, &place.loaded.config.import, &place.vault(shelf), place.clock.clone());
    let cloud = connect(Shelf::none("nothing is kept before it was tried"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let signed_in = runtime.block_on(async {
        let sign_in = async {
            let candidate = match &brought {
                Some(text) => cloud.brought(text)?,
                None if wanted.device_code => by_device_code(&cloud, partner, out).await?,
                None => by_browser(&cloud, partner, out).await?,
            };
            let store = match &place.source {
                Source::Store => match wait_for(place).await {
                    Ok(store) => Some(store),
                    Err(held) => return Ok(Err(held)),
                },
                Source::Service(..) => None,
            };
            let sealed = match (&store, &place.source) {
                (Some(store), _) => store.sealed(),
                (None, Source::Service(_, reader)) => reader.sealed(),
                (None, Source::Store) => return Ok(Err(held("the store is not open").into())),
            };
            out.say("trying the refresh token at our own tenant and for Partner Center");
            connect(shelf(sealed))?.try_and_keep(candidate, &tell(out)).await.map(Ok)
        };
        tokio::select! {
            biased;
            code = left(out) => Err(Stop { said: "left; what was stored before stays".to_owned(), code }.into()),
            signed_in = sign_in => Ok(signed_in),
        }
    });
    // A thread may still wait for what nobody will type.
    runtime.shutdown_background();
    let signed_in: Result<Result<Result<()>, LoginError>> = signed_in;
    match signed_in? {
        Ok(Err(held)) => Err(held),
        Ok(Ok(())) => {
            out.say(&format!(
                "partner {}: {} is signed in, with MFA; its refresh token is kept, sealed, in {}; next: tenantop sync \
                 --partner {}",
                partner.name,
                partner.service_account,
                place.store.display(),
                partner.name
            ));
            Ok(DONE)
        }
        Err(LoginError::Setup(error)) => Err(error.into()),
        Err(LoginError::Pasted(why)) => Err(Stop::usage(format!("{why}: nothing is stored")).into()),
        Err(error) => {
            let at = error.failure().map_or_else(|| place.clock.now(), |failure| failure.at);
            let id = error.failure().and_then(|failure| failure.correlation_id.as_deref());
            let id = id.map_or_else(String::new, |id| format!(", correlation id {id}"));
            let steps = error.steps().iter().fold(String::new(), |all, step| format!("{all}  {step}\n"));
            let said = format!(
                "partner {}: not signed in: {error}; at {at:.0}{id}\nWho acts: {}\n{steps}Nothing of it is stored; what was \
                 stored before stays as it is.",
                partner.name,
                error.who(),
            );
            Err(Stop { said, code: PARTNER_REFUSED }.into())
        }
    }
}

/// Waits until whoever signs in leaves: by a key, or by going away from the other end of the socket.
async fn left(out: &Out) -> u8 {
    const LOOKS_AGAIN: Duration = Duration::from_millis(200);
    if matches!(out, Out::Own) {
        return ended_by_signal().await;
    }
    while !out.is_left() {
        tokio::time::sleep(LOOKS_AGAIN).await;
    }
    INTERRUPTED
}

/// The store, to keep a token in.
fn open(place: &Place) -> Result<Store> {
    place.open_store().map_err(|error| {
        let is_held = matches!(error.downcast_ref(), Some(StoreError::Held { .. }));
        if is_held { held(&error.to_string()).into() } else { error }
    })
}

fn held(error: &str) -> Stop {
    let said = format!(
        "{error}, and the token has to be kept there. Who acts: US. Next: end it (a console: q; a service: systemctl stop), \
         then tenantop login again. Nothing is stored; what was stored before stays as it is"
    );
    Stop { said, code: STORE }
}

/// The store for a sign-in that somebody has just done: it is not lost because somebody else looks at a list.
async fn wait_for(place: &Place) -> Result<Store> {
    const LIMIT: Duration = Duration::from_mins(2);
    const AGAIN: Duration = Duration::from_millis(500);
    let until = tokio::time::Instant::now() + LIMIT;
    let mut told = false;
    loop {
        let error = match place.open_store() {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        if !matches!(error.downcast_ref(), Some(StoreError::Held { .. })) {
            return Err(error);
        }
        if tokio::time::Instant::now() >= until {
            return Err(held(&error.to_string()).into());
        }
        if !std::mem::replace(&mut told, true) {
            place.out.say(&format!(
                "{error}: waits {} minutes for it; end it, so that the sign-in can be kept",
                LIMIT.as_secs() / 60
            ));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The text of a file, or of standard input.
fn read(file: &Path) -> Result<Zeroizing<String>> {
    /// No file with a refresh token comes near this.
    const LIMIT: usize = 64 << 10;
    // With room for all of it, and past the buffer of standard input: neither leaves a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(LIMIT + 1));
    let opened = if file == Path::new("-") {
        std::io::stdin().as_fd().try_clone_to_owned().map(std::fs::File::from)
    } else {
        std::fs::File::open(file)
    };
    let read = opened.and_then(|open| open.take(LIMIT as u64).read_to_string(&mut text));
    read.map_err(|error| Stop::usage(format!("{}: {error}", file.display())))?;
    Ok(text)
}

/// Says when it waits.
fn tell(out: &Out) -> Tell {
    let out = out.clone();
    Arc::new(move |note| {
        if let Note::Waiting { wait, status, .. } = note {
            let why = status.map_or_else(|| "no answer".to_owned(), |status| format!("HTTP {status}"));
            out.say(&format!("{why}; asks again in {:.0} s", wait.as_secs_f64()));
        }
    })
}

async fn by_browser(cloud: &Cloud, partner: &Partner, out: &Out) -> Result<Candidate, LoginError> {
    let login = cloud.begin_browser()?;
    let mut lines = Pasted::of(out);
    let account = &partner.service_account;
    out.say(&format!(
        "partner {}: sign in as {account}, with MFA.\n\n\
         1. Open this address in a private window of a browser, on any computer:\n\n{}\n\n\
         2. Sign in there. The browser ends at an address that begins with {}\n   \
         and says that it cannot open it: that is right, nothing listens there.\n\
         3. Copy that whole address from the address bar, paste it here, press Enter. It is not shown, it works once and\n   \
         for some minutes, and it belongs nowhere else. Ctrl-C leaves.",
        partner.name,
        login.address(),
        login.ends_at(),
    ));
    let until = tokio::time::Instant::now() + PATIENCE;
    for left in (0..TRIES).rev() {
        let line = match tokio::time::timeout_at(until, lines.next()).await {
            Ok(Some(line)) => line,
            Ok(None) => return Err(LoginError::Pasted("nothing was pasted")),
            Err(_) => return Err(LoginError::Pasted("nothing was pasted for half an hour")),
        };
        match cloud.redeem_pasted(&login, &line, &tell(out)).await {
            Err(error @ LoginError::Pasted(_)) if left > 0 => {
                out.say(&format!("{error}. {} Paste it again:", error.steps().join(" ")));
            }
            done => return done,
        }
    }
    Err(LoginError::Pasted("nothing was pasted that could be used"))
}

async fn by_device_code(cloud: &Cloud, partner: &Partner, out: &Out) -> Result<Candidate, LoginError> {
    out.say(
        "Mind: a refresh token that comes of a device code stays marked as such, through all that follow it. A tenant whose\n\
         policy blocks device code flow, as one of Microsoft's own does, refuses it for ever after (530036, 53003).\n\
         `tenantop login` without --device-code has no such mark.",
    );
    let login = cloud.begin_device(&tell(out)).await?;
    out.say(&format!(
        "\npartner {}: sign in as {}, with MFA.\n\n  \
         Open {} in a private window of a browser, on any computer,\n  \
         and type this code: {}\n\n\
         Waits for it for {} minutes. Ctrl-C leaves.",
        partner.name,
        partner.service_account,
        login.place(),
        login.typed(),
        login.life().as_secs().div_ceil(60),
    ));
    cloud.await_device(&login, &tell(out)).await
}
