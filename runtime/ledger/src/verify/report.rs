//! What came of a verification.

use crate::merkle::TreeHead;
use crate::note::{KeyName, UnixSeconds, WitnessVerifier};
use std::fmt;
use stepward_fault::{Fault, shown};

/// Findings that are kept; more of them are counted. A log that was cut up in a thousand places needs no
/// longer list to be put aside.
pub const MAX_FINDINGS: usize = 100;

/// What was found out about a log, an export, a proof, evidence or tiles.
#[derive(Clone, Debug, Default)]
#[must_use = "it is the verdict"]
pub struct Report {
    /// What holds.
    pub established: Established,
    /// What could not be told from what was given.
    pub open: Vec<Open>,
    pub(super) findings: Findings,
}

/// Whether everything that could be checked holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Holds,
    /// Something does not: the findings say what.
    Fails,
}

impl Report {
    /// Adds what was found outside of this verification, such as rows of a store that no reading meets.
    pub fn find(&mut self, fault: Fault) {
        self.findings.push(fault);
    }

    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        if self.findings.list.is_empty() { Verdict::Holds } else { Verdict::Fails }
    }

    /// What does not hold, at most [`MAX_FINDINGS`]: each with its rule, its place and an explanation.
    pub fn findings(&self) -> &[Fault] {
        &self.findings.list
    }

    /// Findings beyond those that were kept.
    pub fn further_findings(&self) -> u64 {
        self.findings.more
    }
}

/// The findings so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    list: Vec<Fault>,
    more: u64,
}

impl Findings {
    pub(super) fn push(&mut self, fault: Fault) {
        if self.list.len() < MAX_FINDINGS {
            self.list.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// Keeps what went well; what did not is a finding.
    pub(super) fn take<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.push(fault)).ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The first findings come first in the log.
    pub(super) fn append(&mut self, later: Self) {
        later.list.into_iter().for_each(|fault| self.push(fault));
        self.more += later.more;
    }
}

/// What holds.
#[derive(Clone, Debug, Default)]
pub struct Established {
    /// The tree that all the events make; of a single event or run, the tree that they are in.
    pub tree: Option<TreeHead>,
    /// The newest checkpoint.
    pub signed: Option<Signed>,
    /// Checkpoints whose signature is true and whose tree the events make.
    pub checkpoints: u64,
    /// Events that were read and are what this version writes.
    pub events: u64,
    /// Effects whose answer came after their intent.
    pub effects: u64,
    /// Effects with an intent and no answer: nobody knows what came of them, and the log says so.
    pub unanswered: u64,
    /// Bodies that are there.
    pub bodies: u64,
    /// Of those, bodies that opened and are what their event committed to.
    pub opened: u64,
    /// Events that are the same in another copy.
    pub compared: u64,
}

/// A checkpoint that a key signed.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The log's name.
    pub origin: KeyName,
    /// The tree.
    pub head: TreeHead,
    /// The key that signed it, as it is written in files.
    pub key: String,
    /// Where the key is from.
    pub trust: Trust,
    /// Witnesses that cosigned, and when.
    pub cosigned: Vec<Cosigner>,
}

impl Signed {
    /// The keys among those that signed and cosigned that came along: nobody but the file says whose they are.
    pub(super) fn found(&self) -> impl Iterator<Item = Open> {
        let log = (self.trust == Trust::Found).then(|| self.key.clone());
        let witnesses = self.cosigned.iter().filter(|seen| seen.trust == Trust::Found);
        log.into_iter().chain(witnesses.map(|seen| seen.key.to_string())).map(|key| Open::KeyFound { key })
    }

    /// Until when a witness vouches whose key was named. One whose key came along could be anyone.
    pub(super) fn freshness(cosigned: &[Cosigner]) -> Open {
        let given = cosigned.iter().filter(|seen| seen.trust == Trust::Given);
        match given.max_by_key(|seen| seen.time) {
            Some(newest) => Open::CosignedUntil { witness: newest.witness.clone(), time: newest.time },
            None => Open::NoWitness,
        }
    }
}

/// A witness that cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigner {
    /// Its name.
    pub witness: KeyName,
    /// The key that it cosigned with.
    pub key: WitnessVerifier,
    /// Where that key is from.
    pub trust: Trust,
    /// When it did, by its own clock.
    pub time: UnixSeconds,
    /// The leaves of the checkpoint that it cosigned.
    pub size: u64,
}

/// Where a key is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Whoever asks named it.
    Given,
    /// It came with what it should vouch for.
    Found,
}

/// Something that could not be established.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open {
    /// No checkpoint: nothing ties the events to a key.
    Unsigned,
    /// The events from here on are in no checkpoint.
    AfterCheckpoint {
        /// The first of them.
        from: u64,
        /// How many.
        events: u64,
    },
    /// No witness whose key was named cosigned: an older copy, and a second log under the same name, look the same.
    NoWitness,
    /// A witness whose key was named vouches up to a time, and not after it.
    CosignedUntil {
        /// The witness.
        witness: KeyName,
        /// When it cosigned.
        time: UnixSeconds,
    },
    /// The key came with the file: whoever made the file could have made the key.
    KeyFound {
        /// The key.
        key: String,
    },
    /// Bodies that were not opened.
    BodiesSealed {
        /// How many.
        bodies: u64,
    },
    /// Events that a newer version wrote.
    NewerEvents {
        /// How many.
        events: u64,
        /// The first.
        first: u64,
    },
    /// An event that cannot be read or is missing hides what follows from it.
    Order {
        /// That event.
        event: u64,
    },
    /// The log grew meanwhile: what it remembers beside its events was not compared.
    Grew,
    /// Whether the run has other events.
    OtherEventsOfRun,
}

impl Open {
    /// What can be done to establish it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unsigned => "make a checkpoint: `stepward ledger checkpoint`",
            Self::AfterCheckpoint { .. } => "make a checkpoint over them: `stepward ledger checkpoint`",
            Self::NoWitness => {
                "compare it with a checkpoint that somebody else kept, or have witnesses outside the \
                 administrator's control cosign"
            }
            Self::CosignedUntil { .. } => "ask the witness for the newest size that it knows of this log",
            Self::KeyFound { .. } => {
                "get the key another way, from the operator or a web page of theirs, and name it with --key"
            }
            Self::BodiesSealed { .. } => {
                "`stepward verify --bodies` on the machine that holds the environment's key opens them"
            }
            Self::NewerEvents { .. } => "use the version of Stepward that wrote them",
            Self::Order { .. } => {
                "put the last good copy of the log beside it: `stepward verify … --against COPY`"
            }
            Self::Grew => "verify a backup, or while nothing writes",
            Self::OtherEventsOfRun => "ask for an export of the whole log and verify that",
        }
    }
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("whose log this is: it has no checkpoint"),
            Self::AfterCheckpoint { from, events } => {
                write!(f, "that nobody changed the {events} events from {from} on: no checkpoint covers them")
            }
            Self::NoWitness => f.write_str(
                "that there is no newer or other log under this name: no known witness cosigned, so an older copy \
                 looks the same",
            ),
            Self::CosignedUntil { witness, time } => write!(
                f,
                "that there is no newer log: the witness {} saw none until {}",
                shown(witness.as_str()),
                Utc(time.get())
            ),
            Self::KeyFound { key } => write!(f, "whose key this is, which came with the file: {}", shown(key)),
            Self::BodiesSealed { bodies } => {
                write!(f, "that the {bodies} sealed bodies open and are what the events say: they were not opened")
            }
            Self::NewerEvents { events, first } => {
                write!(f, "what {events} events say, the first of them {first}: a newer version wrote them")
            }
            Self::Order { event } => {
                write!(f, "that what follows from event {event} is in order: that event is not what was written")
            }
            Self::Grew => {
                f.write_str("that the index of runs is that of the events: the log grew while it was read")
            }
            Self::OtherEventsOfRun => f.write_str("that the run has no other events"),
        }
    }
}

/// Unix seconds as a date and a time of day in UTC (RFC 3339, section 5.6).
#[derive(Clone, Copy, Debug)]
pub struct Utc(pub u64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds) = (self.0 / 86_400, self.0 % 86_400);
        // Eras of 400 years, counted from 1 March of the year 0, so that a leap day is the last of its year.
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let date = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year + u64::from(month <= 2);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::Utc;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_763_719_267, "2025-11-21T10:01:07Z"),
        ] {
            assert_eq!(Utc(seconds).to_string(), text);
        }
    }
}
