use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Config;
use super::credentials::check_file;

/// The documented sample: every key with its default. A test holds it to the code.
pub const SAMPLE: &str = include_str!("../../config/default.toml");

/// Why there is no usable configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was named cannot be read.
    #[error("{}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file, or a variable, does not hold a configuration.
    #[error("{place}: {why}")]
    Wrong {
        /// The file with its line, or the variable.
        place: String,
        /// What is wrong, and what is allowed.
        why: String,
    },
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The program's own.
    Default,
    /// A file and its line.
    File(PathBuf, usize),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A configuration and where its values come from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The values in force.
    pub config: Config,
    /// Origin of each `section.key`; what is missing is a default.
    pub origins: BTreeMap<String, Origin>,
}

impl Loaded {
    /// Where a key's value comes from.
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }
}

/// Sections whose keys can be set by variables.
const SECTIONS: [&str; 6] = ["store", "import", "schedule", "catalog", "service", "credentials"];

/// Reads the configuration. `file` has to exist if it is named; `variables` are `TENANTOP_…` of the environment.
pub fn load(file: Option<&Path>, variables: impl IntoIterator<Item = (String, String)>) -> Result<Loaded, ConfigError> {
    let mut origins = BTreeMap::new();
    let mut table = toml::Table::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), why: error.to_string() })?;
        // Decoded as it stands first, so that an error has its line.
        let _: Config = toml::from_str(&text).map_err(|error| in_file(path, &text, &error))?;
        table = text.parse().map_err(|error: toml::de::Error| in_file(path, &text, &error))?;
        for (key, line) in lines(&text) {
            origins.insert(key, Origin::File(path.to_owned(), line));
        }
    }
    for (name, value) in variables {
        let Some((section, key)) = variable(&name) else { continue };
        let value = match format!("x = {value}").parse::<toml::Table>() {
            Ok(mut parsed) => parsed.remove("x").unwrap_or(toml::Value::String(value)),
            Err(_) => toml::Value::String(value),
        };
        let own = table.entry(section.to_owned()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let toml::Value::Table(own) = own {
            own.insert(key.clone(), value);
        }
        let checked: Result<Config, _> = table.clone().try_into();
        checked.map_err(|error: toml::de::Error| ConfigError::Wrong {
            place: name.clone(),
            why: error.message().to_owned(),
        })?;
        origins.insert(format!("{section}.{key}"), Origin::Variable(name));
    }
    let config: Config = table.try_into().map_err(|error: toml::de::Error| ConfigError::Wrong {
        place: "configuration".to_owned(),
        why: error.message().to_owned(),
    })?;
    config.check().map_err(|(key, why)| {
        let place = match origins.get(&key) {
            Some(origin) => format!("{origin}: {key}"),
            None => file.map_or_else(|| key.clone(), |path| format!("{}: {key}", path.display())),
        };
        ConfigError::Wrong { place, why }
    })?;
    Ok(Loaded { config, origins })
}

/// The line of a place in a text, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

pub(super) fn in_file(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let line = error.span().map_or(1, |span| line_of(text, span.start));
    ConfigError::Wrong { place: format!("{}:{line}", path.display()), why: error.message().to_owned() }
}

/// `TENANTOP_IMPORT_TENANTS_AT_ONCE` is `import.tenants_at_once`; `TENANTOP_STORE` is `store.path`.
fn variable(name: &str) -> Option<(&'static str, String)> {
    let rest = name.strip_prefix("TENANTOP_")?.to_lowercase();
    if rest == "store" {
        return Some(("store", "path".to_owned()));
    }
    SECTIONS.into_iter().find_map(|section| {
        let key = rest.strip_prefix(section)?.strip_prefix('_')?;
        Some((section, key.to_owned()))
    })
}

/// Every `section.key` of a file and its line. Keys of partners are named `partner.NUMBER.key`, counted from 1.
fn lines(text: &str) -> Vec<(String, usize)> {
    let mut section = String::new();
    let mut partners = 0;
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if line == "[[partner]]" {
            partners += 1;
            section = format!("partner.{partners}");
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            section = match name.strip_prefix("partner") {
                Some(rest) => format!("partner.{partners}{rest}"),
                None => name.to_owned(),
            };
        } else if let Some((key, _)) = line.split_once('=').filter(|(key, _)| !key.starts_with('#')) {
            found.push((format!("{section}.{}", key.trim()), n + 1));
        }
    }
    found
}

impl Config {
    /// Checks what types cannot: answers the key at fault and why.
    pub fn check(&self) -> Result<(), (String, String)> {
        let fail = |key: &str, why: String| Err((key.to_owned(), why));
        if !(0.0..=1.0).contains(&self.import.max_user_drop) {
            return fail("import.max_user_drop", format!("a share from 0 to 1, not {}", self.import.max_user_drop));
        }
        for (key, value) in [
            ("import.tenants_at_once", self.import.tenants_at_once),
            ("import.max_answer_mib", self.import.max_answer_mib),
            ("import.max_pages", self.import.max_pages),
            ("store.keep_runs_days", self.store.keep_runs_days),
            ("store.keep_history_days", self.store.keep_history_days),
        ] {
            if value == 0 {
                return fail(key, "at least 1".to_owned());
            }
        }
        if self.catalog.products_csv.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return fail("catalog.products_csv", "the name of a file, or no such key".to_owned());
        }
        let keys = &self.credentials;
        for (key, file) in
            [("credentials.key_file", &keys.key_file), ("credentials.previous_key_file", &keys.previous_key_file)]
        {
            if let Some(Err(why)) = file.as_deref().map(check_file) {
                return fail(key, why);
            }
        }
        let often = self.import.probe_blocked_every;
        if !often.is_zero() && often < Duration::from_mins(5) {
            return fail("import.probe_blocked_every", "at least 5m, or 0s for never".to_owned());
        }
        let often = self.import.read_sold_every;
        if !often.is_zero() && often < Duration::from_hours(1) {
            return fail("import.read_sold_every", "at least 1h, or 0s for never".to_owned());
        }
        let service = &self.service;
        if service.longest_session < Duration::from_mins(1) {
            return fail("service.longest_session", "at least 1m".to_owned());
        }
        let groups = [&service.view_group, &service.operate_group, &service.admin_group];
        if groups.iter().any(|group| group.trim().is_empty()) {
            return fail(
                "service",
                "view_group, operate_group and admin_group each name a group, or its number".to_owned(),
            );
        }
        let pause = self.schedule.retry_after;
        if !pause.is_zero() && !(Duration::from_mins(5)..=Duration::from_hours(6)).contains(&pause) {
            return fail("schedule.retry_after", "5m to 6h, or 0s for never".to_owned());
        }
        if self.import.tenants_at_once > 1024 {
            return fail("import.tenants_at_once", "at most 1024".to_owned());
        }
        let mut names = std::collections::BTreeSet::new();
        for (n, partner) in self.partners.iter().enumerate() {
            let key = |name: &str| format!("partner.{}.{name}", n + 1);
            let name = partner.name.0.as_str();
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.chars().all(fits) {
                return Err((
                    key("name"),
                    "1 to 64 letters, digits, `-`, `_` or `.`, not beginning with `.`".to_owned(),
                ));
            }
            if !names.insert(name) {
                return Err((key("name"), format!("two partners are called `{name}`")));
            }
            match (&partner.client_secret_file, &partner.certificate_file, &partner.private_key_file) {
                (Some(_), None, None) | (None, Some(_), Some(_)) => {}
                _ => {
                    let why = "either client_secret_file, or certificate_file and private_key_file";
                    return Err((key("client_secret_file"), why.to_owned()));
                }
            }
            for (name, file) in [
                ("client_secret_file", &partner.client_secret_file),
                ("certificate_file", &partner.certificate_file),
                ("private_key_file", &partner.private_key_file),
            ] {
                if let Some(Err(why)) = file.as_deref().map(check_file) {
                    return Err((key(name), why));
                }
            }
            if partner.client_secret_expires.is_some() && partner.client_secret_file.is_none() {
                return Err((key("client_secret_expires"), "a certificate says itself when it ends".to_owned()));
            }
            let ends = &partner.endpoints;
            for (what, url) in
                [("login", &ends.login), ("graph", &ends.graph), ("partner_center", &ends.partner_center)]
            {
                if let Some(url) = url {
                    super::check_endpoint(url)
                        .map_err(|why| (key(&format!("endpoints.{what}")), format!("`{url}`: {why}")))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Partner;

    fn from(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        std::fs::write(&path, text).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load(Some(&path), variables).map_err(|error| error.to_string().replace(&path.display().to_string(), "FILE"))
    }

    #[test]
    fn a_group_is_a_name_or_a_number_wherever_it_stands() {
        let groups = |text: &str, variables: &[(&str, &str)]| {
            let service = from(text, variables).unwrap().config.service;
            [service.view_group, service.operate_group, service.admin_group]
        };
        let file = "[service]\nview_group = 4711\noperate_group = \"4712\"\nadmin_group = \"wheel\"\n";
        assert_eq!(groups(file, &[]), ["4711", "4712", "wheel"]);
        let variables = [("TENANTOP_SERVICE_VIEW_GROUP", "54322"), ("TENANTOP_SERVICE_ADMIN_GROUP", "staff")];
        assert_eq!(groups(file, &variables), ["54322", "4712", "staff"]);
        let error = from("[service]\nview_group = -1\n", &[]).unwrap_err();
        assert!(error.contains("the name of a group, or its number"), "{error}");
    }

    #[test]
    fn the_sample_is_the_default() {
        let sample: Config = toml::from_str(SAMPLE).unwrap();
        assert_eq!(
            Config { partners: Vec::new(), ..sample.clone() },
            Config::default(),
            "the sample shows the defaults"
        );
        let keys: Vec<String> = lines(SAMPLE).into_iter().map(|(key, _)| key).collect();
        let defaults = toml::Table::try_from(Config::default()).unwrap();
        for section in SECTIONS {
            for key in defaults[section].as_table().unwrap().keys() {
                assert!(keys.contains(&format!("{section}.{key}")), "config/default.toml shows {section}.{key}");
            }
        }
        let whole = Partner { display_name: Some("".into()), ..sample.partners[0].clone() };
        let whole = Partner { app_name: Some("".into()), outgoing_address: "::1".parse().ok(), ..whole };
        let whole = Partner { client_secret_expires: "2027-03-01".parse().ok(), ..whole };
        let whole = Partner { redirect_uri: Some(Partner::REDIRECT_URI.to_owned()), ..whole };
        for key in toml::Table::try_from(whole).unwrap().keys().filter(|key| *key != "endpoints") {
            let shown = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
            assert!(SAMPLE.lines().any(shown), "config/default.toml shows partner.{key}");
        }
        assert!(SAMPLE.contains(&format!("\n# redirect_uri = \"{}\"\n", Partner::REDIRECT_URI)));
        for key in ["key_file", "previous_key_file"] {
            assert!(SAMPLE.contains(&format!("\n# {key} = ")), "config/default.toml shows credentials.{key}");
        }
        assert!(SAMPLE.contains("\n[credentials]\n"));
        assert!(SAMPLE.contains("\n[catalog]\n") && SAMPLE.contains("\n# products_csv = "));
        for (n, line) in SAMPLE.lines().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#')) {
            let above = SAMPLE.lines().nth(n.saturating_sub(1)).unwrap_or_default();
            assert!(line.contains('#') || above.starts_with('#'), "line {}: {line} has no word of its meaning", n + 1);
        }
    }

    #[test]
    fn precedence_and_origins() {
        let loaded = from(
            "[import]\n\ntenants_at_once = 32\nstale_after = \"30h\"",
            &[("TENANTOP_IMPORT_TENANTS_AT_ONCE", "16"), ("TENANTOP_STORE", "/x/y.redb"), ("TENANTOP_OTHER", "1")],
        )
        .unwrap();
        assert_eq!(loaded.config.import.tenants_at_once, 16);
        assert_eq!(loaded.config.store.path.as_deref(), Some(Path::new("/x/y.redb")));
        assert_eq!(loaded.origin("import.tenants_at_once").to_string(), "TENANTOP_IMPORT_TENANTS_AT_ONCE");
        assert!(loaded.origin("import.stale_after").to_string().ends_with("c.toml:4"));
        assert_eq!(loaded.origin("import.max_pages"), Origin::Default);
    }

    #[test]
    fn errors_name_file_line_and_key() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_config");
        let mut seen = 0;
        for entry in std::fs::read_dir(dir).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let phrase = text.lines().next().unwrap().trim_start_matches("# ");
            let error = from(&text, &[]).expect_err(&text);
            assert!(error.contains(phrase), "expected `{phrase}`, got `{error}` for:\n{text}");
            seen += 1;
        }
        assert!(seen >= 8, "{seen} files");
        let error = from("", &[("TENANTOP_IMPORT_MAX_PAGES", "many")]).unwrap_err();
        assert!(error.contains("TENANTOP_IMPORT_MAX_PAGES"), "{error}");
    }
}
