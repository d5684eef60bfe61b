//! What a store keeps beside the tree: the index of runs, bodies, remembered values. No checkpoint covers
//! these, but each follows from the events.

use super::events::{COMPARE, invalid, invalid_at};
use super::report::{Established, Findings, Open};
use crate::event::{Event, Name, What};
use crate::facts;
use crate::merkle::{LeafHash, NodeHash};
use crate::store::{Chain, MAX_PAGE, Records, Run};
use std::collections::{BTreeMap, HashMap};
use stepward_fault::{Class, Fault, Rule};
use stepward_trust::Digest;

const INDEX: Rule = Rule::new("log-run-index");
const BODY_MISSING: Rule = Rule::new("log-body-missing");
const BODY_STRAY: Rule = Rule::new("log-body-stray");
const FACT: Rule = Rule::new("log-remembered");

/// What came of opening a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It opened, and is what its event committed to.
    Opened,
    /// Its run's key was erased: nobody can open it.
    KeyErased,
}

/// Opens the sealed body of an event.
pub type OpenBody<'a> = &'a dyn Fn(&Event, &[u8]) -> Result<Opening, Fault>;

/// A run, as its events say that the index should have it.
#[derive(Debug)]
struct Seen {
    opened: u64,
    last: u64,
    /// Whether its first event is that it started: only then the index has it.
    started: bool,
    open: bool,
    events: u64,
    /// Over its events, as the index has it.
    sealed: Chain,
    /// Over the places of its events, in order.
    chain: NodeHash,
    erased: bool,
    missing: Vec<u64>,
}

/// What should stand beside the events. Grows with the number of runs.
pub(super) struct Index<'a> {
    records: &'a dyn Records,
    open_body: Option<OpenBody<'a>>,
    runs: HashMap<Name, Seen>,
    bodies: u64,
    opened: u64,
    policy: Option<Digest>,
    bundles: BTreeMap<Name, Digest>,
    restored: Option<u64>,
    erased: Option<Name>,
    findings: Findings,
}

impl<'a> Index<'a> {
    pub(super) fn of(records: &'a dyn Records, open_body: Option<OpenBody<'a>>) -> Self {
        Self {
            records,
            open_body,
            runs: HashMap::new(),
            bodies: 0,
            opened: 0,
            policy: None,
            bundles: BTreeMap::new(),
            restored: None,
            erased: None,
            findings: Findings::default(),
        }
    }

    /// Takes an event that stands in its place.
    pub(super) fn take(&mut self, event: &Event) -> Result<(), Fault> {
        self.remember(event);
        self.body(event)?;
        let Some(run) = &event.run else { return Ok(()) };
        let seen = self.runs.entry(run.clone()).or_insert_with(|| Seen::at(event.sequence));
        seen.last = event.sequence;
        seen.chain = chained(seen.chain, event.sequence);
        seen.events += 1;
        seen.sealed = seen.sealed.after(LeafHash::of(&event.encode()));
        match event.what {
            What::RunStarted { .. } => (seen.started, seen.open) = (true, true),
            What::RunEnded { .. } => seen.open = false,
            What::BodyErased { .. } => {
                (seen.open, seen.erased) = (false, true);
                seen.missing.clear();
            }
            _ => {}
        }
        Ok(())
    }

    fn remember(&mut self, event: &Event) {
        match &event.what {
            What::ConfigurationChanged { now, .. } => self.policy = Some(*now),
            What::BundleChanged { object, now, .. } => drop(self.bundles.insert(object.clone(), *now)),
            What::LogRestored { .. } => self.restored = Some(event.sequence),
            What::BodyErased { .. } => self.erased.clone_from(&event.run),
            _ => {}
        }
    }

    fn body(&mut self, event: &Event) -> Result<(), Fault> {
        let place = event.sequence;
        let sealed = match self.records.body(place) {
            Err(fault) if fault.class() == Class::EvidenceInvalid => {
                self.findings.push(fault.at(format_args!("the body of event {place}")));
                return Ok(());
            }
            other => other?,
        };
        match (event.body, sealed) {
            (None, None) => {}
            (None, Some(_)) => self.findings.push(
                invalid_at(BODY_STRAY, format_args!("the body of event {place}"))
                    .says("there is a body, and the event does not commit to one: it was put there, or belongs elsewhere")
                    .hint(COMPARE),
            ),
            (Some(_), Some(sealed)) => {
                self.bodies += 1;
                match self.open_body.map(|open| open(event, &sealed)) {
                    None | Some(Ok(Opening::KeyErased)) => {}
                    Some(Ok(Opening::Opened)) => self.opened += 1,
                    Some(Err(fault)) if fault.class() == Class::EvidenceInvalid => {
                        self.findings.push(fault.at(format_args!("the body of event {place}")));
                    }
                    Some(Err(fault)) => return Err(fault),
                }
            }
            (Some(_), None) => {
                if let Some(run) = &event.run {
                    let seen = self.runs.entry(run.clone()).or_insert_with(|| Seen::at(place));
                    if !seen.erased {
                        seen.missing.push(place);
                    }
                }
            }
        }
        Ok(())
    }

    /// Compares. `size` is that of the log when it was walked over; `whole` says whether every event could
    /// be read: without that nothing follows.
    pub(super) fn finish(
        mut self,
        size: u64,
        whole: bool,
        established: &mut Established,
        open: &mut Vec<Open>,
        findings: &mut Findings,
    ) -> Result<(), Fault> {
        (established.bodies, established.opened) = (self.bodies, self.opened);
        if self.opened < self.bodies {
            open.push(Open::BodiesSealed { bodies: self.bodies - self.opened });
        }
        if whole {
            let mut runs = std::mem::take(&mut self.runs).into_iter().collect::<Vec<_>>();
            runs.sort_unstable_by_key(|(_, seen)| seen.opened);
            for (name, seen) in &runs {
                let looked = self.run(name, seen, size);
                self.tell(looked.map_err(|fault| fault.at(format_args!("the index of run {name}"))))?;
            }
            let looked = self.strays(&runs, size);
            self.tell(looked)?;
            if self.records.head()?.size.get() == size {
                let looked = self.facts();
                self.tell(looked)?;
            } else {
                open.push(Open::Grew);
            }
        }
        findings.append(self.findings);
        Ok(())
    }

    /// What a store finds damaged is a finding like others.
    fn tell(&mut self, looked: Result<(), Fault>) -> Result<(), Fault> {
        match looked {
            Err(fault) if fault.class() == Class::EvidenceInvalid => self.findings.push(fault),
            other => other?,
        }
        Ok(())
    }

    fn run(&mut self, name: &Name, seen: &Seen, size: u64) -> Result<(), Fault> {
        let mut chain = START;
        let (mut from, mut later_erased) = (0, false);
        loop {
            let page = self.records.events_of(name.as_str(), from, MAX_PAGE)?;
            let Some(last) = page.last() else { break };
            from = last + 1;
            for place in page {
                if place < size {
                    chain = chained(chain, place);
                } else if let Some(leaf) = self.records.leaf(place)? {
                    let event = Event::decode(&leaf.bytes);
                    later_erased |= event.is_ok_and(|event| matches!(event.what, What::BodyErased { .. }));
                }
            }
        }
        let indexed = self.records.run(name.as_str())?;
        let same = |run: &Run| {
            let now = (run.last, run.open, run.events, run.chain);
            run.opened == seen.opened
                && (run.last >= size || now == (seen.last, seen.open, seen.events, seen.sealed))
        };
        let agrees = match &indexed {
            Some(run) => chain == seen.chain && same(run),
            None => !seen.started,
        };
        if !agrees {
            let state = if seen.open { "unfinished" } else { "finished" };
            self.findings.push(
                invalid_at(INDEX, format_args!("the index of run {name}"))
                    .says(format_args!(
                        "the index of runs is not that of the events: run {name} has events from {} to {} and is {state}",
                        seen.opened, seen.last
                    ))
                    .hint(COMPARE),
            );
        }
        if !later_erased {
            for &place in &seen.missing {
                self.findings.push(
                    invalid(BODY_MISSING, place)
                        .says("the event commits to a body, which is not there; no event says that it was erased")
                        .hint(COMPARE),
                );
            }
        }
        Ok(())
    }

    /// Runs in the index that have no event.
    fn strays(&mut self, runs: &[(Name, Seen)], size: u64) -> Result<(), Fault> {
        let mut before = size;
        loop {
            let page = self.records.runs(before, MAX_PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            before = last.opened;
            for run in page {
                let known = runs.binary_search_by_key(&run.opened, |(_, seen)| seen.opened);
                let known =
                    known.is_ok_and(|at| runs.get(at).is_some_and(|(name, _)| name.as_str() == run.name));
                if !known {
                    self.findings.push(
                        invalid_at(INDEX, format_args!("the index of run {}", run.name))
                            .says("the index of runs has a run that no event belongs to")
                            .hint(COMPARE),
                    );
                }
            }
        }
    }

    fn facts(&mut self) -> Result<(), Fault> {
        let restored = self.restored.map(|place| place.to_be_bytes().to_vec());
        let digest = |digest: Digest| Some(digest.as_bytes().to_vec());
        let mut expected = vec![
            (facts::RESTORED.to_owned(), restored),
            (facts::POLICY.to_owned(), self.policy.and_then(digest)),
            (facts::ERASED.to_owned(), self.erased.as_ref().map(|run| run.as_str().as_bytes().to_vec())),
        ];
        expected.extend(self.bundles.iter().map(|(name, now)| (facts::bundle(name), digest(*now))));
        for (name, value) in expected {
            if self.records.fact(&name)? != value {
                self.findings.push(
                    invalid_at(FACT, format_args!("the remembered value `{name}`"))
                        .says("it is not what the last event about it says")
                        .hint(COMPARE),
                );
            }
        }
        Ok(())
    }
}

/// Before a run's first event.
const START: NodeHash = NodeHash::from_bytes([0; 32]);

fn chained(chain: NodeHash, place: u64) -> NodeHash {
    NodeHash::join(chain, LeafHash::of(&place.to_be_bytes()).into())
}

impl Seen {
    fn at(place: u64) -> Self {
        Self {
            opened: place,
            last: place,
            started: false,
            open: true,
            events: 0,
            sealed: Chain::START,
            chain: START,
            erased: false,
            missing: Vec::new(),
        }
    }
}
