//! Who is at the other end of a socket, as the kernel says it.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};
use tokio::net::UnixStream;

use super::wire::Hints;
use crate::model::{Caller, Role, Text, clean};

/// The most groups that a process can be in (`NGROUPS_MAX`).
const GROUPS_LIMIT: usize = 65_536;
/// What `/proc/PID/loginuid` holds where nobody signed in.
const NO_LOGIN: u32 = u32::MAX;
/// The longest hint that is kept.
const HINT_LIMIT: usize = 128;

/// Which groups of the system have which role.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    view: Option<u32>,
    operate: Option<u32>,
    admin: Option<u32>,
    /// The service's own user.
    own: u32,
}

impl Groups {
    /// Finds the groups: each is a name, or a number where names are not known to this program.
    pub fn find(view: &str, operate: &str, admin: &str) -> (Self, Vec<String>) {
        let mut missing = Vec::new();
        let mut gid = |name: &str| {
            let found = name.parse().ok().or_else(|| uzers::get_group_by_name(name).map(|group| group.gid()));
            if found.is_none() {
                missing.push(name.to_owned());
            }
            found
        };
        let (view, operate, admin) = (gid(view), gid(operate), gid(admin));
        (Self { view, operate, admin, own: rustix::process::getuid().as_raw() }, missing)
    }

    /// The group of those who may look.
    pub fn view(&self) -> Option<u32> {
        self.view
    }

    /// The role of a process: of its groups the highest. Whoever is root, or the service's own user, can do all to it
    /// anyhow.
    pub fn role(&self, uid: u32, groups: &[u32]) -> Option<Role> {
        let is_in = |group: Option<u32>| group.is_some_and(|group| groups.contains(&group));
        if uid == 0 || uid == self.own || is_in(self.admin) {
            Some(Role::Admin)
        } else if is_in(self.operate) {
            Some(Role::Operate)
        } else {
            is_in(self.view).then_some(Role::View)
        }
    }
}

/// The caller at the other end; absent if it has no role here.
pub(super) fn caller(stream: &UnixStream, groups: &Groups) -> std::io::Result<(Caller, bool)> {
    let peer = stream.peer_cred()?;
    let mut all = peer_groups(std::os::fd::AsFd::as_fd(stream))?;
    all.push(peer.gid());
    let role = groups.role(peer.uid(), &all);
    let login = login_uid(stream, peer.pid());
    let caller = Caller {
        name: numbered(peer.uid()),
        role: role.unwrap_or_default(),
        uid: peer.uid(),
        login_uid: login.filter(|login| *login != peer.uid()),
        key: None,
        address: None,
    };
    Ok((caller, role.is_some()))
}

/// Who signed in to this host to have the process at the other end. A number of a process may be another one's by the time
/// that it is read: what is read counts only where the process is still the one that connected. A kernel before 6.5 tells
/// nothing but the number: there it is only seen whether it became another one's while it was read, not whether it had
/// before, between connecting and being taken here.
fn login_uid(stream: &UnixStream, pid: Option<i32>) -> Option<u32> {
    match getsockopt(stream, sockopt::PeerPidfd) {
        Ok(process) => {
            let pid = number(&process)?;
            let login = login_of(pid)?;
            // It lives, so the number was its own all the while.
            (number(&process) == Some(pid)).then_some(login)
        }
        // A kernel before 6.5.
        Err(Errno::ENOPROTOOPT) => {
            let pid = pid?;
            let began = began(pid)?;
            let login = login_of(pid)?;
            (self::began(pid) == Some(began)).then_some(login)
        }
        // It has gone.
        Err(_) => None,
    }
    .filter(|login| *login != NO_LOGIN)
}

/// The number of a process that lives.
fn number(process: &OwnedFd) -> Option<i32> {
    let told = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", process.as_raw_fd())).ok()?;
    let pid = told.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()?;
    (pid > 0).then_some(pid)
}

fn login_of(pid: i32) -> Option<u32> {
    std::fs::read_to_string(format!("/proc/{pid}/loginuid")).ok()?.trim().parse().ok()
}

/// When a process began, in the kernel's ticks: what another one with its number has different.
fn began(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program may hold anything; behind its last bracket the third field begins.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// How long a name is looked up; a directory that does not answer holds nobody up.
const NAMES: Duration = Duration::from_secs(1);

/// What somebody without a name is called.
fn numbered(uid: u32) -> Text {
    format!("uid{uid}").into()
}

/// The name of a user, for people; the number where the system does not say it in time.
pub(super) async fn name(uid: u32) -> Text {
    let find = move || uzers::get_user_by_uid(uid).and_then(|user| user.name().to_str().map(str::to_owned));
    let found = tokio::time::timeout(NAMES, tokio::task::spawn_blocking(find)).await;
    let found = found.ok().and_then(Result::ok).flatten();
    found.map_or_else(|| numbered(uid), |name| clean(&name).as_ref().into())
}

/// Takes hints of the caller's own side, cut and cleaned.
pub(super) fn hinted(caller: &mut Caller, hints: &Hints) {
    let kept = |hint: &Option<Text>| {
        let text: String = clean(hint.as_deref()?).chars().take(HINT_LIMIT).collect();
        Some(Text::from(text))
    };
    (caller.key, caller.address) = (kept(&hints.key), kept(&hints.address));
}

/// The supplementary groups of the process at the other end, as they were when it connected (`SO_PEERGROUPS`).
#[expect(unsafe_code, reason = "no crate offers this socket option; the buffer and its length belong together")]
fn peer_groups(socket: BorrowedFd<'_>) -> std::io::Result<Vec<u32>> {
    let mut groups = vec![0_u32; 64];
    loop {
        let mut bytes = libc::socklen_t::try_from(groups.len() * size_of::<u32>()).unwrap_or(libc::socklen_t::MAX);
        // SAFETY: the pointer is that of a buffer of `bytes` bytes, which the kernel writes no further than; `bytes` is
        // ours; the descriptor is open as long as it is borrowed.
        let got = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut bytes,
            )
        };
        let many = bytes as usize / size_of::<u32>();
        if got == 0 {
            groups.truncate(many);
            return Ok(groups);
        }
        let error = std::io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::ERANGE) || many <= groups.len() || many > GROUPS_LIMIT {
            return Err(error);
        }
        groups.resize(many, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_kernel_says_who_is_there() {
        let (one, _other) = UnixStream::pair().unwrap();
        let own = rustix::process::getuid().as_raw();
        let (groups, _) = Groups::find("4294967290", "4294967291", "4294967292");
        let (caller, known) = super::caller(&one, &groups).unwrap();
        assert_eq!((caller.uid, known, caller.role), (own, true, Role::Admin), "one's own user may all");
        let told: std::collections::BTreeSet<u32> =
            peer_groups(std::os::fd::AsFd::as_fd(&one)).unwrap().into_iter().collect();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
        assert_eq!(told, line.split_whitespace().map(|group| group.parse().unwrap()).collect());
    }

    #[tokio::test]
    async fn the_login_is_that_of_the_process_that_connected() {
        let (one, _other) = UnixStream::pair().unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        match getsockopt(&one, sockopt::PeerPidfd) {
            Ok(process) => assert_eq!(number(&process), Some(own)),
            Err(error) => assert_eq!(error, Errno::ENOPROTOOPT, "a kernel that has no such option"),
        }
        assert_eq!(login_uid(&one, Some(own)), login_of(own).filter(|login| *login != NO_LOGIN));
        let since = began(own).unwrap();
        assert_eq!(began(own), Some(since));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let process = rustix::process::pidfd_open(
            rustix::process::Pid::from_raw(pid).unwrap(),
            rustix::process::PidfdFlags::empty(),
        )
        .unwrap();
        assert_eq!((number(&process), began(pid).is_some_and(|at| at >= since)), (Some(pid), true));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((number(&process), began(pid)), (None, None), "one that has gone has no number any more");
    }

    #[test]
    fn the_highest_group_counts_and_no_group_is_no_role() {
        let groups = Groups { view: Some(1_001), operate: Some(1_002), admin: Some(1_003), own: 990 };
        for (uid, of, role) in [
            (1_000, &[1_000][..], None),
            (1_000, &[], None),
            (1_000, &[1_001], Some(Role::View)),
            (1_000, &[1_002, 1_001], Some(Role::Operate)),
            (1_000, &[1_001, 1_003], Some(Role::Admin)),
            (1_003, &[1_000], None),
            (990, &[], Some(Role::Admin)),
            (0, &[], Some(Role::Admin)),
        ] {
            assert_eq!(groups.role(uid, of), role, "{uid} {of:?}");
        }
        let none = Groups::default();
        assert_eq!(none.role(1_000, &[0, 1]), None, "a group that is not there gives nobody anything");
    }

    #[test]
    fn a_group_is_a_name_or_a_number_and_one_that_is_not_there_is_named() {
        let (groups, missing) = Groups::find("root", "4711", "no such group of anybody");
        assert_eq!((groups.view, groups.operate, groups.admin), (Some(0), Some(4711), None));
        assert_eq!(missing, ["no such group of anybody"]);
    }
}
