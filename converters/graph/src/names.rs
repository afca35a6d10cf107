//! Unique names in constant time: which are taken, and where counting goes on for a base that clashed.

use std::collections::{HashMap, HashSet};

/// The names taken in a list that others may change behind its back: it is rebuilt when the list's length is
/// not the one last seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameIndex {
    taken: HashSet<String>,
    next: HashMap<String, u32>,
    seen: usize,
}

/// An index is derived data: graphs are equal whatever theirs hold.
impl PartialEq for NameIndex {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl NameIndex {
    /// `name`, or `name_1`, `name_2`, … where that is taken; the result is taken from now on. `present` are the
    /// names of the list as it is, which the caller extends by one after this call.
    pub(crate) fn claim<'a>(
        &mut self,
        name: &str,
        present: impl ExactSizeIterator<Item = &'a str>,
    ) -> String {
        if self.seen != present.len() {
            self.seen = present.len();
            self.taken = present.map(str::to_owned).collect();
        }
        self.seen += 1;
        if self.taken.insert(name.to_owned()) {
            return name.to_owned();
        }
        let n = self.next.entry(name.to_owned()).or_insert(0);
        loop {
            *n += 1;
            let candidate = format!("{name}_{n}");
            if self.taken.insert(candidate.clone()) {
                return candidate;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NameIndex;

    #[test]
    fn clashes_count_up() {
        let mut names: Vec<String> = Vec::new();
        let mut index = NameIndex::default();
        for name in ["a", "a_1", "a", "a", "b"] {
            let got = index.claim(name, names.iter().map(String::as_str));
            names.push(got);
        }
        assert_eq!(names, ["a", "a_1", "a_2", "a_3", "b"]);
    }

    #[test]
    fn a_list_changed_from_outside_is_read_again() {
        let mut index = NameIndex::default();
        assert_eq!(index.claim("a", [].into_iter()), "a");
        assert_eq!(index.claim("b", ["a", "b"].into_iter()), "b_1");
    }
}
