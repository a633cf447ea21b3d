use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// `[credentials]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Credentials {
    /// The key that refresh tokens are sealed with. Absent: systemd's `tenantop.key`, else `vault.key` beside the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The key that was used before: what it sealed is opened, and sealed with the other one at the next sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_key_file: Option<PathBuf>,
}

/// How a file of systemd's credentials directory is named instead of a path: `credential:NAME`.
const CREDENTIAL: &str = "credential:";

/// The NAME of `credential:NAME`; nothing for a path.
pub fn credential_name(file: &Path) -> Option<&str> {
    file.to_str()?.strip_prefix(CREDENTIAL)
}

/// Checks what names a file: a path, or `credential:NAME` with a NAME that leads nowhere else.
pub(super) fn check_file(file: &Path) -> Result<(), String> {
    if file.as_os_str().is_empty() {
        return Err("the name of a file, or no such key".to_owned());
    }
    let Some(name) = credential_name(file) else { return Ok(()) };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 255 || name.starts_with('.') || !name.chars().all(fits) {
        return Err(format!("`{CREDENTIAL}NAME` with letters, digits, `-`, `_` and `.`, not `{}`", file.display()));
    }
    Ok(())
}
