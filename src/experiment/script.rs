//! Plays what the scenario says: events at their instants, hazards at random, responses when
//! something they wait for happens.

use crate::engine::{
    Class, Dist, Effects, EntityId, Happening, Process, Seq, SimDuration, SimTime, StateId,
    StreamNumber, Streams,
};
use crate::scenario::{Entry, Hazard, Scenario};
use crate::systems::contract::{Command, LazyStream, Message, Plan, Spawn, SweepMode};
use crate::systems::spec::{Node, Value};
use std::collections::BTreeMap;

/// What is done, and for how long.
struct Act {
    commands: Vec<Command>,
    lasts: Option<Dist>,
    /// Streams of its length and of its spacing or delay.
    length: StreamNumber,
    spacing: StreamNumber,
    /// Tells apart what goes on at the same time.
    occurrence: u32,
}

struct EventPlan {
    at: SimTime,
    act: Act,
}

struct HazardPlan {
    every: Dist,
    /// The spacing is so many times as long.
    factor: f64,
    act: Act,
}

struct ResponsePlan {
    entity: EntityId,
    states: Vec<StateId>,
    after: Dist,
    act: Act,
}

struct ScriptPlan {
    events: Vec<EventPlan>,
    hazards: Vec<HazardPlan>,
    responses: Vec<ResponsePlan>,
}

/// An action and whom it is done to: `disable-key keys.orders`. Amounts and lengths have no part
/// in it, so that changing one, or writing out a default, moves no random stream.
fn address<T>(entry: &Entry<T>) -> String {
    let mut words = vec![entry.action.name];
    for param in entry.action.params {
        let value = entry.params.get(param.name).map(|node| &node.value);
        match value {
            Some(Value::Reference(path)) => words.push(path),
            Some(Value::Tagged(word, None)) => words.push(word),
            Some(Value::List(items)) => words.extend(items.iter().map(Node::text)),
            Some(_) | None => {}
        }
    }
    words.join(" ")
}

/// Adds the process that plays the scenario's events, hazards and responses.
pub(super) fn build(scenario: &Scenario, plan: &mut Plan) {
    let mut occurrence = 0;
    // Streams are named after what is done and to whom, so that adding an event leaves the
    // others' draws alone.
    let mut named: BTreeMap<String, u32> = BTreeMap::new();
    let mut act = |commands, lasts: &Option<Dist>, name: String| {
        let count = named.entry(name.clone()).or_default();
        *count += 1;
        occurrence += 1;
        let name = format!("{name} #{count}");
        Act {
            commands,
            lasts: lasts.clone(),
            length: StreamNumber::of(&name, "lasts"),
            spacing: StreamNumber::of(&name, "every"),
            occurrence,
        }
    };
    let events = scenario
        .events
        .iter()
        .map(|entry| EventPlan {
            at: entry.at,
            act: act(compile(entry, plan), &entry.lasts, format!("events.{}", address(entry))),
        })
        .collect();
    let hazards = scenario
        .hazards
        .iter()
        .flat_map(|hazard| {
            let lasts = &hazard.entry.lasts;
            let mut part = |(commands, factor, name)| {
                let every = hazard.entry.at.clone();
                HazardPlan { every, factor, act: act(commands, lasts, name) }
            };
            causes(hazard, plan).into_iter().map(&mut part).collect::<Vec<_>>()
        })
        .collect();
    let responses: Vec<ResponsePlan> = scenario
        .responses
        .iter()
        .map(|response| {
            let entity = plan.entity(&response.entity);
            let wanted = Some(response.state.as_str());
            let states = (0..)
                .zip(plan.kind(entity).states)
                .filter(|(_, state)| Some(state.name) == wanted || state.alias == wanted)
                .map(|(number, _)| number)
                .collect();
            let name = format!(
                "responses.{} {} {}",
                response.entity,
                response.state,
                address(&response.entry)
            );
            let entry = &response.entry;
            let act = act(compile(entry, plan), &entry.lasts, name);
            ResponsePlan { entity, states, after: entry.at.clone(), act }
        })
        .collect();
    let watched: Vec<EntityId> = responses.iter().map(|response| response.entity).collect();
    let process = plan.process(&[], Box::new(ScriptPlan { events, hazards, responses }));
    for entity in watched {
        plan.watch(process, entity);
    }
}

/// What is done by one cause of a hazard, by which factor its spacing is longer, and the name of its
/// streams.
type Cause = (Vec<Command>, f64, String);

/// The causes of a hazard: one for all targets; with a beta factor, one for each target as well.
/// A share `beta` of the occurrences that hit a target is common to all, so the spacing of the
/// common ones is `1 / beta` times as long, and of each target's own `1 / (1 - beta)` times.
fn causes(hazard: &Hazard, plan: &Plan) -> Vec<Cause> {
    let commands = compile(&hazard.entry, plan);
    let name = format!("hazards.{}", hazard.name);
    let Some(beta) = hazard.beta else { return vec![(commands, 1.0, name)] };
    let mut causes = Vec::new();
    if beta < 1.0 {
        let mut targets: BTreeMap<EntityId, Vec<Command>> = BTreeMap::new();
        for &command in &commands {
            targets.entry(command.to).or_default().push(command);
        }
        let paths: Vec<&str> = plan.entities().map(|(path, _)| path).collect();
        causes.extend(targets.into_iter().map(|(to, commands)| {
            let path = paths.get(to.0 as usize).copied().unwrap_or_default();
            (commands, 1.0 / (1.0 - beta), format!("{name} {path}"))
        }));
    }
    if beta > 0.0 {
        causes.push((commands, 1.0 / beta, name));
    }
    causes
}

fn compile<T>(entry: &Entry<T>, plan: &Plan) -> Vec<Command> {
    let (system, action) =
        crate::systems::action(entry.action.name).expect("a checked action is known");
    (system.compile)(action.name, &entry.params, plan)
}

impl Spawn for ScriptPlan {
    fn spawn<'a>(&'a self, streams: Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
        let pair = |act: &Act| Draws {
            length: LazyStream::new(streams, act.length),
            spacing: LazyStream::new(streams, act.spacing),
        };
        Box::new(Script {
            plan: self,
            events: self.events.iter().map(|event| pair(&event.act)).collect(),
            hazards: self.hazards.iter().map(|hazard| pair(&hazard.act)).collect(),
            responses: self.responses.iter().map(|response| pair(&response.act)).collect(),
            waiting: vec![None; self.responses.len()],
        })
    }
}

struct Draws {
    length: LazyStream,
    spacing: LazyStream,
}

struct Script<'a> {
    plan: &'a ScriptPlan,
    events: Vec<Draws>,
    hazards: Vec<Draws>,
    responses: Vec<Draws>,
    /// The record that each response reacts to, while it does.
    waiting: Vec<Option<Seq>>,
}

/// What a timer of the script is for; the number of the entry stands in the low bits.
const EVENT: u32 = 0;
const EVENT_ENDS: u32 = 1;
const HAZARD: u32 = 2;
const HAZARD_ENDS: u32 = 3;
const RESPONSE: u32 = 4;
const RESPONSE_ENDS: u32 = 5;
const ENTRY_BITS: u32 = 24;

fn timer(kind: u32, index: usize) -> u32 {
    kind << ENTRY_BITS | index as u32
}

/// Sends the commands of an act.
fn send(act: &Act, begins: bool, cause: Option<Seq>, fx: &mut Effects<Message>) {
    for &command in &act.commands {
        let message = Message::Command { command, begins, occurrence: act.occurrence };
        fx.send(command.to, message, cause);
    }
}

impl HazardPlan {
    /// Draws the time to the next occurrence.
    fn wait(&self, draws: &mut Draws) -> SimDuration {
        let wait = self.every.sample(draws.spacing.get());
        if self.factor == 1.0 {
            wait
        } else {
            SimDuration::from_seconds_f64(wait.seconds() * self.factor)
        }
    }
}

/// Draws how long an act lasts, if it has a length.
fn length(act: &Act, draws: &mut Draws) -> Option<SimDuration> {
    act.lasts.as_ref().map(|lasts| lasts.sample(draws.length.get()))
}

impl Process<Message> for Script<'_> {
    fn start(&mut self, fx: &mut Effects<Message>) {
        for (index, event) in self.plan.events.iter().enumerate() {
            fx.at(timer(EVENT, index), event.at, Class::Root);
        }
        for (index, hazard) in self.plan.hazards.iter().enumerate() {
            let wait = hazard.wait(&mut self.hazards[index]);
            fx.after(timer(HAZARD, index), wait, Class::Root);
        }
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(number) => {
                let index = (number & ((1 << ENTRY_BITS) - 1)) as usize;
                self.on_timer(number >> ENTRY_BITS, index, fx);
            }
            Happening::Entered { entity, state, cause } => self.entered(entity, state, cause, fx),
            Happening::Message { .. } => {}
        }
    }

    fn finish(&mut self, _: &mut Effects<Message>) {}
}

impl Script<'_> {
    fn on_timer(&mut self, kind: u32, index: usize, fx: &mut Effects<Message>) {
        let plan = self.plan;
        match kind {
            EVENT => {
                let act = &plan.events[index].act;
                send(act, true, None, fx);
                if let Some(length) = length(act, &mut self.events[index]) {
                    fx.after(timer(EVENT_ENDS, index), length, Class::Change);
                }
            }
            EVENT_ENDS => send(&plan.events[index].act, false, None, fx),
            HAZARD => {
                let act = &plan.hazards[index].act;
                send(act, true, None, fx);
                match length(act, &mut self.hazards[index]) {
                    Some(length) => fx.after(timer(HAZARD_ENDS, index), length, Class::Change),
                    None => self.hazard_again(index, fx),
                }
            }
            HAZARD_ENDS => {
                send(&plan.hazards[index].act, false, None, fx);
                self.hazard_again(index, fx);
            }
            RESPONSE => {
                let act = &plan.responses[index].act;
                send(act, true, self.waiting[index], fx);
                match length(act, &mut self.responses[index]) {
                    Some(length) => fx.after(timer(RESPONSE_ENDS, index), length, Class::Change),
                    None => self.waiting[index] = None,
                }
            }
            _ => send(&plan.responses[index].act, false, self.waiting[index].take(), fx),
        }
    }

    /// The next time comes one spacing after the end of the last.
    fn hazard_again(&mut self, index: usize, fx: &mut Effects<Message>) {
        let wait = self.plan.hazards[index].wait(&mut self.hazards[index]);
        fx.after(timer(HAZARD, index), wait, Class::Root);
    }

    /// A response reacts once to a state; while it is at it, it does not start anew.
    fn entered(&mut self, entity: EntityId, state: StateId, cause: Seq, fx: &mut Effects<Message>) {
        for (index, response) in self.plan.responses.iter().enumerate() {
            let waits = response.entity == entity && response.states.contains(&state);
            if waits && self.waiting[index].is_none() {
                self.waiting[index] = Some(cause);
                let delay = response.after.sample(self.responses[index].spacing.get());
                fx.after(timer(RESPONSE, index), delay, Class::Root);
            }
        }
    }
}
