//! `serve`: the service that owns store, credentials and runs, for everybody on this host.

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use super::place::Place;
use super::{DONE, NO_SERVICE, Stop, errand};
use crate::engine::Engine;
use crate::link::{self, Groups, House};

/// How often the core is asked whether it answers, where systemd does not say.
const ANSWERS: Duration = Duration::from_secs(20);
/// How long it may not answer before the service counts as hung.
const PATIENCE: Duration = Duration::from_mins(10);

/// `tenantop serve`
pub(super) fn serve(place: Place) -> Result<u8> {
    let service = place.loaded.config.service.clone();
    let (groups, missing) = Groups::find(&service.view_group, &service.operate_group, &service.admin_group);
    for name in &missing {
        tracing::warn!(group = name, "there is no such group: nobody has its role");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    super::backup::sweep(place.beside());
    // The store first: of two services the second one ends here, naming the first.
    let engine = runtime.block_on(async { place.engine() })?;
    let served = runtime.block_on(async {
        let ended = super::ended_by_signal();
        let (listener, _file) = listener(&place, &groups)?;
        engine.keep_watch().await;
        engine.keep_schedule().await;
        let (partners, clock) = (place.loaded.config.partner_facts(), place.clock.clone());
        let (handed, place) = (engine.clone(), Arc::new(place));
        let calls: link::Calls = Arc::new(move |caller, wish, talk| errand::serve(&place, &handed, caller, wish, talk));
        let longest = service.longest_session;
        run(House { engine: engine.clone(), groups, partners, calls, clock, longest }, listener, ended).await
    });
    runtime.block_on(engine.stop());
    served.map(|()| DONE)
}

/// Serves until it is told to end, or until the engine is gone or hangs: then it is to be started again.
async fn run(house: House, listener: UnixListener, ended: impl Future<Output = u8>) -> Result<()> {
    let (stop, engine) = (CancellationToken::new(), house.engine.clone());
    let guests = tokio::spawn(link::serve(listener, house, stop.clone()));
    // Whoever started it may not be listening for that.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!(pid = std::process::id(), "serves");
    let ended = tokio::select! {
        code = ended => Ok(code),
        why = watchdog(&engine) => Err(why),
        () = engine.ended() => Err("the engine ended by a defect: the service ends, to be started again".to_owned()),
    };
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    stop.cancel();
    guests.await.wrap_err("the socket")?;
    match ended {
        Ok(_) => Ok(()),
        Err(why) => Err(Stop { said: why, code: super::DEFECT }.into()),
    }
}

/// Tells systemd that the core answers, as often as it wants to hear it; ends when the core does not.
async fn watchdog(engine: &Engine) -> String {
    let every = sd_notify::watchdog_enabled().map_or(ANSWERS, |limit| limit / 3);
    let mut answered = tokio::time::Instant::now();
    loop {
        // The core may give space back to the disk, which takes its time.
        if engine.is_alive(every).await {
            answered = tokio::time::Instant::now();
        } else if answered.elapsed() > PATIENCE {
            let minutes = PATIENCE.as_secs() / 60;
            return format!("the engine has not answered for {minutes} minutes: it ends, to be started again");
        }
        // Without systemd nobody listens.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        tokio::time::sleep(every).await;
    }
}

/// A socket that is ours to remove.
struct SocketFile(std::path::PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The socket that systemd hands over, or one of its own in a directory that nobody else can write to.
fn listener(place: &Place, groups: &Groups) -> Result<(UnixListener, Option<SocketFile>)> {
    let refused = |said: String| Stop { said, code: NO_SERVICE };
    let mut handed = listenfd::ListenFd::from_env();
    if handed.len() > 0 {
        let listener = handed.take_unix_listener(0).wrap_err("what systemd hands over is no unix socket")?;
        let listener = listener.ok_or_else(|| refused("what systemd hands over is no unix socket".to_owned()))?;
        listener.set_nonblocking(true)?;
        return Ok((UnixListener::from_std(listener)?, None));
    }
    let path = place.service_socket();
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    is_safe(dir).map_err(refused)?;
    match std::fs::symlink_metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(refused(format!("{}: {error}", path.display())).into()),
        Ok(found) if found.file_type().is_socket() => match std::os::unix::net::UnixStream::connect(&path) {
            Ok(_) => {
                let said = format!("another service answers at {}: it serves another store", path.display());
                return Err(refused(said).into());
            }
            // One that was killed left it.
            Err(_) => std::fs::remove_file(&path)?,
        },
        Ok(_) => return Err(refused(format!("{} is there and is no socket", path.display())).into()),
    }
    // At no moment may others connect than those whom it is for: its mode is right as it is made.
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o117));
    let bound = std::os::unix::net::UnixListener::bind(&path);
    rustix::process::umask(before);
    let bound = bound.map_err(|error| refused(format!("{}: {error}", path.display())))?;
    let file = SocketFile(path.clone());
    if let Some(group) = groups.view()
        && let Err(error) = std::os::unix::fs::chown(&path, None, Some(group))
    {
        let why = format!("{} cannot be given to group {group}: {error}; only its owner can connect", path.display());
        tracing::warn!(why);
    }
    bound.set_nonblocking(true)?;
    Ok((UnixListener::from_std(bound)?, Some(file)))
}

/// Refuses a directory in which somebody else could put another socket in the place of ours.
fn is_safe(dir: &Path) -> Result<(), String> {
    let found = std::fs::metadata(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let own = rustix::process::geteuid().as_raw();
    let mode = found.permissions().mode() & 0o7777;
    if found.uid() != own || mode & 0o027 != 0 {
        return Err(format!(
            "{} is owned by user {} with mode {mode:04o}; the socket needs a directory of user {own} with mode 0700 or 0750: \
             install -d -m 0750, or let systemd make the socket",
            dir.display(),
            found.uid(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config;
    use crate::model::Clock;
    use crate::store::Store;

    #[tokio::test]
    async fn a_service_whose_engine_is_gone_ends_as_a_defect() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store.redb"), 4 << 20).unwrap();
        let (import, keep, schedule) = <(config::Import, config::Store, config::Schedule)>::default();
        let clock = Clock::system();
        let engine =
            Engine::start(store, BTreeMap::new(), &import, Arc::default(), &keep, &schedule, clock.clone()).unwrap();
        let listener = UnixListener::bind(dir.path().join("s.sock")).unwrap();
        let house = House {
            engine: engine.clone(),
            groups: Groups::find("1", "2", "3").0,
            partners: BTreeMap::new(),
            calls: Arc::new(|_, _, _| DONE),
            clock,
            longest: Duration::from_mins(1),
        };
        let serves = tokio::spawn(run(house, listener, std::future::pending()));
        engine.stop().await;
        let why = serves.await.unwrap().unwrap_err();
        assert_eq!(why.downcast_ref::<Stop>().map(|stop| stop.code), Some(super::super::DEFECT), "{why}");
    }

    /// Waits until something holds.
    async fn until(what: &str, holds: impl Fn() -> bool) {
        let limit = tokio::time::Instant::now() + Duration::from_mins(2);
        while !holds() {
            assert!(tokio::time::Instant::now() < limit, "{what}");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_command_whose_caller_left_counts_until_it_has_ended() {
        use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store.redb"), 4 << 20).unwrap();
        let (import, keep, schedule) = <(config::Import, config::Store, config::Schedule)>::default();
        let clock = Clock::system();
        let engine =
            Engine::start(store, BTreeMap::new(), &import, Arc::default(), &keep, &schedule, clock.clone()).unwrap();
        let socket = dir.path().join("s.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let (left, lasts) = (Arc::new(AtomicUsize::new(0)), Arc::new(()));
        let (noticed, goes_on) = (Arc::clone(&left), Arc::downgrade(&lasts));
        let house = House {
            engine: engine.clone(),
            groups: Groups::find("1", "2", "3").0,
            partners: BTreeMap::new(),
            // Goes on for long, whoever has left.
            calls: Arc::new(move |_, _, talk| {
                let mut seen = false;
                while goes_on.strong_count() > 0 {
                    if !seen && talk.is_over() {
                        seen = true;
                        noticed.fetch_add(1, SeqCst);
                    }
                    std::thread::park_timeout(Duration::from_millis(1));
                }
                DONE
            }),
            clock,
            longest: Duration::from_mins(1),
        };
        let stop = CancellationToken::new();
        let serves = tokio::spawn(link::serve(listener, house, stop.clone()));
        let call = || link::call(&socket, link::Hints::default(), String::new());
        let mut calls = Vec::new();
        for _ in 0..6 {
            calls.push(call().await.unwrap());
        }
        drop(calls);
        until("the service knows that all have left", || left.load(SeqCst) == 6).await;
        let mut seventh = call().await.unwrap();
        let told = tokio::time::timeout(Duration::from_mins(2), seventh.next()).await;
        let refused = told.expect("one more is not taken").unwrap_err().to_string();
        assert!(refused.starts_with("too many commands of yours"), "{refused}");
        drop(lasts);
        loop {
            match call().await.unwrap().next().await {
                Ok(said) => break assert!(matches!(said, link::Said::Code(DONE)), "{said:?}"),
                Err(link::LinkError::Refused { .. }) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        }
        stop.cancel();
        serves.await.unwrap();
        engine.stop().await;
    }

    #[test]
    fn a_directory_that_others_can_write_to_or_look_into_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for (mode, good) in
            [(0o700, true), (0o750, true), (0o770, false), (0o755, false), (0o701, false), (0o1777, false)]
        {
            std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            let said = is_safe(dir.path());
            assert_eq!(said.is_ok(), good, "{mode:o}: {said:?}");
        }
        assert!(is_safe(&dir.path().join("none")).is_err());
    }
}
