//! Names that are unique over all subgraphs, and translations inside of another.

use super::translator::{Made, Translator};
use crate::Subgraph;

impl<'m> Translator<'m> {
    /// A translation of another subgraph into the same graph, within what is left of all limits.
    pub fn nested(&mut self, subgraph: &'m Subgraph, prefix: String) -> Self {
        let mut t = Self::within(self.model, subgraph, prefix);
        std::mem::swap(&mut t.graph, &mut self.graph);
        t.depth = self.depth + 1;
        t.nodes_left = self.nodes_left;
        t.bytes_left = self.bytes_left.clone();
        t
    }

    /// Takes back what a nested translation has made and used.
    pub fn back(&mut self, nested: Self) {
        self.graph = nested.graph;
        self.nodes_left = nested.nodes_left;
        self.bytes_left = nested.bytes_left;
        self.gaps.extend(nested.gaps);
    }

    /// Says that tensor `id` is the value called `name`, made elsewhere.
    pub fn called(&mut self, id: usize, name: &str) {
        name.clone_into(&mut self.names[id]);
        self.made[id] = Made::Yes;
    }

    /// A name that nothing else has.
    pub fn unique(&mut self, wanted: &str) -> String {
        let base = match wanted.starts_with(&self.prefix) {
            true => wanted.to_owned(),
            false => format!("{}{wanted}", self.prefix),
        };
        let mut name = base.clone();
        while self.taken.contains(&name) {
            let n = self.counts.entry(base.clone()).or_insert(0);
            *n += 1;
            name = format!("{base}_{n}");
        }
        self.taken.insert(name.clone());
        name
    }

    /// The name of a tensor's value.
    pub fn name(&self, id: usize) -> &str {
        &self.names[id]
    }

    /// Gives a tensor that is not made yet another name, and says which.
    pub fn rename(&mut self, id: usize, wanted: &str) -> String {
        let name = self.unique(wanted);
        self.names[id].clone_from(&name);
        name
    }
}
