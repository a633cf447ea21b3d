use std::collections::BTreeMap;
use std::collections::btree_map;
use std::ops::Index;
use std::sync::Arc;

/// A map that many hold at once. A copy of it shares the values, and a value is copied when a holder alters it while
/// others have it too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared<K, V>(BTreeMap<K, Arc<V>>);

impl<K: Ord, V> Shared<K, V> {
    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key).map(Arc::as_ref)
    }

    /// The key as it lies here, and its value.
    pub fn get_key_value(&self, key: &K) -> Option<(&K, &V)> {
        self.0.get_key_value(key).map(|(key, value)| (key, value.as_ref()))
    }

    /// Whether there is a value of a key.
    pub fn contains_key(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: K, value: V) {
        self.0.insert(key, Arc::new(value));
    }

    /// Keeps the values that pass.
    pub fn retain(&mut self, mut passes: impl FnMut(&K, &V) -> bool) {
        self.0.retain(|key, value| passes(key, value));
    }
}

impl<K, V> Shared<K, V> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys, in order.
    pub fn keys(&self) -> btree_map::Keys<'_, K, Arc<V>> {
        self.0.keys()
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator + Clone {
        self.0.values().map(Arc::as_ref)
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + ExactSizeIterator + Clone {
        self.0.iter().map(|(key, value)| (key, value.as_ref()))
    }
}

impl<K: Ord, V: Clone> Shared<K, V> {
    /// The value of a key, to be altered.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key).map(Arc::make_mut)
    }

    /// Every value, to be altered: what others hold too is copied.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.0.values_mut().map(Arc::make_mut)
    }

    /// The values that pass, to be altered. The others are not copied.
    pub fn those_mut(&mut self, mut passes: impl FnMut(&V) -> bool) -> impl Iterator<Item = &mut V> {
        self.0.values_mut().filter(move |value| passes(value)).map(Arc::make_mut)
    }
}

impl<K: Ord, V> Index<&K> for Shared<K, V> {
    type Output = V;

    fn index(&self, key: &K) -> &V {
        &self.0[key]
    }
}

impl<K, V> Default for Shared<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Shared<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(all: I) -> Self {
        Self(all.into_iter().map(|(key, value)| (key, Arc::new(value))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;

    #[test]
    fn a_copy_keeps_what_it_had() {
        let mut ours: Shared<u8, String> = [(1, "one".to_owned()), (2, "two".to_owned())].into_iter().collect();
        let theirs = ours.clone();
        ours.get_mut(&1).unwrap().push('!');
        ours.insert(3, "three".to_owned());
        for value in ours.those_mut(|value| value == "two") {
            value.push('?');
        }
        let texts = |all: &Shared<u8, String>| all.values().cloned().collect::<Vec<_>>();
        assert_eq!(texts(&ours), ["one!", "two?", "three"]);
        assert_eq!(texts(&theirs), ["one", "two"]);
    }

    #[test]
    fn what_nobody_alters_is_not_copied() {
        let mut ours: Shared<u8, String> = (0..9).map(|n| (n, n.to_string())).collect();
        let theirs = ours.clone();
        ours.those_mut(|value| value == "4").for_each(|value| value.push('!'));
        let same = |n: u8| std::ptr::eq(ours.get(&n).unwrap(), theirs.get(&n).unwrap());
        assert_eq!((0..9).filter(|n| !same(*n)).collect::<Vec<_>>(), [4]);
    }
}
