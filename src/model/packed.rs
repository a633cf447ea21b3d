use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Rows of which there are some for each of ten thousand tenants, and which are looked at for one tenant at a time. They
/// are held as the store keeps them, a third as large, and unpacked by whoever looks.
pub struct Packed<T> {
    bytes: Arc<[u8]>,
    of: PhantomData<T>,
}

impl<T> Packed<T> {
    /// Rows as the store keeps them.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), of: PhantomData }
    }

    /// What the store keeps; nothing if there are no rows.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl<T: Serialize> Packed<T> {
    /// Packs rows.
    pub fn of(rows: &[T]) -> Self {
        if rows.is_empty() {
            return Self::default();
        }
        // Rows of texts and numbers always encode.
        Self::from_bytes(&postcard::to_stdvec(rows).unwrap_or_default())
    }
}

impl<T: DeserializeOwned> Packed<T> {
    /// The rows. Bytes that were damaged on disk are no rows.
    pub fn to_vec(&self) -> Vec<T> {
        if self.is_empty() { Vec::new() } else { postcard::from_bytes(&self.bytes).unwrap_or_default() }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.to_vec().len()
    }
}

impl<T> Default for Packed<T> {
    fn default() -> Self {
        Self { bytes: Arc::default(), of: PhantomData }
    }
}

impl<T> Clone for Packed<T> {
    fn clone(&self) -> Self {
        Self { bytes: Arc::clone(&self.bytes), of: PhantomData }
    }
}

impl<T> PartialEq for Packed<T> {
    fn eq(&self, other: &Self) -> bool {
        // Most are the very same: ten thousand are compared after each fact.
        Arc::ptr_eq(&self.bytes, &other.bytes) || self.bytes == other.bytes
    }
}

impl<T> Eq for Packed<T> {}

impl<T: DeserializeOwned + fmt::Debug> fmt::Debug for Packed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.to_vec()).finish()
    }
}

impl<T: Serialize + DeserializeOwned> Serialize for Packed<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.to_vec())
    }
}

impl<'de, T: Serialize + DeserializeOwned> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::of(&Vec::<T>::deserialize(from)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SkuCount, SkuId};

    #[test]
    fn rows_come_back_as_they_were() {
        let held: Vec<(SkuId, u64)> =
            (0..20u64).map(|n| (SkuId::new(uuid::Uuid::from_u128(u128::from(n))), n * 1_000)).collect();
        let packed = Packed::of(&held);
        assert_eq!((packed.to_vec(), packed.len()), (held.clone(), 20));
        assert!(packed.as_bytes().len() < held.len() * 24, "{} bytes", packed.as_bytes().len());
        let json = serde_json::to_string(&packed).unwrap();
        assert_eq!(json, serde_json::to_string(&held).unwrap(), "in JSON they are a list");
        assert_eq!(serde_json::from_str::<Packed<(SkuId, u64)>>(&json).unwrap(), packed);
    }

    #[test]
    fn no_rows_are_no_bytes_and_damaged_bytes_are_no_rows() {
        let none = Packed::<SkuCount>::of(&[]);
        assert!(none.is_empty() && none.as_bytes().is_empty() && none.to_vec().is_empty());
        assert!(Packed::<SkuCount>::from_bytes(&[9, 1]).to_vec().is_empty());
    }
}
