//! Owns a map that remembers a bounded number of keys: a worker that runs for months meets many sweeps.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// A map of at most so many keys: a new key beyond that removes the one that was inserted first.
#[derive(Debug)]
pub struct BoundedMap<K, V> {
    most: usize,
    values: HashMap<K, V>,
    /// The keys in the order in which they were inserted. O(n) to remove one; n is small.
    order: VecDeque<K>,
}

impl<K: Clone + Eq + Hash, V> BoundedMap<K, V> {
    /// An empty map for at most `most` keys, at least 1.
    pub fn new(most: usize) -> Self {
        BoundedMap { most, values: HashMap::new(), order: VecDeque::new() }
    }

    /// The value of a key.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.values.get(key)
    }

    /// All values.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.values_mut()
    }

    /// Sets the value of a key. Returns the key that was removed to make room.
    pub fn insert(&mut self, key: K, value: V) -> Option<K> {
        if self.values.insert(key.clone(), value).is_some() {
            return None;
        }
        self.order.push_back(key);
        let oldest = if self.order.len() > self.most { self.order.pop_front() } else { None };
        if let Some(oldest) = &oldest {
            self.values.remove(oldest);
        }
        oldest
    }

    /// The value of a key, made if it is not there.
    pub fn entry(&mut self, key: &K, new: impl FnOnce() -> V) -> Option<&mut V> {
        if !self.values.contains_key(key) {
            self.insert(key.clone(), new());
        }
        self.values.get_mut(key)
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &K) {
        if self.values.remove(key).is_some() {
            self.order.retain(|other| other != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_key_makes_room_for_a_new_one() {
        let mut map = BoundedMap::new(2);
        assert_eq!(map.insert("a", 1), None);
        assert_eq!(map.insert("b", 2), None);
        assert_eq!(map.insert("a", 3), None, "it is there");
        assert_eq!(map.insert("c", 4), Some("a"));
        assert_eq!((map.get("a"), map.get("b"), map.get("c")), (None, Some(&2), Some(&4)));
        map.remove(&"b");
        assert_eq!(map.insert("d", 5), None);
        assert_eq!((map.values.len(), map.order.len()), (2, 2));
        assert_eq!(map.entry(&"d", || 6).copied(), Some(5));
        assert_eq!(map.entry(&"e", || 6).copied(), Some(6));
        for number in 0..10_000 {
            map.insert(["x", "y", "z"][number % 3], number);
        }
        assert_eq!((map.values.len(), map.order.len()), (2, 2));
    }
}
