//! Plays what the scenario says: events at their instants, hazards at random, responses when
//! something they wait for happens.

mod clock;
mod crews;

use crate::engine::{
    Class, Dist, Effects, EntityId, Happening, Process, Seq, SimDuration, SimTime, StateId,
    StreamNumber, Streams,
};
use crate::scenario::{Entry, Hazard, Scenario};
use crate::systems::contract::{Command, LazyStream, Message, Plan, Spawn, SweepMode};
use crate::systems::spec::{EntityKind, Node, Value};
use clock::{Clock, ClockPlan};
use crews::{Crew, CrewPlan, Turn};
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
    /// How it is called in the notes of crews.
    name: String,
    /// The crew that repairs it, by its place.
    crew: Option<usize>,
    /// When its clock runs, if not always.
    clock: Option<ClockPlan>,
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
    crews: Vec<CrewPlan>,
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
    let crews = crews::plans(scenario, plan);
    let hazards: Vec<HazardPlan> = scenario
        .hazards
        .iter()
        .flat_map(|hazard| {
            let lasts = &hazard.entry.lasts;
            let mut part = |(commands, factor, name): Cause| {
                let every = hazard.entry.at.clone();
                let crew = hazard.crew.as_ref().map(|path| plan.entity(path));
                let crew = crews.iter().position(|known| Some(known.entity) == crew);
                let clock = hazard.clock.as_ref().map(|clock| {
                    let entity = plan.entity(&clock.entity);
                    ClockPlan { entity, states: states(plan.kind(entity), &clock.states) }
                });
                let act = act(commands, lasts, name.clone());
                HazardPlan { every, factor, name, crew, clock, act }
            };
            causes(hazard, plan).into_iter().map(&mut part).collect::<Vec<_>>()
        })
        .collect();
    let responses: Vec<ResponsePlan> = scenario
        .responses
        .iter()
        .map(|response| {
            let entity = plan.entity(&response.entity);
            let states = states(plan.kind(entity), std::slice::from_ref(&response.state));
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
    let clocks = hazards.iter().filter_map(|hazard| hazard.clock.as_ref());
    let watched = responses.iter().map(|response| response.entity);
    let watched: Vec<EntityId> = watched.chain(clocks.map(|clock| clock.entity)).collect();
    let speaks_for: Vec<EntityId> = crews.iter().map(|crew| crew.entity).collect();
    let script = ScriptPlan { events, hazards, responses, crews };
    let process = plan.process(&speaks_for, Box::new(script));
    for entity in watched {
        plan.watch(process, entity);
    }
}

/// The numbers of the states with these names or aliases.
fn states(kind: &EntityKind, wanted: &[String]) -> Vec<StateId> {
    let is = |name: Option<&str>| wanted.iter().any(|wanted| Some(wanted.as_str()) == name);
    let numbered = (0..).zip(kind.states);
    numbered
        .filter(|(_, state)| is(Some(state.name)) || is(state.alias))
        .map(|(number, _)| number)
        .collect()
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
    fn spawn<'a>(&'a self, streams: &Streams, _: SweepMode) -> Box<dyn Process<Message> + 'a> {
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
            clocks: vec![Clock::Off; self.hazards.len()],
            repairs: vec![SimDuration::ZERO; self.hazards.len()],
            crews: self.crews.iter().map(Crew::new).collect(),
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
    /// The clock of each hazard that has one.
    clocks: Vec<Clock>,
    /// Of each hazard with a crew, how long the repair of its fault takes.
    repairs: Vec<SimDuration>,
    crews: Vec<Crew<'a>>,
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
        for index in 0..self.plan.hazards.len() {
            self.hazard_again(index, fx);
        }
    }

    fn on_event(&mut self, what: Happening<Message>, fx: &mut Effects<Message>) {
        match what {
            Happening::Timer(number) => {
                let index = (number & ((1 << ENTRY_BITS) - 1)) as usize;
                self.on_timer(number >> ENTRY_BITS, index, fx);
            }
            Happening::Entered { entity, state, cause } => self.entered(entity, state, cause, fx),
            Happening::Message { message: Message::Command { command, begins, .. }, .. } => {
                self.crew_turns(command.a as usize, begins, fx);
            }
            Happening::Message { .. } => {}
        }
    }

    fn finish(&mut self, fx: &mut Effects<Message>) {
        self.crews.iter().for_each(|crew| crew.finish(fx));
    }
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
                let HazardPlan { act, crew, .. } = &plan.hazards[index];
                self.clocks[index] = Clock::Off;
                send(act, true, None, fx);
                match (length(act, &mut self.hazards[index]), crew) {
                    (Some(length), None) => {
                        fx.after(timer(HAZARD_ENDS, index), length, Class::Change);
                    }
                    (Some(length), Some(crew)) => {
                        self.repairs[index] = length;
                        crews::tell(&plan.crews[*crew], Turn::Asks, index, fx);
                    }
                    (None, _) => self.hazard_again(index, fx),
                }
            }
            HAZARD_ENDS => {
                let HazardPlan { act, crew, .. } = &plan.hazards[index];
                send(act, false, None, fx);
                self.hazard_again(index, fx);
                if let Some(crew) = crew {
                    crews::tell(&plan.crews[*crew], Turn::Done, index, fx);
                }
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
        let hazard = &self.plan.hazards[index];
        let wait = hazard.wait(&mut self.hazards[index]);
        match &hazard.clock {
            None => fx.after(timer(HAZARD, index), wait, Class::Root),
            Some(clock) => {
                self.clocks[index].set(wait, clock.runs(fx.states()), fx.now());
                self.wind(index, fx);
            }
        }
    }

    /// Sets or takes off the timer of a hazard as its clock asks for.
    fn wind(&self, index: usize, fx: &mut Effects<Message>) {
        match self.clocks[index] {
            Clock::Runs(due) => fx.at(timer(HAZARD, index), due, Class::Root),
            Clock::Off | Clock::Stopped(_) => fx.cancel(timer(HAZARD, index)),
        }
    }

    /// A crew is asked for the repair of a hazard's fault, or is done with it: by now what led to
    /// that is on record.
    fn crew_turns(&mut self, index: usize, asks: bool, fx: &mut Effects<Message>) {
        let plan = self.plan;
        let HazardPlan { act, name, crew, .. } = &plan.hazards[index];
        let Some(crew) = crew.and_then(|crew| self.crews.get_mut(crew)) else { return };
        let of_fault = |entity| act.commands.iter().any(|command| command.to == entity);
        let cause = fx.last_record(of_fault).map(|(seq, _)| seq);
        let begins = if asks {
            crew.asked(index, name, cause, fx).then_some(index)
        } else {
            crew.done(|next| plan.hazards[next].name.clone(), cause, fx)
        };
        if let Some(next) = begins {
            fx.after(timer(HAZARD_ENDS, next), self.repairs[next], Class::Change);
        }
    }

    /// A response reacts once to a state; while it is at it, it does not start anew.
    fn entered(&mut self, entity: EntityId, state: StateId, cause: Seq, fx: &mut Effects<Message>) {
        for (index, hazard) in self.plan.hazards.iter().enumerate() {
            let Some(clock) = hazard.clock.as_ref().filter(|clock| clock.entity == entity) else {
                continue;
            };
            if self.clocks[index].turn(clock.runs(fx.states()), fx.now()) {
                self.wind(index, fx);
            }
        }
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
