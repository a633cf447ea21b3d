use std::path::{Path, PathBuf};

/// A note beside the store that says which process holds it. Only for the words of an error: the lock itself is redb's.
pub(super) struct Holder(PathBuf);

fn note(store: &Path) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(".pid");
    PathBuf::from(path)
}

impl Holder {
    /// Notes that this process holds the store.
    pub(super) fn here(store: &Path) -> Self {
        let path = note(store);
        // Without the note an error is less telling; nothing else depends on it.
        let _ = std::fs::write(&path, std::process::id().to_string());
        Self(path)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // A note that stays behind names a process that is gone, which is noticed when it is read.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Names the process that holds a store.
pub(super) fn holder(store: &Path) -> String {
    let Some(pid) = std::fs::read_to_string(note(store)).ok().and_then(|text| text.trim().parse::<u32>().ok()) else {
        return "another process".to_owned();
    };
    match std::fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("process {pid} ({})", name.trim()),
        Err(_) => "another process".to_owned(),
    }
}
