use std::cell::RefCell;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::{
    AssignedLicense, Manager, Packed, SkuCount, SkuId, Subscription, TEXT_FIELDS, Text, TextField, User, UserId,
};

/// Users in one blob: large enough to compress well, small enough to look up one.
pub(super) const USERS_PER_BLOB: usize = 128;

/// First byte of a blob of users: postcard of `Vec<User>`, compressed with zstd.
const USERS_V1: u8 = 1;
/// First byte of a blob of search text: lines, compressed with zstd.
const SEARCH_V1: u8 = 1;
/// First byte of the license counts of a tenant: postcard of `Vec<SkuCount>` and of `Vec<(SkuId, u64)>`.
const COUNTS_V1: u8 = 1;
/// The same, and of `Vec<Subscription>` behind them.
const COUNTS_V2: u8 = 2;
/// First byte of a small record: JSON, which old and new programs read alike.
const RECORD_V1: u8 = b'1';
/// The most that a blob may inflate to; a larger one is damaged.
const INFLATED_LIMIT: usize = 256 << 20;
const LEVEL: i32 = 1;

/// Room that a thread uses again for each blob.
#[derive(Default)]
struct Workbench {
    compressor: Option<zstd::bulk::Compressor<'static>>,
    raw: Vec<u8>,
    search: String,
    packed: Vec<u8>,
}

thread_local! {
    static WORKBENCH: RefCell<Workbench> = RefCell::default();
}

/// A page of users made ready to be written: compressed blobs and, beside each, the lower-cased text that it can be
/// found by. Making one is pure CPU work and can be done on any thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsersPage {
    pub(super) blobs: Vec<Blob>,
    rows: u64,
}

/// Up to [`USERS_PER_BLOB`] users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) users: Vec<u8>,
    pub(super) search: Vec<u8>,
    pub(super) rows: u32,
}

impl UsersPage {
    /// Makes users ready, in their order. Takes any number. Refuses what the codec or the compressor refuses: for want of
    /// memory, in practice.
    pub fn encode(users: &[User]) -> Result<Self, String> {
        WORKBENCH.with_borrow_mut(|bench| {
            let blobs = users.chunks(USERS_PER_BLOB).map(|chunk| bench.blob(chunk)).collect::<Result<_, _>>()?;
            Ok(Self { blobs, rows: users.len() as u64 })
        })
    }

    /// How many users.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes to be written.
    pub fn size(&self) -> u64 {
        self.blobs.iter().map(|blob| (blob.users.len() + blob.search.len()) as u64).sum()
    }
}

impl Workbench {
    fn blob(&mut self, users: &[User]) -> Result<Blob, String> {
        self.raw.clear();
        let raw = postcard::to_extend(users, std::mem::take(&mut self.raw));
        self.raw = raw.map_err(|error| format!("users do not encode: {error}"))?;
        self.search.clear();
        search_text(users, &mut self.search);
        let Self { compressor, raw, search, packed } = self;
        Ok(Blob {
            users: pack(USERS_V1, raw, compressor, packed)?,
            search: pack(SEARCH_V1, search.as_bytes(), compressor, packed)?,
            rows: u32::try_from(users.len()).unwrap_or(u32::MAX),
        })
    }
}

/// A line a user, lower-cased: name, sign-in name, mail, department, job title, company.
fn search_text(users: &[User], text: &mut String) {
    const FIELDS: [TextField; 6] = [
        TextField::DisplayName,
        TextField::UserPrincipalName,
        TextField::Mail,
        TextField::Department,
        TextField::JobTitle,
        TextField::CompanyName,
    ];
    for user in users {
        let upn = user.text(TextField::UserPrincipalName);
        for field in FIELDS {
            let Some(value) = user.text(field) else { continue };
            if field == TextField::Mail && Some(value) == upn {
                continue;
            }
            if value.is_ascii() {
                let start = text.len();
                text.push_str(value);
                text[start..].make_ascii_lowercase();
            } else {
                text.extend(value.chars().flat_map(char::to_lowercase));
            }
            text.push('\t');
        }
        text.push('\n');
    }
}

fn pack(
    version: u8,
    raw: &[u8],
    compressor: &mut Option<zstd::bulk::Compressor<'static>>,
    packed: &mut Vec<u8>,
) -> Result<Vec<u8>, String> {
    let refused = |error: std::io::Error| format!("a blob does not compress: {error}");
    let compressor = match compressor {
        Some(compressor) => compressor,
        none => none.insert(zstd::bulk::Compressor::new(LEVEL).map_err(refused)?),
    };
    let length = u32::try_from(raw.len()).ok().filter(|length| *length as usize <= INFLATED_LIMIT);
    let length = length.ok_or("a blob is too large")?;
    packed.clear();
    packed.reserve(zstd::zstd_safe::compress_bound(raw.len()));
    compressor.compress_to_buffer(raw, packed).map_err(refused)?;
    let mut out = Vec::with_capacity(packed.len() + 5);
    out.push(version);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(packed);
    Ok(out)
}

fn unpack(version: u8, blob: &[u8]) -> Result<Vec<u8>, String> {
    let (Some(&found), Some(length)) = (blob.first(), blob.get(1..5)) else { return Err("a blob is cut".into()) };
    if found != version {
        return Err(format!("a blob has version {found}"));
    }
    let length = u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
    if length > INFLATED_LIMIT {
        return Err("a blob claims to be too large".into());
    }
    let raw =
        zstd::bulk::decompress(&blob[5..], length).map_err(|error| format!("a blob does not inflate: {error}"))?;
    if raw.len() == length { Ok(raw) } else { Err("a blob is cut".into()) }
}

/// The users of a blob.
pub(super) fn users(blob: &[u8]) -> Result<Vec<User>, String> {
    let raw = unpack(USERS_V1, blob)?;
    postcard::from_bytes(&raw).map_err(|error| format!("users do not decode: {error}"))
}

/// The inflated bytes of a blob of users, for [`lean`].
pub(super) fn inflate(blob: &[u8]) -> Result<Vec<u8>, String> {
    unpack(USERS_V1, blob)
}

/// A user whose texts lie in the inflated blob: for looking at all users without owning them. Its fields stand in the
/// order of [`User`].
#[derive(Debug, Deserialize)]
pub(super) struct Lean<'a> {
    pub(super) id: UserId,
    pub(super) absent: u32,
    #[serde(borrow)]
    pub(super) texts: [Option<&'a str>; TEXT_FIELDS],
    pub(super) licenses: Option<Vec<AssignedLicense>>,
    #[serde(borrow)]
    pub(super) extension: Option<Box<[Option<&'a str>; 15]>>,
    #[serde(borrow)]
    pub(super) manager: Option<LeanManager<'a>>,
}

impl Lean<'_> {
    /// A plain text of the user.
    pub(super) fn text(&self, field: TextField) -> Option<&str> {
        self.texts.get(field as usize).copied().flatten()
    }
}

/// A manager whose texts lie in the inflated blob.
#[derive(Debug, Deserialize)]
pub(super) struct LeanManager<'a> {
    pub(super) id: Option<UserId>,
    pub(super) display_name: Option<&'a str>,
    pub(super) user_principal_name: Option<&'a str>,
}

impl Lean<'_> {
    /// The user as one that is owned.
    pub(super) fn to_user(&self) -> User {
        User {
            id: self.id,
            absent: self.absent,
            texts: self.texts.map(|text| text.map(Text::from)),
            licenses: self.licenses.clone(),
            extension: self.extension.as_deref().map(|values| Box::new(values.map(|value| value.map(Text::from)))),
            manager: self.manager.as_ref().map(|manager| Manager {
                id: manager.id,
                display_name: manager.display_name.map(Text::from),
                user_principal_name: manager.user_principal_name.map(Text::from),
            }),
        }
    }
}

/// The users of an inflated blob, without owning their texts.
pub(super) fn lean(raw: &[u8]) -> Result<Vec<Lean<'_>>, String> {
    postcard::from_bytes(raw).map_err(|error| format!("users do not decode: {error}"))
}

/// The search text of a blob: a line a user.
pub(super) fn search(blob: &[u8]) -> Result<Vec<u8>, String> {
    unpack(SEARCH_V1, blob)
}

/// The license counts of a tenant: Graph's, our own count of holders, and what we sold.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) skus: Packed<SkuCount>,
    pub(super) held: Packed<(SkuId, u64)>,
    pub(super) sold: Packed<Subscription>,
}

impl Counts {
    /// As bytes: the lengths of the first two parts, then all as they are held.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let (skus, held) = (self.skus.as_bytes(), self.held.as_bytes());
        let length = |part: &[u8]| u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes();
        [&[COUNTS_V2], &length(skus)[..], &length(held), skus, held, self.sold.as_bytes()].concat()
    }

    /// From bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let cut = || "a record of counts is cut".to_owned();
        let length = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes) as usize;
        let (&version, rest) = bytes.split_first().ok_or_else(cut)?;
        let (skus, rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let (held, rest) = match version {
            COUNTS_V1 => (None, rest),
            COUNTS_V2 => rest.split_first_chunk().map(|(held, rest)| (Some(held), rest)).ok_or_else(cut)?,
            _ => return Err(format!("a record of counts has version {version}")),
        };
        let (skus, rest) = rest.split_at_checked(length(skus)).ok_or_else(cut)?;
        let (held, sold) = rest.split_at_checked(held.map_or(rest.len(), length)).ok_or_else(cut)?;
        Ok(Self { skus: Packed::from_bytes(skus), held: Packed::from_bytes(held), sold: Packed::from_bytes(sold) })
    }
}

/// A small record as bytes.
pub(super) fn record<T: Serialize>(value: &T) -> Result<Vec<u8>, String> {
    let mut bytes = vec![RECORD_V1];
    serde_json::to_writer(&mut bytes, value).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// A small record from bytes.
pub(super) fn from_record<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bytes.split_first() {
        Some((&RECORD_V1, json)) => serde_json::from_slice(json).map_err(|error| format!("a record: {error}")),
        Some((version, _)) => Err(format!("a record has version {version}")),
        None => Err("a record is empty".into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn users_come_back_as_they_were() {
        let users: Vec<User> = (0..300u128).map(|n| User::new(UserId::new(uuid::Uuid::from_u128(n)))).collect();
        let page = UsersPage::encode(&users).unwrap();
        assert_eq!(page.rows(), 300);
        let back: Vec<User> = page.blobs.iter().flat_map(|blob| super::users(&blob.users).unwrap()).collect();
        assert_eq!(back, users);
        assert_eq!(page.blobs.iter().map(|b| b.rows).collect::<Vec<_>>(), [128, 128, 44]);
    }

    #[test]
    fn counts_of_an_older_program_are_read_and_new_ones_come_back() {
        let held = Packed::of(&[(SkuId::new(uuid::Uuid::from_u128(1)), 7u64)]);
        let skus = Packed::of(&[SkuCount::from(&crate::model::Sku::default())]);
        let length = u32::try_from(skus.as_bytes().len()).unwrap().to_le_bytes();
        let old = [&[COUNTS_V1], &length[..], skus.as_bytes(), held.as_bytes()].concat();
        let read = Counts::from_bytes(&old).unwrap();
        assert_eq!((&read.skus, &read.held, read.sold.is_empty()), (&skus, &held, true));
        let sold = Packed::of(&[Subscription { quantity: 5, ..Subscription::default() }]);
        let bytes = Counts { skus: skus.clone(), held: held.clone(), sold: sold.clone() }.to_bytes();
        let read = Counts::from_bytes(&bytes).unwrap();
        assert_eq!((read.skus, read.held, read.sold), (skus, held, sold));
        for end in 0..9 {
            assert!(Counts::from_bytes(&bytes[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn damaged_blobs_are_told_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..400) {
            let _ = users(&bytes);
            let _ = search(&bytes);
            let mut blob = UsersPage::encode(&[User::new(UserId::new(uuid::Uuid::from_u128(7)))]).unwrap().blobs.remove(0).users;
            let at = at % blob.len();
            blob[at] ^= 0x55;
            let _ = users(&blob);
            blob.truncate(at);
            prop_assert!(users(&blob).is_err());
        }
    }
}
