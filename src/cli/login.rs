//! `login`: a person signs the service account in. All that is said goes to standard error.

use std::io::{IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::Result;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::args::SignIn;
use super::output::say;
use super::place::Place;
use super::{DONE, PARTNER_REFUSED, STORE, Stop, ended_by_signal};
use crate::cloud::{Candidate, Cloud, LoginError, Note, PASTED_LIMIT, Shelf, Tell, key_source, store_refresh_token};
use crate::config::Partner;
use crate::engine::shelf;
use crate::store::{Store, StoreError};

/// How long somebody may take to sign in. Entra's own pages end sooner.
const PATIENCE: Duration = Duration::from_mins(30);
/// How often something that is no such address may be pasted.
const TRIES: usize = 3;

/// `tenantop login`
pub(super) fn login(place: &Place, wanted: &SignIn) -> Result<u8> {
    let partner = place.partner(&wanted.partner)?;
    let brought = wanted.refresh_token_file.as_deref().map(read).transpose()?;
    // Before anybody signs in: without a key nothing can be kept.
    key_source(&place.vault(Shelf::none("the key alone is looked at")))
        .map_err(|why| Stop::usage(format!("the key that tokens are sealed with: {why}. Nothing is stored")))?;
    if let (Some(text), true) = (&brought, wanted.untried) {
        let store = open(place)?;
        store_refresh_token(&place.vault(shelf(store.sealed())), partner, text, place.clock.now())?;
        say(&format!(
            "the refresh token of partner {} is kept untried, sealed, in {}; next: tenantop sync --partner {}",
            partner.name,
            place.store.display(),
            partner.name
        ));
        return Ok(DONE);
    }
    // Whether it is to be had, before anybody signs in. Until there is something to keep it is left to others.
    drop(open(place)?);
    let connect = |shelf| Cloud::open(partner, &place.loaded.config.import, &place.vault(shelf), place.clock.clone());
    let cloud = connect(Shelf::none("nothing is kept before it was tried"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let signed_in = runtime.block_on(async {
        let sign_in = async {
            let candidate = match &brought {
                Some(text) => cloud.brought(text)?,
                None if wanted.device_code => by_device_code(&cloud, partner).await?,
                None => by_browser(&cloud, partner).await?,
            };
            let store = match wait_for(place).await {
                Ok(store) => store,
                Err(held) => return Ok(Err(held)),
            };
            say("trying the refresh token at our own tenant and for Partner Center");
            connect(shelf(store.sealed()))?.try_and_keep(candidate, &tell()).await.map(Ok)
        };
        tokio::select! {
            biased;
            code = ended_by_signal() => Err(Stop { said: "left; what was stored before stays".to_owned(), code }.into()),
            signed_in = sign_in => Ok(signed_in),
        }
    });
    // A thread may still wait for what nobody will type.
    runtime.shutdown_background();
    let signed_in: Result<Result<Result<()>, LoginError>> = signed_in;
    match signed_in? {
        Ok(Err(held)) => Err(held),
        Ok(Ok(())) => {
            say(&format!(
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
            say(&format!(
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
fn tell() -> Tell {
    Arc::new(|note| {
        if let Note::Waiting { wait, status, .. } = note {
            let why = status.map_or_else(|| "no answer".to_owned(), |status| format!("HTTP {status}"));
            say(&format!("{why}; asks again in {:.0} s", wait.as_secs_f64()));
        }
    })
}

async fn by_browser(cloud: &Cloud, partner: &Partner) -> Result<Candidate, LoginError> {
    let login = cloud.begin_browser()?;
    let mut lines = Lines::open();
    let account = &partner.service_account;
    say(&format!(
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
        match cloud.redeem_pasted(&login, &line, &tell()).await {
            Err(error @ LoginError::Pasted(_)) if left > 0 => {
                say(&format!("{error}. {} Paste it again:", error.steps().join(" ")));
            }
            done => return done,
        }
    }
    Err(LoginError::Pasted("nothing was pasted that could be used"))
}

async fn by_device_code(cloud: &Cloud, partner: &Partner) -> Result<Candidate, LoginError> {
    say(
        "Mind: a refresh token that comes of a device code stays marked as such, through all that follow it. A tenant whose\n\
         policy blocks device code flow, as one of Microsoft's own does, refuses it for ever after (530036, 53003).\n\
         `tenantop login` without --device-code has no such mark.",
    );
    let login = cloud.begin_device(&tell()).await?;
    say(&format!(
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
    cloud.await_device(&login, &tell()).await
}

/// Lines that are pasted or piped in. A terminal shows nothing of them, and does not cut them at 4,096 bytes as it would
/// if it took lines itself.
struct Lines {
    lines: mpsc::Receiver<Zeroizing<String>>,
    /// Put back when this is dropped.
    before: Option<Termios>,
}

impl Lines {
    fn open() -> Self {
        let stdin = std::io::stdin();
        let terminal = stdin.is_terminal();
        let before = terminal.then(|| tcgetattr(&stdin).ok()).flatten();
        if let Some(mut modes) = before.clone() {
            modes.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
            modes.special_codes[SpecialCodeIndex::VMIN] = 1;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            // What goes wrong here shows what is pasted, and no more.
            let _ = tcsetattr(&stdin, OptionalActions::Now, &modes);
        }
        let (send, lines) = mpsc::channel(1);
        // A read of standard input cannot be called off: the thread ends with the program.
        std::thread::spawn(move || {
            while let Some(line) = line(terminal) {
                if send.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self { lines, before }
    }

    async fn next(&mut self) -> Option<Zeroizing<String>> {
        self.lines.recv().await
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // With what was not read: it is no command for the shell.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, before);
        }
    }
}

/// The next line that is not empty, without blanks; nothing at the end. A paste that was broken over lines comes as one.
fn line(terminal: bool) -> Option<Zeroizing<String>> {
    const END: u8 = 4;
    const RUB_OUT: [u8; 2] = [8, 127];
    const KILL: u8 = 21;
    let mut bytes = Zeroizing::new(Vec::with_capacity(PASTED_LIMIT + 1));
    let mut byte = Zeroizing::new([0]);
    let stdin = std::io::stdin();
    loop {
        // Past the buffer of standard input, which would keep what it read. An error is an end: what came is all.
        let ended = match rustix::io::read(&stdin, &mut *byte) {
            Err(rustix::io::Errno::INTR) => continue,
            read => read != Ok(1),
        };
        let [key] = *byte;
        let line_ends = matches!(key, b'\n' | b'\r') && !bytes.is_empty() && !(terminal && goes_on());
        if ended || line_ends || terminal && key == END {
            break;
        } else if terminal && RUB_OUT.contains(&key) {
            bytes.pop();
        } else if terminal && key == KILL {
            bytes.clear();
        } else if !key.is_ascii_whitespace() && bytes.len() <= PASTED_LIMIT {
            bytes.push(key);
        }
    }
    let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
    // Marks of a paste, where a shell left them on.
    let text = Zeroizing::new(text.replace("\u{1b}[200~", ""));
    let text = Zeroizing::new(text.replace("\u{1b}[201~", ""));
    (!text.is_empty()).then_some(text)
}

/// Whether more comes at once, as of a paste and not of a hand.
fn goes_on() -> bool {
    let stdin = std::io::stdin();
    let blink = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
    poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&blink)).is_ok_and(|ready| ready > 0)
}
