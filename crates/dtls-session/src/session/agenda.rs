//! Who is to be looked at, and when.

use std::collections::BTreeMap;

/// Entries that are due at once, or at a time in milliseconds: roughly, so that few times have many.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    ready: Vec<T>,
    later: BTreeMap<u64, Vec<T>>,
}

impl<T> Agenda<T> {
    /// Enters what is due at once.
    pub(crate) fn call(&mut self, mut entries: Vec<T>) {
        if self.ready.is_empty() {
            self.ready = entries;
        } else {
            self.ready.append(&mut entries);
        }
    }

    /// Enters what is due at a time that [`round_up`] gave.
    pub(crate) fn enter(&mut self, at: u64, entry: T) {
        self.later.entry(at).or_default().push(entry);
    }

    /// Moves up to `most` entries that are due to `due`.
    pub(crate) fn take_due(&mut self, now: u64, most: usize, due: &mut Vec<T>) {
        let room = |due: &Vec<T>| most.saturating_sub(due.len());
        let called = self.ready.len().min(room(due));
        due.extend(self.ready.drain(..called));
        while room(due) > 0
            && let Some(mut first) = self.later.first_entry()
            && *first.key() <= now
        {
            let entries = first.get_mut();
            let rest = entries.len().saturating_sub(room(due));
            due.extend(entries.drain(rest..));
            if entries.is_empty() {
                first.remove();
            }
        }
        if self.ready.is_empty() {
            self.ready = Vec::new();
        }
    }

    /// Keeps only the entries that are worth it.
    pub(crate) fn retain(&mut self, keeps: impl Fn(&T) -> bool) {
        self.ready.retain(&keeps);
        self.later.retain(|_, entries| {
            entries.retain(&keeps);
            entries.shrink_to(2 * entries.len());
            !entries.is_empty()
        });
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.ready.len() + self.later.values().map(Vec::len).sum::<usize>()
    }

    /// When the next entry is due, or 0 for at once.
    pub(crate) fn next(&self) -> Option<u64> {
        let later = || self.later.first_key_value().map(|(at, _)| *at);
        if self.ready.is_empty() {
            later()
        } else {
            Some(0)
        }
    }
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self {
            ready: Vec::new(),
            later: BTreeMap::new(),
        }
    }
}

/// Returns the time for an entry that is due at `at`: later by less than an eighth of the way, or by 10 ms.
pub(crate) fn round_up(now: u64, at: u64) -> u64 {
    let ahead = at.saturating_sub(now);
    let step = GRAINS.into_iter().find(|grain| *grain <= ahead / 8);
    // Far beyond any clock it does not matter.
    at.checked_next_multiple_of(step.unwrap_or(10))
        .unwrap_or(at)
}

/// In milliseconds.
const GRAINS: [u64; 3] = [10_000, 1000, 100];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn times_are_late_by_little(now in 0..1_u64 << 40, ahead in 0..1_u64 << 30) {
            let at = now + ahead;
            let rounded = round_up(now, at);
            prop_assert!(rounded >= at);
            prop_assert!(rounded - at < (ahead / 8).max(10));
        }

        #[test]
        fn everything_is_due_once_and_in_time(
            entries in prop::collection::vec(0..50_u64, 0..100),
            most in 1..10_usize,
            gone in prop::collection::vec(any::<bool>(), 100),
        ) {
            let mut agenda = Agenda::default();
            for (name, at) in entries.iter().enumerate() {
                match at {
                    0 => agenda.call(vec![name]),
                    at => agenda.enter(*at, name),
                }
            }
            prop_assert_eq!(agenda.len(), entries.len());
            agenda.retain(|name| !gone[*name]);
            let mut taken = Vec::new();
            for now in 0..50 {
                while agenda.next().is_some_and(|next| next <= now) {
                    let mut due = Vec::new();
                    agenda.take_due(now, most, &mut due);
                    prop_assert!((1..=most).contains(&due.len()));
                    for name in due {
                        prop_assert_eq!(entries[name], now);
                        taken.push(name);
                    }
                }
            }
            taken.sort_unstable();
            let kept = (0..entries.len()).filter(|name| !gone[*name]);
            prop_assert_eq!(taken, kept.collect::<Vec<_>>());
            prop_assert_eq!(agenda.next(), None);
        }
    }
}
