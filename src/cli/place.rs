use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use color_eyre::eyre::Result;

use super::Stop;
use super::args::{Only, PlaceArgs};
use super::diagnosis::state_dir;
use super::output::{Format, Out};
use crate::cloud::{Cloud, Shelf, Vault};
use crate::config::{Loaded, Origin, Partner, load};
use crate::engine::{Engine, shelf};
use crate::model::{Clock, Filter, Fleet, Key, Listed, PartnerName, Role, Tenant, TenantRow, Verb};
use crate::store::{Reader, Store};

/// The machine's configuration, and where its service listens.
const MACHINE: &str = "/etc/tenantop/config.toml";
const SOCKET: &str = "/run/tenantop/tenantop.sock";
/// Where the machine's service keeps what is its own.
const STATE: &str = "/var/lib/tenantop";

/// Configuration and store of this call.
pub(super) struct Place {
    pub(super) loaded: Loaded,
    pub(super) store: PathBuf,
    pub(super) format: Format,
    pub(super) clock: Clock,
    /// Where rows and words go.
    pub(super) out: Out,
    pub(super) source: Source,
    /// What whoever asks may do.
    pub(super) role: Role,
    /// The service's socket as a flag names it.
    pub(super) socket: Option<PathBuf>,
    /// Whether the store or the configuration is not the machine's.
    pub(super) own_files: bool,
    /// Whether a service is left alone.
    pub(super) standalone: bool,
}

/// Where rows come from.
pub(super) enum Source {
    /// The store, opened for this command alone.
    Store,
    /// A service that goes on: what it has of the fleet now, and its store.
    Service(Box<Fleet>, Reader),
}

/// Reads of a store; it is let go with this.
pub(super) struct Reading {
    reader: Reader,
    _store: Option<Store>,
}

impl std::ops::Deref for Reading {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Place {
    /// Finds them: flag, environment, the user's file, the machine's file, defaults. Of the machine alone: its file.
    pub(super) fn find(args: PlaceArgs) -> Result<Self> {
        use etcetera::base_strategy::{BaseStrategy, Xdg};
        let format = args.format()?;
        let own = Xdg::new().ok().map(|dirs| dirs.config_dir().join("tenantop/config.toml"));
        let own = own.filter(|_| !args.machine);
        let usual = own.into_iter().chain([PathBuf::from(MACHINE)]).find(|path| path.exists());
        let file = args.config.or(usual);
        let variables = std::env::vars_os()
            .filter(|_| !args.machine)
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let own_files = args.store.is_some() || file.as_deref().is_some_and(|file| file != Path::new(MACHINE));
        let standalone = args.standalone;
        let socket = args.socket;
        let mut loaded = load(file.as_deref(), variables)?;
        if let Some(path) = args.store {
            loaded.config.store.path = Some(path);
            loaded.origins.insert("store.path".to_owned(), Origin::Flag("--store"));
        }
        let store = match &loaded.config.store.path {
            Some(path) => path.clone(),
            None => state_dir()
                .ok_or_else(|| Stop::usage("no home directory: name the store with --store"))?
                .join("store.redb"),
        };
        if standalone && is_of_service(&store, Path::new(MACHINE), Path::new(STATE)) {
            let said = format!(
                "--standalone does not open {}: it is the store of this machine's service, which alone decides over it, by \
                 role, and keeps who did what. Who acts: you; next: the same without --standalone asks the service, and \
                 --store FILE names a store of your own",
                store.display()
            );
            return Err(Stop::usage(said).into());
        }
        let (out, source) = (Out::Own, Source::Store);
        // There the service has to answer: no store is opened instead.
        let of_machine = || loaded.config.service.socket.clone().unwrap_or_else(|| PathBuf::from(SOCKET));
        let socket = if args.machine { Some(of_machine()) } else { socket };
        Ok(Self {
            loaded,
            store,
            format,
            clock: Clock::system(),
            out,
            source,
            role: Role::Admin,
            socket,
            own_files,
            standalone,
        })
    }

    /// Where the service of this place listens.
    pub(super) fn service_socket(&self) -> PathBuf {
        let named = self.socket.clone().or_else(|| self.loaded.config.service.socket.clone());
        named.unwrap_or_else(|| PathBuf::from(SOCKET))
    }

    /// The socket of a service that holds the store; absent where this process opens the store itself. One that a flag
    /// names has to be there.
    pub(super) fn socket(&self) -> Option<PathBuf> {
        if self.standalone {
            return None;
        }
        if let Some(path) = &self.socket {
            return Some(path.clone());
        }
        // Whoever names a store or a configuration of their own does not mean the machine's service.
        let usual = (!self.own_files).then(|| PathBuf::from(SOCKET));
        self.loaded.config.service.socket.clone().or(usual).filter(|path| path.try_exists().unwrap_or(true))
    }

    /// Whether people are told without their names: whoever asks may not have them.
    pub(super) fn masks(&self) -> bool {
        !self.role.may(Verb::ExportPeople)
    }

    /// The directory of the store.
    pub(super) fn beside(&self) -> &Path {
        self.store.parent().unwrap_or(Path::new("."))
    }

    /// The vault of a shelf, with the keys that the configuration, systemd or the directory of the store gives.
    pub(super) fn vault(&self, tokens: Shelf) -> Vault {
        let handed = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from).filter(|path| path.is_absolute());
        Vault::new(tokens, self.beside(), &self.loaded.config.credentials, handed)
    }

    pub(super) fn open_store(&self) -> Result<Store> {
        Ok(Store::open(&self.store, self.cache_bytes())?)
    }

    pub(super) fn cache_bytes(&self) -> usize {
        self.loaded.config.store.cache_mib as usize * (1 << 20)
    }

    /// Data older than this, in seconds, are stale.
    pub(super) fn stale_after_s(&self) -> i64 {
        i64::try_from(self.loaded.config.import.stale_after.as_secs()).unwrap_or(i64::MAX)
    }

    /// The fleet, and reads of the store.
    pub(super) fn read(&self) -> Result<(Cow<'_, Fleet>, Reading)> {
        match &self.source {
            Source::Store => {
                let store = self.open_store()?;
                let fleet = self.fleet(&store)?;
                Ok((Cow::Owned(fleet), Reading { reader: store.reader(), _store: Some(store) }))
            }
            Source::Service(fleet, reader) => {
                Ok((Cow::Borrowed(&**fleet), Reading { reader: reader.clone(), _store: None }))
            }
        }
    }

    /// The fleet as the store has it.
    pub(super) fn fleet(&self, store: &Store) -> Result<Fleet> {
        let listed = self.listed()?;
        let mut fleet = store.load(self.stale_after_s())?;
        Arc::make_mut(&mut fleet.catalog).set_listed(listed);
        Ok(fleet)
    }

    /// The names of products that the configuration's list gives.
    fn listed(&self) -> Result<Arc<Listed>> {
        Ok(Arc::new(self.loaded.products()?.unwrap_or_default().listed))
    }

    /// A partner's name; a service knows itself which partners there are.
    pub(super) fn partner_name(&self, name: &str) -> Result<PartnerName> {
        if self.socket().is_some() { Ok(name.into()) } else { Ok(self.partner(name)?.name.clone()) }
    }

    /// A partner of the configuration.
    pub(super) fn partner(&self, name: &str) -> Result<&Partner> {
        let partners = &self.loaded.config.partners;
        let found = partners.iter().find(|partner| partner.name.0 == name);
        Ok(found.ok_or_else(|| {
            let names: Vec<&str> = partners.iter().map(|partner| partner.name.0.as_str()).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Stop::usage(format!("no partner `{name}` in the configuration; there are: {known}"))
        })?)
    }

    /// The engine on the store. Needs a tokio runtime.
    pub(super) fn engine(&self) -> Result<Engine> {
        let config = &self.loaded.config;
        if config.partners.is_empty() {
            return Err(
                Stop::usage("no [[partner]] in the configuration: add one (`tenantop config` names the file)").into()
            );
        }
        let listed = self.listed()?;
        let store = self.open_store()?;
        let vault = self.vault(shelf(store.sealed()));
        let clouds: BTreeMap<PartnerName, Cloud> = config
            .partners
            .iter()
            .map(|partner| {
                let cloud = Cloud::open(partner, &config.import, &vault, self.clock.clone())?;
                Ok((partner.name.clone(), cloud))
            })
            .collect::<Result<_>>()?;
        let (import, keep, schedule) = (&config.import, &config.store, &config.schedule);
        Ok(Engine::start(store, clouds, import, listed, keep, schedule, self.clock.clone())?)
    }
}

/// Whether a store is that of the machine's service: the one that its configuration names, or one in its directory,
/// through whatever links and steps back its path leads. A second name of the same file (a hard link, a bind mount) is not
/// known by its path: who may open it at all is up to the rights of the file.
fn is_of_service(store: &Path, config: &Path, state: &Path) -> bool {
    // A configuration that cannot be read names no store: what lies in the directory is left alone all the same.
    let named =
        config.exists().then(|| load(Some(config), []).ok()).flatten().and_then(|loaded| loaded.config.store.path);
    let store = real(store);
    named.is_some_and(|named| real(&named) == store) || store.starts_with(real(state))
}

/// A path without links and steps back, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut rest = Vec::new();
    let mut there = path.as_path();
    loop {
        if let Ok(found) = there.canonicalize() {
            return rest.iter().rev().fold(found, |path, name| path.join(name));
        }
        let (Some(parent), Some(name)) = (there.parent(), there.file_name()) else { return path };
        rest.push(name);
        there = parent;
    }
}

/// The tenant that an operator means: an id, a domain, or a name that fits exactly one.
pub(super) fn resolve<'a>(fleet: &'a Fleet, partner: Option<&str>, wanted: &str) -> Result<&'a Tenant> {
    let of_partner = |tenant: &&Tenant| partner.is_none_or(|name| tenant.key.partner.0 == name);
    let lower = wanted.to_lowercase();
    let all: Vec<&Tenant> = fleet.tenants.values().filter(of_partner).collect();
    let tests: [&dyn Fn(&Tenant) -> bool; 4] = [
        &|tenant| tenant.key.tenant.to_string() == lower,
        &|tenant| tenant.domain.to_lowercase() == lower,
        &|tenant| tenant.name.to_lowercase() == lower,
        &|tenant| tenant.name.to_lowercase().contains(&lower),
    ];
    for test in tests {
        let found: Vec<&Tenant> = all.iter().copied().filter(|tenant| test(tenant)).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(one),
            many => {
                let names: Vec<String> = many
                    .iter()
                    .take(8)
                    .map(|t| format!("{} ({}, {})", t.title(), t.key.partner, t.key.tenant))
                    .collect();
                let more = if many.len() > 8 { format!(" and {} more", many.len() - 8) } else { String::new() };
                return Err(
                    Stop::usage(format!("`{wanted}` fits {} tenants: {}{more}", many.len(), names.join("; "))).into()
                );
            }
        }
    }
    let hint = if fleet.tenants.is_empty() { "; the customer list was never read: tenantop sync" } else { "" };
    Err(Stop::usage(format!("no tenant `{wanted}`{hint}")).into())
}

/// The tenants that `--tenant`, `--partner` and `--filter` leave, by name.
pub(super) fn chosen<'a>(fleet: &'a Fleet, only: &Only, clock: &Clock) -> Result<Vec<TenantRow<'a>>> {
    let filter = Filter::parse::<TenantRow<'_>>(only.filter.as_deref().unwrap_or_default())
        .map_err(|error| Stop::usage(format!("--filter: {error}")))?;
    let named: Vec<Key> = only
        .tenant
        .iter()
        .map(|wanted| Ok(resolve(fleet, only.partner.as_deref(), wanted)?.key.clone()))
        .collect::<Result<_>>()?;
    let now = clock.now();
    let mut rows: Vec<TenantRow<'_>> = fleet
        .tenants
        .values()
        .filter(|tenant| if named.is_empty() { tenant.gone_at.is_none() } else { named.contains(&tenant.key) })
        .filter(|tenant| only.partner.as_ref().is_none_or(|partner| tenant.key.partner.0 == *partner))
        .map(|tenant| TenantRow::of(fleet, tenant, now))
        .filter(|row| filter.matches(row))
        .collect();
    rows.sort_by(|a, b| {
        (a.tenant.title().to_lowercase(), &a.tenant.key).cmp(&(b.tenant.title().to_lowercase(), &b.tenant.key))
    });
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_of_the_service_is_known_through_links_and_steps_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(path("state")).unwrap();
        std::fs::create_dir_all(path("mine")).unwrap();
        std::os::unix::fs::symlink(path("state"), path("mine/link")).unwrap();
        let elsewhere = path("elsewhere/their.redb");
        std::fs::write(path("config.toml"), format!("[store]\npath = \"{}\"\n", elsewhere.display())).unwrap();
        let is = |store: &str| is_of_service(&path(store), &path("config.toml"), &path("state"));
        for store in
            ["state/store.redb", "state/other.redb", "mine/link/store.redb", "mine/../state/x", "elsewhere/their.redb"]
        {
            assert!(is(store), "{store}");
        }
        std::fs::create_dir_all(path("elsewhere")).unwrap();
        std::fs::write(&elsewhere, "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, path("mine/their")).unwrap();
        assert!(is("mine/their"), "a link to the file itself");
        for store in ["mine/store.redb", "state-of-mine/store.redb", "elsewhere/store.redb"] {
            assert!(!is(store), "{store}");
        }
        assert!(!is_of_service(&path("mine/store.redb"), &path("none.toml"), &path("none")));
    }
}
