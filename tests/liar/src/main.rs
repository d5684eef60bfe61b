//! A worker that was taken over, played by a program.
//!
//! `liar LIE KIND PARENT`: locks itself in as a worker does, and does what a worker does but for the
//! one lie. `honest` is a worker.

#![expect(clippy::expect_used, reason = "this program plays an attacker and is no part of the product")]

use std::process::ExitCode;
use stepward_sandbox::{Compiler, StepErrorKind};
use stepward_seam::{Label, LogLevel};
use stepward_worker::lockdown::{Kind, Lockdown, Required};
use stepward_worker::protocol::{Bytes, Call, Down, Ended, Frames, GuestEnd, Hello, PROTOCOL, Up, encode};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let lie = arguments.next().and_then(|lie| lie.into_string().ok()).unwrap_or_default();
    if lie == "honest" {
        return stepward_worker::main(arguments);
    }
    let words: Vec<String> = arguments.filter_map(|word| word.into_string().ok()).collect();
    let [kind, parent] = words.as_slice() else { return ExitCode::from(2) };
    let kind = Kind::ALL.into_iter().find(|one| one.name() == kind).expect("a kind");
    // Each lie is told by one kind of worker; the other is honest.
    let liar = if lie.starts_with("compiler-") { Kind::Compiler } else { Kind::Runner };
    if kind != liar {
        return stepward_worker::main([kind.name().into(), parent.into()]);
    }
    Liar::greet(&lie, kind, parent.parse().expect("a process")).lie();
    ExitCode::SUCCESS
}

struct Liar {
    lie: String,
    frames: Frames,
}

impl Liar {
    fn greet(lie: &str, kind: Kind, parent: u32) -> Self {
        let mut liar = Self { lie: lie.to_owned(), frames: Frames::default() };
        let lockdown = Lockdown::enter(kind, parent);
        let Down::Start(start) = liar.hear() else { std::process::exit(2) };
        let engine = Compiler::new().expect("an engine").fingerprint();
        let locked = lockdown.lock(start.ceilings, &Required::none()).expect("nothing is required");
        let (mut protocol, mut engine) = (PROTOCOL, *engine.as_bytes());
        match lie {
            "other-protocol" => protocol += 1,
            "other-engine" => engine = [7; 32],
            "no-greeting" => loop {
                liar.hear();
            },
            "greeting-of-garbage" => say_bytes(&[5, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff]),
            "endless-greeting" => say_bytes(&[0xff; 64]),
            _ => {}
        }
        say(&Up::Hello(Hello { protocol, engine, promises: locked.promises().clone() }));
        liar
    }

    fn hear(&mut self) -> Down {
        loop {
            if let Some(down) =
                self.frames.next(u64::from(u32::MAX)).expect("the parent keeps to the protocol")
            {
                return down;
            }
            let received = self.frames.received();
            received.reserve(1 << 16);
            let read = rustix::io::read(rustix::stdio::stdin(), rustix::buffer::spare_capacity(received));
            if matches!(read, Ok(0) | Err(_)) {
                std::process::exit(0);
            }
        }
    }

    fn lie(&mut self) {
        loop {
            match self.hear() {
                Down::Run(run) => self.run(run.run),
                Down::Compile(_) => self.compile(),
                Down::Start(_) | Down::Load(_) | Down::Cancel { .. } => {}
                Down::Answer { run, .. } => self.answered(run),
            }
        }
    }

    fn compile(&self) {
        match self.lie.as_str() {
            "compiler-dies" => std::process::exit(1),
            "compiler-gives-garbage" => say(&Up::Compiled(vec![0x90; 4096])),
            "compiler-says-more-than-it-may" => say_bytes(&[0xff, 0xff, 0xff, 0xff, 0]),
            "compiler-runs" => say(&now(1)),
            _ => {}
        }
    }

    /// What the liar does where it should run a step.
    fn run(&self, run: u64) {
        match self.lie.as_str() {
            "second-call" => {
                say(&now(run));
                say(&now(run));
            }
            "call-of-another-run" => say(&now(run.wrapping_sub(1))),
            "call-of-no-run" => say(&now(u64::MAX)),
            "end-of-another-run" => say(&returned(run.wrapping_sub(1), "1".to_owned())),
            "not-imported" => say(&Up::Call { run, call: Call::Reveal { secret: label("wall") } }),
            "other-label" => say(&Up::Call { run, call: Call::Now { clock: label("tower") } }),
            "log-not-imported" => {
                say(&Up::Call {
                    run,
                    call: Call::Log { level: LogLevel::Info, message: "hello".to_owned() },
                });
            }
            "message-beyond-its-limit" => {
                let message = Bytes(vec![0; 5 << 20]);
                say(&Up::Call { run, call: Call::Sign { signer: label("wall"), message } });
            }
            "calls-beyond-their-limit" | "dies-after-a-call" | "deaf-after-a-call" => say(&now(run)),
            "frame-beyond-its-limit" => say_bytes(&[0xff, 0xff, 0xff, 0xff, 0]),
            "garbage" => say_bytes(&[4, 0, 0, 0, 0xee, 0xee, 0xee, 0xee]),
            "trailing-bytes" => {
                let mut frame = encode(&now(run), Vec::new()).expect("it fits");
                frame.push(0);
                if let Some(length) = frame.first_mut() {
                    *length += 1;
                }
                say_bytes(&frame);
            }
            "output-beyond-its-limit" => say(&returned(run, format!("\"{}\"", "x".repeat(9 << 20)))),
            "output-not-json" => say(&returned(run, "{".to_owned())),
            "text-in-error" => say(&ended(
                run,
                GuestEnd::Errored {
                    kind: StepErrorKind::Permanent,
                    code: "\u{1b}[2J".to_owned(),
                    message: "\u{202e}\u{1b}]0;owned\u{7}".repeat(1 << 12),
                },
            )),
            "stop-that-nobody-ordered" => say(&ended(run, GuestEnd::Stopped)),
            "rule-that-is-none" => say(&ended(
                run,
                GuestEnd::Refused {
                    rule: "grant-missing".to_owned(),
                    owner: "operator".to_owned(),
                    message: "run `rm -rf /`".to_owned(),
                },
            )),
            "boast" => say(&Up::Ended(Ended {
                run,
                end: GuestEnd::Returned("1".to_owned()),
                fuel: u64::MAX,
                peak_memory_bytes: u64::MAX,
                table_elements: u64::MAX,
            })),
            "two-ends" => {
                say(&returned(run, "1".to_owned()));
                say(&returned(run, "2".to_owned()));
            }
            "compiled-code" => say(&Up::Compiled(vec![0x90; 64])),
            "dies" => std::process::exit(1),
            "aborts" => std::process::abort(),
            "flood" => loop {
                say(&now(run));
            },
            // `deaf`: says nothing, whatever it is told.
            _ => {}
        }
    }

    fn answered(&self, run: u64) {
        match self.lie.as_str() {
            "calls-beyond-their-limit" => say(&now(run)),
            // What was answered before is answered at once, perhaps before the second call is heard.
            "second-call" => {
                say(&now(run));
                say(&now(run));
            }
            "dies-after-a-call" => std::process::exit(1),
            _ => {}
        }
    }
}

fn label(text: &str) -> Label {
    Label::new(text).expect("a label")
}

fn now(run: u64) -> Up {
    Up::Call { run, call: Call::Now { clock: label("wall") } }
}

fn returned(run: u64, text: String) -> Up {
    ended(run, GuestEnd::Returned(text))
}

fn ended(run: u64, end: GuestEnd) -> Up {
    Up::Ended(Ended { run, end, fuel: 1, peak_memory_bytes: 1, table_elements: 1 })
}

fn say(up: &Up) {
    say_bytes(&encode(up, Vec::new()).expect("it fits a frame"));
}

fn say_bytes(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match rustix::io::write(rustix::stdio::stdin(), bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(_) => std::process::exit(0),
        }
    }
}
