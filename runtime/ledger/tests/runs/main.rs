//! Where a run stands, told from its events.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod chain;
mod index;
#[path = "../verify/support.rs"]
mod support;

use proptest::prelude::*;
use stepward_fault::Fault;
use stepward_ledger::{
    event::{
        Actor, Commitment, Decision, Draft, Effect, Event, Name, Outcome, Resolution, Stamp, Text, What,
    },
    runs::{Doubt, Fold, Made, Run, Standing},
};
use stepward_trust::Digest;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// The events of one run, written as a story.
#[derive(Clone, Default)]
struct Story(Vec<Event>);

impl Story {
    fn tell(mut self, step: Option<&str>, call: Option<u64>, what: What) -> Self {
        let sequence = 10 + 2 * u64::try_from(self.0.len()).unwrap();
        let draft = Draft {
            actor: Actor::Service,
            run: Some(name("run-1")),
            step: step.map(name),
            call,
            body: Some(Commitment::from_bytes([u8::try_from(sequence).unwrap(); 32])),
            what,
        };
        let stamp = Stamp { unix_us: sequence, error_us: None, mono_us: sequence };
        self.0.push(draft.at(sequence, name("dev"), stamp));
        self
    }

    fn started() -> Self {
        let what = What::RunStarted { object: name("approve"), definition: digest("d"), policy: digest("p") };
        Self::default().tell(None, None, what)
    }

    fn step(self, step: &str) -> Self {
        let what =
            What::StepStarted { component: digest(step), engine: digest("engine"), limits: digest("limits") };
        self.tell(Some(step), None, what)
    }

    fn step_ended(self, step: &str) -> Self {
        self.tell(Some(step), None, What::StepEnded { outcome: Outcome::Succeeded, fuel: 1 })
    }

    fn read(self, step: &str, call: u64) -> Self {
        let what = What::CallRecorded { object: name("endpoint:erp"), status: Some(200) };
        self.tell(Some(step), Some(call), what)
    }

    fn intended(self, step: &str, call: u64, attempt: u64, idempotent: bool) -> Self {
        let what = What::CallIntended {
            object: name("endpoint:erp"),
            method: name("POST"),
            attempt,
            idempotent,
            decision: Decision::Permitted,
            workflow_rule: Text::of("POST /payments"),
            environment_rule: Text::of("POST /payments"),
            policy: digest("p"),
        };
        self.tell(Some(step), Some(call), what)
    }

    fn refused_now(self, step: &str, call: u64) -> Self {
        let what = What::GrantDecided {
            object: name("endpoint:erp"),
            decision: Decision::Refused,
            rule: name("not-granted"),
            policy: digest("p2"),
        };
        self.tell(Some(step), Some(call), what)
    }

    fn answered(self, step: &str, call: u64, attempt: u64, effect: Effect) -> Self {
        let what =
            What::CallAnswered { object: name("endpoint:erp"), attempt, effect, status: None, rule: None };
        self.tell(Some(step), Some(call), what)
    }

    fn resolved(self, place: Option<(&str, u64)>, effect: Resolution) -> Self {
        self.tell(place.map(|place| place.0), place.map(|place| place.1), What::CallResolved { effect })
    }

    fn ended(self) -> Self {
        self.tell(None, None, What::RunEnded { outcome: Outcome::Succeeded })
    }

    fn fold(&self) -> Result<Run, Fault> {
        let mut fold = Fold::default();
        self.0.iter().try_for_each(|event| fold.event(event))?;
        Ok(fold.finish().unwrap())
    }

    fn standing(&self, restored: Option<u64>) -> Standing {
        self.fold().unwrap().standing(restored)
    }

    fn refused(&self) -> String {
        let fault = self.fold().unwrap_err();
        assert_eq!(fault.rule().as_str(), "run-order");
        fault.message().to_owned()
    }
}

fn in_doubt(step: &str, call: u64) -> Standing {
    Standing::InDoubt(vec![Doubt::Call { step: name(step), call, object: name("endpoint:erp") }])
}

#[test]
fn a_run_is_told_apart_wherever_it_was_cut() {
    let whole = Story::started()
        .step("check")
        .read("check", 1)
        .step_ended("check")
        .step("pay")
        .intended("pay", 0, 1, false)
        .answered("pay", 0, 1, Effect::Applied)
        .step_ended("pay")
        .ended();
    let expected = [
        Standing::NotStarted,
        Standing::CanGoOn,
        Standing::CanGoOn,
        Standing::CanGoOn,
        Standing::CanGoOn,
        in_doubt("pay", 0),
        Standing::CanGoOn,
        Standing::CanGoOn,
        Standing::Finished(Outcome::Succeeded),
    ];
    for (events, standing) in (1..).zip(expected) {
        assert_eq!(Story(whole.0[..events].to_vec()).standing(None), standing, "after {events} events");
    }
}

#[test]
fn an_effect_that_acts_once_for_equal_keys_may_be_sent_again() {
    let story = Story::started().step("pay").intended("pay", 0, 1, true);
    assert_eq!(story.standing(None), Standing::CanGoOn);
    // The attempt that follows is a second intent of the same call.
    let again = story.intended("pay", 0, 2, true).answered("pay", 0, 2, Effect::Applied);
    assert_eq!(again.standing(None), Standing::CanGoOn);
    let Made::Effect(attempts) = &again.fold().unwrap().steps[0].calls[0].made else { panic!("an effect") };
    assert_eq!(attempts.iter().map(|attempt| attempt.answer.is_some()).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_refusal_does_not_answer_what_was_sent_before() {
    let sent = Story::started().step("pay").intended("pay", 0, 1, true);
    let refused = sent.clone().refused_now("pay", 0);
    assert_eq!(refused.fold().unwrap().steps, sent.fold().unwrap().steps);
    assert_eq!(refused.standing(None), Standing::CanGoOn);
    // An answer that comes late is still that of the attempt.
    let late = refused.answered("pay", 0, 1, Effect::Applied);
    assert_eq!(late.standing(None), Standing::CanGoOn);
    let doubt = Story::started().step("pay").intended("pay", 0, 1, false).refused_now("pay", 0);
    assert_eq!(doubt.standing(None), in_doubt("pay", 0));
}

#[test]
fn an_operator_ends_a_doubt() {
    let doubt = Story::started().step("pay").intended("pay", 3, 1, false);
    assert_eq!(doubt.standing(None), in_doubt("pay", 3));
    for resolution in [Resolution::Applied, Resolution::NotApplied] {
        let resolved = doubt.clone().resolved(Some(("pay", 3)), resolution);
        assert_eq!(resolved.standing(None), Standing::CanGoOn);
    }
    // One answer ends one doubt: the next attempt has its own.
    let again = doubt.resolved(Some(("pay", 3)), Resolution::NotApplied).intended("pay", 3, 2, false);
    assert_eq!(again.standing(None), in_doubt("pay", 3));
}

#[test]
fn what_a_step_was_told_to_be_unknown_holds_nothing_up_and_is_not_forgotten() {
    let story = Story::started()
        .step("pay")
        .intended("pay", 0, 1, false)
        .answered("pay", 0, 1, Effect::Unknown)
        .step_ended("pay");
    assert_eq!(story.standing(None), Standing::CanGoOn);
    assert_eq!(story.fold().unwrap().unknown().count(), 1);
    let ended = story.ended();
    assert_eq!(ended.standing(None), Standing::Finished(Outcome::Succeeded));
    assert_eq!(ended.fold().unwrap().unknown().count(), 1);
    let resolved = ended.resolved(Some(("pay", 0)), Resolution::Applied);
    assert_eq!(resolved.fold().unwrap().unknown().count(), 0);
}

#[test]
fn after_a_restore_every_run_that_could_have_acted_since_is_in_doubt() {
    let story = Story::started().step("pay");
    assert_eq!(story.standing(Some(5)), Standing::CanGoOn, "it started after the restore");
    assert_eq!(story.standing(Some(99)), Standing::InDoubt(vec![Doubt::Restored { sequence: 99 }]));
    assert_eq!(story.clone().ended().standing(Some(99)), Standing::Finished(Outcome::Succeeded));
    // Vouching for it before the restore says nothing about what came after.
    let vouched = story.resolved(None, Resolution::NotApplied);
    assert_eq!(vouched.standing(Some(13)), Standing::CanGoOn);
    assert_eq!(vouched.standing(Some(99)), Standing::InDoubt(vec![Doubt::Restored { sequence: 99 }]));
}

#[test]
fn an_erased_run_never_goes_on() {
    let erased = Story::started().step("pay").tell(None, None, What::BodyErased { complete_at_ms: 1 });
    assert_eq!(erased.standing(None), Standing::Erased);
    assert_eq!(erased.ended().standing(None), Standing::Finished(Outcome::Succeeded));
}

#[test]
fn a_step_that_goes_on_keeps_its_answers() {
    let run = Story::started()
        .step("pay")
        .read("pay", 0)
        .tell(None, None, What::RunContinued { policy: digest("p2") })
        .step("pay")
        .read("pay", 1)
        .fold()
        .unwrap();
    assert_eq!(run.steps.len(), 1);
    assert_eq!(run.steps[0].calls.iter().map(|call| call.number).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(run.policy, digest("p2"));
}

#[test]
fn events_that_cannot_follow_are_refused() {
    let cases = [
        (Story::default().ended(), "the first event of a run is that it started"),
        (
            Story(Story::started().0.into_iter().chain(Story::started().0).collect()),
            "stands before the last one",
        ),
        (Story::started().read("pay", 0), "its step did not start"),
        (
            Story::started().step("pay").answered("pay", 0, 1, Effect::Applied),
            "no intent that it could answer",
        ),
        (
            Story::started().step("pay").intended("pay", 0, 1, false).answered("pay", 0, 2, Effect::Applied),
            "no intent that it could answer",
        ),
        (Story::started().step("pay").read("pay", 0).intended("pay", 0, 1, true), "had no effect before"),
        (Story::started().step("pay").intended("pay", 0, 1, true).read("pay", 0), "was an effect before"),
        (Story::started().step("check").step("pay"), "has not ended"),
        (Story::started().step("pay").step_ended("pay").step("pay"), "the step ended before"),
        (Story::started().tell(None, None, What::ServiceStopped), "belongs to no run"),
        (Story::started().ended().ended(), "the run had ended"),
        (Story::started().ended().step("pay"), "the run had ended"),
        (Story::started().step("pay").ended().intended("pay", 0, 1, true), "the run had ended"),
        (
            Story::started().step("pay").intended("pay", 0, 1, false).intended("pay", 0, 2, false),
            "the attempt before it is in doubt",
        ),
    ];
    for (story, why) in cases {
        let message = story.refused();
        assert!(message.contains(why), "{message} has not {why}");
    }
}

/// What a step may do next.
#[derive(Clone, Debug)]
enum Move {
    Read,
    Effect { idempotent: bool, effect: Effect },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let effect = prop_oneof![Just(Effect::Applied), Just(Effect::NotApplied), Just(Effect::Unknown)];
    let effect = (any::<bool>(), effect).prop_map(|(idempotent, effect)| Move::Effect { idempotent, effect });
    prop::collection::vec(prop_oneof![Just(Move::Read), effect], 0..12)
}

proptest! {
    /// At any cut, a run is in doubt exactly where its last event is the intent of an effect that the
    /// service could carry out twice.
    #[test]
    fn a_cut_run_is_in_doubt_exactly_after_an_intent(moves in moves(), cut in any::<prop::sample::Index>()) {
        let mut story = Story::started().step("pay");
        for (call, made) in (0..).zip(&moves) {
            story = match made {
                Move::Read => story.read("pay", call),
                Move::Effect { idempotent, effect } => {
                    story.intended("pay", call, 1, *idempotent).answered("pay", call, 1, *effect)
                }
            };
        }
        let story = Story(story.0[..=cut.index(story.0.len())].to_vec());
        let last = &story.0.last().unwrap().what;
        let doubt = matches!(last, What::CallIntended { idempotent: false, .. });
        let standing = story.standing(None);
        prop_assert_eq!(matches!(standing, Standing::InDoubt(_)), doubt, "{:?} after {:?}", standing, last);
    }
}
