//! Where made-up things come from: what must be the same every time is derived from a text or a number, what nobody
//! may foresee is drawn.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// 32 bytes to which the same texts always lead.
fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().into()
}

/// The GUID to which the texts always lead.
pub(crate) fn guid(parts: &[&str]) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest(parts)[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// The number to which the texts always lead.
pub(crate) fn seed(parts: &[&str]) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest(parts)[..8]);
    u64::from_le_bytes(bytes)
}

/// Text that looks like a secret or a token, to which the same texts always lead.
pub(crate) fn derived(parts: &[&str], blocks: usize) -> String {
    let mut out = String::new();
    for block in 0..blocks {
        let number = block.to_string();
        let mut all = parts.to_vec();
        all.push(&number);
        out.push_str(&URL_SAFE_NO_PAD.encode(digest(&all)));
    }
    out
}

/// A well-mixed number out of two (the finaliser of `SplitMix64`).
pub(crate) fn mix(seed: u64, n: u64) -> u64 {
    let mut z = seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The GUID to which a seed and a number always lead.
pub(crate) fn guid_of(seed: u64, n: u64) -> Uuid {
    let (high, low) = (mix(seed, n), mix(!seed, n));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high.to_be_bytes());
    bytes[8..].copy_from_slice(&low.to_be_bytes());
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Text of `bytes` random bytes, as in a token.
pub(crate) fn opaque(prefix: &str, bytes: usize) -> String {
    let mut raw = vec![0; bytes];
    rand::rng().fill_bytes(&mut raw);
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(raw))
}

/// A GUID that nobody has seen before.
pub(crate) fn fresh_guid() -> Uuid {
    Uuid::new_v4()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_stays_and_what_is_drawn_differs() {
        assert_eq!(guid(&["a", "b"]), guid(&["a", "b"]));
        assert_ne!(guid(&["a", "b"]), guid(&["ab"]));
        assert_eq!(derived(&["x"], 3).len(), 129);
        assert_ne!(opaque("", 16), opaque("", 16));
        assert_ne!(guid_of(1, 2), guid_of(2, 1));
    }
}
