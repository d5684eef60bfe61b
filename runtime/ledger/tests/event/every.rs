//! One event of every kind, with every field that it can have.

use stepward_ledger::event::{
    Act, Actor, Commitment, Decision, Draft, Effect, Event, Gap, Name, Outcome, Purpose, Recognised,
    Resolution, Stamp, Text, What,
};
use stepward_trust::Digest;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn person() -> Actor {
    Actor::Person { name: name("p-0011223344556677"), by: Recognised::OsAccount }
}

fn robot() -> Actor {
    Actor::Robot { name: name("deploy"), by: Recognised::Embedder }
}

fn step() -> Actor {
    Actor::Step { name: name("post-payment") }
}

/// Who did what, in which call, and whether there is a body.
type Case = (Actor, What, Option<u64>, bool);

fn of_the_service() -> Vec<Case> {
    let service = |what| (Actor::Service, what, None, false);
    vec![
        service(What::ServiceStarted { version: name("0.1.0") }),
        service(What::ServiceStopped),
        service(What::ServiceRecovered { not_started: 1, can_go_on: 2, in_doubt: 3, unreadable: 4 }),
        service(What::LogRestored { size: 12, root: digest("root"), generation: 2 }),
        service(What::ConfigurationChanged { before: None, now: digest("one") }),
        service(What::ConfigurationChanged { before: Some(digest("one")), now: digest("two") }),
        service(What::BundleChanged { object: name("approve"), before: Some(digest("a")), now: digest("b") }),
        (person(), What::OperatorActed { act: Act::Backup }, None, false),
        service(What::GapFound { gap: Gap::Witnesses, from: 7 }),
    ]
}

fn of_a_run() -> Vec<Case> {
    let object = || name("endpoint:erp");
    let policy = digest("policy");
    vec![
        (
            robot(),
            What::RunStarted { object: name("approve"), definition: digest("definition"), policy },
            None,
            true,
        ),
        (person(), What::RunContinued { policy }, None, false),
        (Actor::Service, What::RunEnded { outcome: Outcome::Succeeded }, None, true),
        (
            Actor::Service,
            What::StepStarted {
                component: digest("wasm"),
                engine: digest("engine"),
                limits: digest("limits"),
            },
            None,
            false,
        ),
        (Actor::Service, What::StepEnded { outcome: Outcome::LimitExceeded, fuel: 123 }, None, false),
        (
            step(),
            What::GrantDecided {
                object: object(),
                decision: Decision::Refused,
                rule: name("path-not-granted"),
                policy,
            },
            Some(3),
            false,
        ),
        (
            step(),
            What::CallIntended {
                object: object(),
                method: name("POST"),
                attempt: 1,
                idempotent: true,
                decision: Decision::Permitted,
                workflow_rule: Text::of("POST /payments"),
                environment_rule: Text::of("POST /*"),
                policy,
            },
            Some(4),
            true,
        ),
        (
            step(),
            What::CallAnswered {
                object: object(),
                attempt: 1,
                effect: Effect::Applied,
                status: Some(201),
                rule: None,
            },
            Some(4),
            true,
        ),
        (
            step(),
            What::CallAnswered {
                object: object(),
                attempt: 1,
                effect: Effect::Unknown,
                status: None,
                rule: Some(name("timeout")),
            },
            Some(4),
            false,
        ),
        (step(), What::CallRecorded { object: object(), status: Some(200) }, Some(5), true),
        (person(), What::CallResolved { effect: Resolution::NotApplied }, Some(4), true),
        (Actor::Service, What::LimitReached { limit: name("fuel") }, None, false),
        (
            Actor::Service,
            What::SecretUsed {
                secret: name("erp-token"),
                version: name("2026-11"),
                purpose: Purpose::Credential,
            },
            None,
            false,
        ),
        (person(), What::BodyErased { complete_at_ms: 1_764_547_200_000 }, None, false),
    ]
}

/// The words that the events before them do not have.
fn other_words_of_the_service() -> Vec<Case> {
    let acted = [Act::Export, Act::Evidence, Act::BodiesOpened, Act::KeysRotated];
    let acted = acted.map(|act| (person(), What::OperatorActed { act }, None, false));
    let gaps = [Gap::ClockBack, Gap::Unreadable];
    let gaps = gaps.map(|gap| (Actor::Service, What::GapFound { gap, from: 8 }, None, false));
    acted.into_iter().chain(gaps).collect()
}

fn other_words_of_a_run() -> Vec<Case> {
    let service = |what| (Actor::Service, what, None, false);
    let (object, policy) = (name("endpoint:erp"), digest("policy"));
    let ends = [Outcome::LimitExceeded, Outcome::Failed, Outcome::Refused, Outcome::Cancelled];
    let runs = ends.map(|outcome| service(What::RunEnded { outcome }));
    let ends = [Outcome::Succeeded, Outcome::Failed, Outcome::Refused, Outcome::Cancelled];
    let steps = ends.map(|outcome| service(What::StepEnded { outcome, fuel: 1 }));
    let used = [Purpose::Signer, Purpose::Revealed].map(|purpose| {
        service(What::SecretUsed { secret: name("erp-token"), version: name("2026-11"), purpose })
    });
    let (decision, rule) = (Decision::Permitted, name("granted"));
    let (effect, attempt) = (Effect::NotApplied, 2);
    let calls = [
        (step(), What::GrantDecided { object: object.clone(), decision, rule, policy }, None, false),
        (
            step(),
            What::CallAnswered { object, attempt, effect, status: None, rule: Some(name("connect")) },
            Some(4),
            false,
        ),
        (person(), What::CallResolved { effect: Resolution::Applied }, Some(4), true),
    ];
    runs.into_iter().chain(steps).chain(used).chain(calls).collect()
}

/// What was added to the closed sets since: new lines, so that those before stay as they are.
fn added() -> Vec<Case> {
    let acted = |act| (person(), What::OperatorActed { act }, None, false);
    vec![acted(Act::KeyProtected), acted(Act::KeyUnprotected)]
}

/// The events, numbered from 0.
pub(crate) fn every() -> Vec<Event> {
    let of = |cases: Vec<Case>, of_run: bool| cases.into_iter().map(move |case| (case, of_run));
    let all = of(of_the_service(), false)
        .chain(of(of_a_run(), true))
        .chain(of(other_words_of_the_service(), false))
        .chain(of(other_words_of_a_run(), true))
        .chain(of(added(), false));
    (0..)
        .zip(all)
        .map(|(sequence, ((actor, what, call, body), of_run))| {
            let of_step = of_run
                && !matches!(
                    what,
                    What::RunStarted { .. }
                        | What::RunContinued { .. }
                        | What::RunEnded { .. }
                        | What::BodyErased { .. }
                );
            Draft {
                actor,
                run: of_run.then(|| name("1763719267000-0a1b2c3d")),
                step: of_step.then(|| name("post-payment")),
                call,
                body: body.then(|| Commitment::from_bytes([0xab; 32])),
                what,
            }
            .at(
                sequence,
                name("prod"),
                Stamp {
                    unix_us: 1_763_719_267_000_000 + sequence,
                    error_us: (sequence % 2 == 0).then_some(1500),
                    mono_us: 10 * sequence,
                },
            )
        })
        .collect()
}
