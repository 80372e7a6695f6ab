//! A scenario file that is read again and again, each time with other values in some places.

use super::factor::Assignment;
use super::reader::{Knows, Reader};
use super::tree::{self, Item, Raw};
use super::{Overrides, set, sorted};
use crate::diag::{Diagnostic, Severity, Source, Sources};
use crate::scenario::Scenario;
use crate::scenario::sweep::Point;
use std::collections::BTreeMap;

/// Loads what a scenario names, by a path relative to the scenario.
type Files<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// A scenario file as parsed, with the overrides of the command line.
pub struct Template {
    root: Item,
    /// The same without what an experiment varies: read at every point.
    bare: Item,
    sources: Sources,
    /// Mistakes of the overrides.
    found: Vec<Diagnostic>,
}

impl Template {
    /// Parses a scenario file; `name` is how it is called in diagnostics.
    ///
    /// # Errors
    /// The bytes are no TOML text.
    pub fn new(
        name: &str,
        bytes: &[u8],
        overrides: &Overrides,
    ) -> Result<Template, (Vec<Diagnostic>, Sources)> {
        let (decoded, text) = tree::decode(bytes);
        let mut sources = Sources(vec![Source { name: name.to_owned(), text }]);
        if let Err(wrong) = decoded {
            return Err((vec![wrong], sources));
        }
        let mut found = Vec::new();
        let text = sources.0.first().map(|source| source.text.clone()).unwrap_or_default();
        let root = tree::document(&text, &mut found);
        let Some(mut root) = root else { return Err((sorted(found), sources)) };
        set::apply(&mut root, overrides, &mut sources, &mut found);
        let mut bare = root.clone();
        if let Raw::Table(table) = &mut bare.raw {
            table.retain(|name, _| !["sweep", "uncertain"].contains(&name.as_str()));
        }
        Ok(Template { root, bare, sources, found })
    }

    /// The scenario at a design point, whose values come after the overrides. All mistakes come
    /// back at once, in the order of their places.
    ///
    /// # Errors
    /// The scenario has mistakes.
    pub fn scenario(
        &self,
        point: &[&Point],
        files: Files<'_>,
    ) -> Result<Scenario, (Vec<Diagnostic>, Sources)> {
        let mut found = self.found.clone();
        let values: Vec<Assignment> =
            point.iter().flat_map(|point| point.values.iter().cloned()).collect();
        let scenario = if values.is_empty() {
            self.read(&self.root, files, &mut found)
        } else {
            let mut root = self.bare.clone();
            set::assign(&mut root, &values, &mut found);
            self.read(&root, files, &mut found)
        };
        let found = sorted(found);
        match scenario {
            Some(scenario) if found.iter().all(|wrong| wrong.severity != Severity::Error) => {
                Ok(Scenario { warnings: found, sources: self.sources.clone(), ..scenario })
            }
            _ => Err((found, self.sources.clone())),
        }
    }

    fn read(&self, root: &Item, files: Files<'_>, found: &mut Vec<Diagnostic>) -> Option<Scenario> {
        let mut reader = Reader {
            found: std::mem::take(found),
            files,
            known: BTreeMap::new(),
            knows: Knows::Named,
            waiting: Vec::new(),
            actions_read: Vec::new(),
            start: None,
            horizon: None,
            varied: Vec::new(),
        };
        let scenario = reader.scenario(root);
        *found = reader.found;
        scenario
    }
}
