//! Whether events are what a log writes, in an order in which it can have written them.

use super::report::{Established, Findings, Open};
use crate::event::{Event, Name, What};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};

pub(super) const SWAPPED: Rule = Rule::new("log-events-swapped");
pub(super) const MISPLACED: Rule = Rule::new("log-event-misplaced");
const ENVIRONMENT: Rule = Rule::new("log-event-foreign");
const BACKWARDS: Rule = Rule::new("log-order");
const NO_INTENT: Rule = Rule::new("log-answer-without-intent");
const TWO_INTENTS: Rule = Rule::new("log-intent-twice");
const ORDER_LOST: Rule = Rule::new("log-call-incomplete");

/// Places that are kept of each kind, to find those that changed places. More are not told apart.
pub(super) const MAX_ODD: usize = 4096;

/// What to do about a log that was changed.
pub(super) const COMPARE: &str = "keep this copy: it shows what happened; compare it with a backup or an export, and restore the last good one";

/// Which events are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of a log, in order.
    Log,
    /// Those of one run, with others between them.
    Run,
    /// One alone: whatever belongs to it is elsewhere.
    Event,
}

/// One attempt at one effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Attempt {
    run: Name,
    step: Name,
    call: u64,
    number: u64,
}

/// Looks at events one after the other. What it keeps grows with the effects that were not answered.
#[derive(Debug)]
pub(super) struct Events {
    scope: Scope,
    environment: Option<Name>,
    mono_us: u64,
    intended: HashSet<Attempt>,
    /// Places that hold an event with another number, and that number.
    misplaced: BTreeMap<u64, u64>,
    /// Places whose bytes are not those that were hashed.
    edited: BTreeSet<u64>,
    /// The first event from which on nothing is known about the order.
    lost: Option<u64>,
    newer: Option<(u64, u64)>,
    read: u64,
    effects: u64,
    pub(super) findings: Findings,
}

impl Events {
    pub(super) fn new(scope: Scope) -> Self {
        Self {
            scope,
            environment: None,
            mono_us: 0,
            intended: HashSet::new(),
            misplaced: BTreeMap::new(),
            edited: BTreeSet::new(),
            lost: None,
            newer: None,
            read: 0,
            effects: 0,
            findings: Findings::default(),
        }
    }

    /// Whether every event so far could be read and stands in its place.
    pub(super) fn is_whole(&self) -> bool {
        self.lost.is_none() && self.newer.is_none()
    }

    /// Says that no order can be told from here on.
    pub(super) fn lose(&mut self, place: u64) {
        self.lost = Some(self.lost.map_or(place, |lost| lost.min(place)));
    }

    /// Says that what stands here is not what was hashed: only where it belongs is of interest.
    pub(super) fn edited(&mut self, place: u64) {
        self.lose(place);
        if self.edited.len() < MAX_ODD {
            self.edited.insert(place);
        }
    }

    /// Places that hold another event than they should.
    pub(super) fn odd(&self) -> BTreeSet<u64> {
        self.edited.iter().chain(self.misplaced.keys()).copied().collect()
    }

    /// Takes what stands at a place.
    pub(super) fn take(&mut self, place: u64, decoded: &Result<Event, Fault>) {
        match decoded {
            Ok(event) if event.sequence != place => {
                self.lose(place);
                if self.misplaced.len() < MAX_ODD {
                    self.misplaced.insert(place, event.sequence);
                }
            }
            // Whoever found that says so.
            Ok(_) | Err(_) if self.edited.contains(&place) => {}
            Ok(event) => {
                self.read += 1;
                self.check(event);
            }
            // The only refusal that blames nobody: a version that is not known yet.
            Err(fault) if fault.class() == Class::Unavailable => {
                let (events, _) = self.newer.get_or_insert((0, place));
                *events += 1;
            }
            Err(fault) => {
                self.lose(place);
                self.findings.push(fault.clone().at(format_args!("event {place}")));
            }
        }
    }

    fn check(&mut self, event: &Event) {
        let environment = self.environment.get_or_insert_with(|| event.environment.clone());
        if *environment != event.environment {
            let says =
                format!("it is of the environment {}, and those before of {environment}", event.environment);
            self.findings.push(invalid(ENVIRONMENT, event.sequence).says(says).hint(COMPARE));
        }
        self.check_clock(event);
        self.check_effect(event);
    }

    /// Within one life of the owner its clock does not go back.
    fn check_clock(&mut self, event: &Event) {
        let born = matches!(event.what, What::ServiceStarted { .. } | What::LogRestored { .. });
        let mono_us = event.stamp.mono_us;
        if self.scope == Scope::Log && self.is_whole() && !born && mono_us < self.mono_us {
            self.findings.push(
                invalid(BACKWARDS, event.sequence)
                    .says(format_args!(
                        "it was written {mono_us} µs after its owner started, and the one before it {} µs after",
                        self.mono_us
                    ))
                    .hint(COMPARE),
            );
        }
        self.mono_us = mono_us;
    }

    /// An effect's answer comes after its intent, and once.
    fn check_effect(&mut self, event: &Event) {
        let (What::CallIntended { attempt, .. } | What::CallAnswered { attempt, .. }) = event.what else {
            return;
        };
        let (Some(run), Some(step), Some(call)) = (&event.run, &event.step, event.call) else {
            let says = format!(
                "the event `{}` does not say to which run, step and call it belongs",
                event.what.action()
            );
            return self.findings.push(invalid(ORDER_LOST, event.sequence).says(says).hint(COMPARE));
        };
        let key = Attempt { run: run.clone(), step: step.clone(), call, number: attempt };
        let said = format_args!("attempt {attempt} at call {call} of step {step} in run {run}");
        match event.what {
            What::CallAnswered { .. } if self.intended.remove(&key) => self.effects += 1,
            What::CallAnswered { .. } if self.is_whole() && self.scope != Scope::Event => {
                self.findings.push(
                    invalid(NO_INTENT, event.sequence)
                        .says(format_args!("{said} was answered, and no intent of it stands before"))
                        .hint(COMPARE),
                );
            }
            What::CallIntended { .. } if !self.intended.insert(key) => {
                self.findings.push(
                    invalid(TWO_INTENTS, event.sequence)
                        .says(format_args!("{said} was intended before and not answered since"))
                        .hint(COMPARE),
                );
            }
            _ => {}
        }
    }

    /// Tells which events changed places and which are somewhere else, and gives the places of the former.
    fn tell_misplaced(&mut self) -> BTreeSet<u64> {
        let mut swapped = BTreeSet::new();
        for (&place, &inside) in &self.misplaced {
            if self.misplaced.get(&inside) == Some(&place) {
                swapped.insert(place);
                if place < inside {
                    self.findings.push(swap(place, inside));
                }
            } else if !self.edited.contains(&place) {
                let says = format!("the event that stands here says that it is number {inside}");
                self.findings.push(invalid(MISPLACED, place).says(says).hint(COMPARE));
            }
        }
        swapped
    }

    /// Says what came of it, and which places hold what was hashed elsewhere: the two of each swap.
    pub(super) fn finish(
        mut self,
        established: &mut Established,
        open: &mut Vec<Open>,
        findings: &mut Findings,
    ) -> BTreeSet<u64> {
        let swapped = self.tell_misplaced();
        established.events = self.read;
        established.effects = self.effects;
        established.unanswered = self.intended.len() as u64;
        open.extend(self.newer.map(|(events, first)| Open::NewerEvents { events, first }));
        open.extend(self.lost.map(|event| Open::Order { event }));
        findings.append(self.findings);
        swapped
    }
}

fn swap(place: u64, inside: u64) -> Fault {
    invalid_at(SWAPPED, format_args!("events {place} and {inside}"))
        .says(format_args!(
            "they changed places: event {inside} stands at {place}, and event {place} at {inside}"
        ))
        .hint(COMPARE)
}

/// A finding about one event.
pub(super) fn invalid(rule: Rule, event: u64) -> Fault {
    invalid_at(rule, format_args!("event {event}"))
}

pub(super) fn invalid_at(rule: Rule, place: impl fmt::Display) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, rule).at(place)
}
