//! What goes down with what, for readers: from the graph of dependencies, without chance.

use super::tables::{table, text};
use crate::engine::EntityId;
use crate::experiment::Model;
use crate::experiment::dependence::{Cuts, Dependence, ORDER_MAX};
use crate::systems::spec::{EntityKind, Role};
use serde::Serialize;
use std::fmt::Write as _;

/// What takes a system or a business service down.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Risk {
    /// Its path.
    pub entity: String,
    /// The keys, grants, locations and managers each of which takes it down alone.
    pub single_points: Vec<String>,
    /// How many minimal cut sets of two faults it has.
    pub pairs: usize,
    /// How many of three.
    pub triples: usize,
    /// Up to so many faults every minimal cut set was found.
    pub complete_to: usize,
}

/// The graph of a model with the names of its entities.
pub struct Risks<'a> {
    entities: Vec<(&'a str, &'static EntityKind)>,
    graph: Dependence,
    systems: Vec<EntityId>,
    cuts: Vec<Cuts>,
}

impl<'a> Risks<'a> {
    /// Finds what takes down each system and business service of a model.
    pub fn of(model: &'a Model) -> Risks<'a> {
        let entities: Vec<_> = model.entities().collect();
        let graph = Dependence::of(model);
        let numbered = (0..).map(EntityId).zip(&entities);
        let systems = numbered.filter(|(_, (_, kind))| kind.role == Role::System);
        let systems: Vec<EntityId> = systems.map(|(entity, _)| entity).collect();
        let cuts = graph.cuts(&systems);
        Risks { entities, graph, systems, cuts }
    }

    fn path(&self, entity: EntityId) -> &'a str {
        self.entities[entity.0 as usize].0
    }

    fn kind(&self, entity: EntityId) -> &'static str {
        self.entities[entity.0 as usize].1.name
    }

    /// Each system and business service with what takes it down.
    pub fn list(&self) -> Vec<Risk> {
        let risk = |(entity, cuts): (&EntityId, &Cuts)| {
            let of = |order: usize| cuts.sets.iter().filter(move |set| set.len() == order);
            let mut single: Vec<EntityId> = of(1).flatten().copied().collect();
            // Where there is no room for all, grants give way to the keys that they belong to.
            let part = |fault: &EntityId| self.entities[fault.0 as usize].1.role == Role::Part;
            single.sort_by_key(|fault| (part(fault), *fault));
            Risk {
                entity: self.path(*entity).to_owned(),
                single_points: single.iter().map(|fault| self.path(*fault).to_owned()).collect(),
                pairs: of(2).count(),
                triples: of(3).count(),
                complete_to: cuts.complete_to,
            }
        };
        self.systems.iter().zip(&self.cuts).map(risk).collect()
    }

    /// `blast-radius.csv`: what goes down, or is degraded, with each key, grant, location and manager.
    pub fn blast_radius(&self) -> Vec<u8> {
        let header = ["fault", "fault_kind", "entity", "entity_kind", "effect"];
        let radii = self.graph.radii();
        let rows = radii.iter().flat_map(|(fault, radius)| {
            let down = radius.down.iter().map(|entity| (entity, "down"));
            let weakened = radius.weakened.iter().map(|entity| (entity, "degraded"));
            down.chain(weakened).map(|(entity, effect)| {
                vec![
                    text(self.path(*fault)),
                    text(self.kind(*fault)),
                    text(self.path(*entity)),
                    text(self.kind(*entity)),
                    effect.to_owned(),
                ]
            })
        });
        table(&header, rows)
    }

    /// `cut-sets.csv`: the minimal cut sets of each system and business service.
    pub fn cut_sets(&self) -> Vec<u8> {
        let header = ["entity", "order", "fault_1", "fault_2", "fault_3", "complete_to"];
        let rows = self.systems.iter().zip(&self.cuts).flat_map(|(entity, cuts)| {
            cuts.sets.iter().map(move |set| {
                let fault = |place: usize| set.get(place).map_or("", |fault| self.path(*fault));
                let mut row = vec![text(self.path(*entity)), set.len().to_string()];
                row.extend((0..ORDER_MAX).map(|place| text(fault(place))));
                row.push(cuts.complete_to.to_string());
                row
            })
        });
        table(&header, rows)
    }

    /// What takes down each system and business service, in lines.
    pub fn screen(&self) -> String {
        let mut out = String::new();
        let risks = self.list();
        for risk in risks.iter().take(ROWS_MAX) {
            let singles = match risk.single_points.as_slice() {
                [] => "no single fault".to_owned(),
                [only] => only.clone(),
                many if many.len() <= NAMES_MAX => format!("any of {}", many.join(", ")),
                many => format!(
                    "any of {} and {} more",
                    many.get(..NAMES_MAX).unwrap_or_default().join(", "),
                    many.len() - NAMES_MAX
                ),
            };
            let mut sets = Vec::new();
            for (count, order) in [(risk.pairs, 2), (risk.triples, 3)] {
                if order > risk.complete_to {
                    sets.push(format!("too many sets of {order} to count"));
                } else if count > 0 {
                    sets.push(format!("{count} minimal sets of {order}"));
                }
            }
            let sets =
                if sets.is_empty() { String::new() } else { format!("; {}", sets.join(", ")) };
            let _ = writeln!(out, "  {} goes down with {singles}{sets}", risk.entity);
        }
        if risks.len() > ROWS_MAX {
            let _ = writeln!(out, "  ... {} more with --format json", risks.len() - ROWS_MAX);
        }
        out
    }
}

/// Systems that fit on a screen.
const ROWS_MAX: usize = 12;
/// Names that fit on a line.
const NAMES_MAX: usize = 6;
