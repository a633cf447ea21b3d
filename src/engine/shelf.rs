use crate::cloud::{Shelf, Turn};
use crate::store::{Sealed, StoreError};

/// Why a record was not changed, as the vault hears it.
struct Why(String);

impl From<StoreError> for Why {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

/// The shelf of sealed records in a store, for the vault of its clouds. It does not keep the store open.
pub fn shelf(sealed: Sealed) -> Shelf {
    let same = sealed.clone();
    Shelf::new(
        move |name| same.get(name).map_err(|error| error.to_string()),
        move |name, turn: Turn<'_>| {
            let changed = sealed.change(name, |found| turn(found).map_err(Why));
            changed.map_err(|Why(why)| why)
        },
    )
}
