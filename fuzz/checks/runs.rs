//! What holds of every sequence of events that is taken for the story of a run.
#![allow(clippy::unwrap_used, reason = "the names are sound")]

use stepward_fault::shown;
use stepward_ledger::event::{
    Act, Actor, Commitment, Decision, Draft, Effect, Event, Gap, Name, Outcome, Purpose, Resolution, Stamp,
    Text, What,
};
use stepward_ledger::runs::{Doubt, Fold, Run, Standing};
use stepward_trust::Digest;

/// Events that are taken: each is followed by a look at the whole run, and more of them show nothing new.
const MOST: usize = 100;

/// Takes the events in order: each line that is one; or, where the bytes do not begin like an event, one that
/// every four bytes stand for. What does not follow changes nothing. The run then stands where its
/// events say, as they are read here once more. Says how many followed, how many did not, and where it stands.
pub(crate) fn check(bytes: &[u8]) -> (usize, usize, Option<Standing>) {
    let events: Vec<_> = if bytes.starts_with(b"{") {
        bytes.split(|byte| *byte == b'\n').filter_map(|line| Event::decode(line).ok()).take(MOST).collect()
    } else {
        let mut sequence = 0;
        bytes.as_chunks().0.iter().map(|code| written(&mut sequence, *code)).take(MOST).collect()
    };
    let (mut fold, mut taken) = (Fold::default(), Vec::new());
    for event in &events {
        let before = fold.clone().finish();
        match fold.event(event) {
            Ok(()) => taken.push(event),
            Err(fault) => {
                assert_eq!(fault.rule().as_str(), "run-order");
                assert_eq!(shown(fault.message()).to_string(), fault.message());
                assert_eq!(fold.clone().finish(), before);
            }
        }
    }
    let run = fold.finish();
    assert_eq!(run.is_some(), !taken.is_empty());
    let standing = run.map(|run| {
        follows(&taken, &run);
        // Restored before, within and after the run, and never.
        for restored in [None, Some(0), Some(run.first + 1), Some(run.last + 1)] {
            assert_eq!(run.standing(restored), expected(&taken, restored), "{restored:?}");
        }
        let unknown: Vec<_> = run.unknown().collect();
        assert_eq!(unknown, lost(&taken));
        run.standing(None)
    });
    (taken.len(), events.len() - taken.len(), standing)
}

/// One run, which starts once, in the order of the log.
fn follows(taken: &[&Event], run: &Run) {
    assert!(taken.is_sorted_by(|a, b| a.sequence < b.sequence));
    assert!(taken.iter().all(|event| event.run.as_ref() == Some(&run.name)));
    for (number, event) in taken.iter().enumerate() {
        assert_eq!(matches!(event.what, What::RunStarted { .. }), number == 0);
    }
    assert_eq!((run.first, run.last), (taken[0].sequence, taken[taken.len() - 1].sequence));
    // Steps come one after the other.
    let unended = run.steps.iter().rposition(|step| step.ended.is_none());
    assert!(run.steps.iter().take(unended.unwrap_or_default()).all(|step| step.ended.is_some()));
}

/// Where a run stands whose events these are.
fn expected(taken: &[&Event], restored: Option<u64>) -> Standing {
    let ended = taken.iter().rev().find_map(|event| match event.what {
        What::RunEnded { outcome } => Some(outcome),
        _ => None,
    });
    if let Some(outcome) = ended {
        return Standing::Finished(outcome);
    }
    if taken.iter().any(|event| matches!(event.what, What::BodyErased { .. })) {
        return Standing::Erased;
    }
    let mut doubts = Vec::new();
    let vouched = taken.iter().rev().find_map(|event| match event.what {
        What::CallResolved { effect } if event.call.is_none() => Some((event.sequence, effect)),
        _ => None,
    });
    if let Some(sequence) = restored.filter(|at| *at > taken[0].sequence)
        && !vouched.is_some_and(|(at, effect)| at > sequence && effect == Resolution::NotApplied)
    {
        doubts.push(Doubt::Restored { sequence });
    }
    for (intent, after) in last_intents(taken) {
        let repeatable = matches!(intent.what, What::CallIntended { idempotent: true, .. });
        if !has_ended(taken, intent)
            && !repeatable
            && answer(intent, after).is_none()
            && !resolved(intent, after)
        {
            doubts.push(doubt(intent));
        }
    }
    match steps(taken).len() {
        _ if !doubts.is_empty() => Standing::InDoubt(doubts),
        0 => Standing::NotStarted,
        _ => Standing::CanGoOn,
    }
}

/// The effects that nobody looked into and of which nobody knows, although their run was told so or went on.
fn lost(taken: &[&Event]) -> Vec<Doubt> {
    let lost = last_intents(taken).into_iter().filter(|(intent, after)| {
        let unknown = match answer(intent, after) {
            Some(effect) => effect == Effect::Unknown,
            None => has_ended(taken, intent),
        };
        unknown && !resolved(intent, after)
    });
    lost.map(|(intent, _)| doubt(intent)).collect()
}

/// The steps in the order in which they started.
fn steps<'a>(taken: &[&'a Event]) -> Vec<&'a Name> {
    let mut steps: Vec<&Name> = Vec::new();
    for event in taken.iter().filter(|event| matches!(event.what, What::StepStarted { .. })) {
        let name = event.step.as_ref().unwrap();
        if !steps.contains(&name) {
            steps.push(name);
        }
    }
    steps
}

/// The last intent of each call, by step and call, and the events after it.
fn last_intents<'a, 'e>(taken: &'a [&'e Event]) -> Vec<(&'e Event, &'a [&'e Event])> {
    let mut all = Vec::new();
    for step in steps(taken) {
        let intended = |event: &&&Event| {
            event.step.as_ref() == Some(step) && matches!(event.what, What::CallIntended { .. })
        };
        let calls: std::collections::BTreeSet<_> =
            taken.iter().filter(intended).map(|event| event.call).collect();
        for call in calls {
            let at = taken.iter().rposition(|event| intended(&event) && event.call == call).unwrap();
            all.push((taken[at], &taken[at + 1..]));
        }
    }
    all
}

fn has_ended(taken: &[&Event], intent: &Event) -> bool {
    taken.iter().any(|event| event.step == intent.step && matches!(event.what, What::StepEnded { .. }))
}

/// What came of an intent by itself.
fn answer(intent: &Event, after: &[&Event]) -> Option<Effect> {
    let What::CallIntended { attempt: intended, .. } = intent.what else { return None };
    after.iter().rev().find_map(|event| match event.what {
        What::CallAnswered { attempt, effect, .. } if same_call(event, intent) && attempt == intended => {
            Some(effect)
        }
        _ => None,
    })
}

/// Whether an operator said what came of an intent.
fn resolved(intent: &Event, after: &[&Event]) -> bool {
    after.iter().any(|event| same_call(event, intent) && matches!(event.what, What::CallResolved { .. }))
}

fn same_call(event: &Event, other: &Event) -> bool {
    (&event.step, event.call) == (&other.step, other.call)
}

fn doubt(intent: &Event) -> Doubt {
    let What::CallIntended { object, .. } = &intent.what else { panic!("{intent:?} is no intent") };
    Doubt::Call { step: intent.step.clone().unwrap(), call: intent.call.unwrap(), object: object.clone() }
}

/// The event that four bytes stand for: what happened, where, how, and how far behind the last one.
fn written(sequence: &mut u64, [what, place, how, gap]: [u8; 4]) -> Event {
    *sequence += u64::from(gap & 3);
    let of = |words: &[&str]| words.get(usize::from(place & 3)).map(|word| name(word));
    let draft = Draft {
        actor: Actor::Service,
        run: Some(name(if place & 0x40 == 0 { "run-1" } else { "run-2" })).filter(|_| place & 0x80 == 0),
        step: of(&["read", "post", "tell"]),
        call: Some(u64::from(place >> 2 & 3)).filter(|call| *call < 3),
        body: (gap & 4 == 0).then_some(Commitment::from_bytes([gap; 32])),
        what: happened(what, how, name(if place & 0x10 == 0 { "endpoint:erp" } else { "signer:payments" })),
    };
    let event = draft.at(*sequence, name("fuzz"), Stamp { unix_us: 1, error_us: None, mono_us: 1 });
    assert_eq!(Event::decode(&event.encode()).unwrap(), event);
    event
}

fn happened(what: u8, how: u8, object: Name) -> What {
    let digest = |byte| Digest::from_bytes([byte; 32]);
    let policy = digest(0);
    let number = u64::from(how >> 4 & 3);
    let outcome =
        [Outcome::Succeeded, Outcome::Failed, Outcome::Refused, Outcome::Cancelled][usize::from(how & 3)];
    let effect =
        [Effect::Applied, Effect::NotApplied, Effect::Unknown, Effect::Unknown][usize::from(how & 3)];
    let resolution = if how & 1 == 0 { Resolution::Applied } else { Resolution::NotApplied };
    match what % 21 {
        0 => What::RunStarted { object, definition: policy, policy },
        1 => What::StepStarted { component: digest(how & 1), engine: digest(how), limits: policy },
        2 => What::CallIntended {
            object,
            method: name("POST"),
            attempt: number,
            idempotent: how & 1 == 1,
            decision: Decision::Permitted,
            workflow_rule: Text::of("POST /payments"),
            environment_rule: Text::of("POST /**"),
            policy,
        },
        3 => What::CallAnswered { object, attempt: number, effect, status: None, rule: None },
        4 => What::CallResolved { effect: resolution },
        5 => What::CallRecorded { object, status: Some(200) },
        6 => What::StepEnded { outcome, fuel: number },
        7 => What::RunEnded { outcome },
        8 => What::RunContinued { policy },
        9 => What::BodyErased { complete_at_ms: number },
        10 => What::GrantDecided { object, decision: Decision::Refused, rule: name("not-granted"), policy },
        11 => What::LimitReached { limit: name("fuel") },
        12 => What::SecretUsed { secret: object, version: name("1"), purpose: Purpose::Credential },
        13 => What::GapFound { gap: Gap::Witnesses, from: number },
        14 => What::OperatorActed { act: Act::Evidence },
        15 => What::ServiceStarted { version: name("0.1.0") },
        16 => What::ServiceStopped,
        17 => What::ServiceRecovered { not_started: number, can_go_on: 0, in_doubt: 0, unreadable: 0 },
        18 => What::LogRestored { size: number, root: policy, generation: 2 },
        19 => What::ConfigurationChanged { before: None, now: policy },
        _ => What::BundleChanged { object, before: None, now: policy },
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}
