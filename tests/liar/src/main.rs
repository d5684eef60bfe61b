//! A worker that was taken over, played by a program.
//!
//! `liar LIE KIND PARENT`: locks itself in as a worker does, and does what a worker does but for the
//! one lie. `honest` is a worker.

#![expect(clippy::expect_used, reason = "this program plays an attacker and is no part of the product")]

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};
use std::ffi::c_void;
use std::process::ExitCode;
use std::ptr;
use stepward_fault::Owner;
use stepward_sandbox::{Compiler, StepErrorKind};
use stepward_seam::{Label, LogLevel, Method};
use stepward_worker::lockdown::{Kind, Lockdown, Required};
use stepward_worker::protocol::{
    Bytes, Call, Down, Ended, Frames, GuestEnd, Hello, PROTOCOL, Request, Up, encode,
};

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
    /// Memory that was reserved before the limits, as an engine reserves it.
    reserved: *mut c_void,
    frames: Frames,
}

impl Liar {
    fn greet(lie: &str, kind: Kind, parent: u32) -> Self {
        let mut liar = Self { lie: lie.to_owned(), reserved: reserve(), frames: Frames::default() };
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
                Down::Run(run) if self.lie == "breaks-for-one" => breaks_for_one(run.run, &run.input),
                Down::Run(run) => self.run(run.run),
                Down::Compile(_) => self.compile(),
                Down::Cancel { run } if self.lie == "flood-after-its-end" => flood(&now(run)),
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
            "compiler-hoards" => hoard(self.reserved),
            "compiler-refuses-at-length" => say(&Up::NotCompiled("\u{1b}".repeat(8 << 20))),
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
            // Numbers of runs go up by one: of two that follow each other, one asks and dies.
            "forgets" if run.is_multiple_of(2) => say(&returned(run, "1".to_owned())),
            "calls-beyond-their-limit" | "dies-after-a-call" | "deaf-after-a-call" | "forgets" => {
                say(&now(run));
            }
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
            "secret-in-a-trap" => say(&ended(run, GuestEnd::Trapped(format!("{SECRET} in memory")))),
            "secret-in-a-fault" => say(&ended(run, of_the_engine(format!("{SECRET} in memory")))),
            "secret-in-code" => say(&ended(run, GuestEnd::NotLoaded(format!("{SECRET} in memory")))),
            "long-fault" => say(&ended(run, of_the_engine("\u{1b}".repeat(8 << 20)))),
            "long-code" => say(&ended(run, GuestEnd::NotLoaded("\u{1b}".repeat(8 << 20)))),
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
            "lists-of-nothing" => say_bytes(&lists_of_nothing(run)),
            "hoards" => hoard(self.reserved),
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
            "dies-after-a-call" | "forgets" => std::process::exit(1),
            _ => {}
        }
    }
}

/// Says one message over and over, faster than anybody can hear it.
fn flood(up: &Up) -> ! {
    let flood = encode(up, Vec::new()).expect("it fits a frame").repeat(1 << 16);
    loop {
        say_bytes(&flood);
    }
}

/// Breaks the protocol for one input, and runs the others for ever after a call.
fn breaks_for_one(run: u64, input: &str) {
    if input == "[\"break\"]" {
        say_bytes(&[1, 0, 0, 0, 0xff]);
    } else {
        say(&now(run));
    }
}

/// What a run was shown.
const SECRET: &str = "hunter2-hunter2";

/// An end that the sandbox itself can come to.
fn of_the_engine(message: String) -> GuestEnd {
    GuestEnd::Refused { rule: "engine-defect".to_owned(), owner: Owner::Stepward.to_string(), message }
}

/// Address space that is reserved.
const RESERVED_BYTES: usize = 1 << 30;
/// Memory that is filled at a time.
const PIECE_BYTES: usize = 16 << 20;
const PAGE_BYTES: usize = 4 << 10;

#[expect(unsafe_code, reason = "this program plays native code of an attacker")]
fn reserve() -> *mut c_void {
    // SAFETY: the kernel chooses where nothing is.
    unsafe { mmap_anonymous(ptr::null_mut(), RESERVED_BYTES, ProtFlags::empty(), MapFlags::PRIVATE) }
        .expect("address space")
}

/// Fills memory piece by piece and takes the right to write to each away again, so that no limit counts
/// it any more. Then does nothing, like a run that takes its time.
#[expect(unsafe_code, reason = "this program plays native code of an attacker")]
fn hoard(reserved: *mut c_void) {
    for piece in 0..RESERVED_BYTES / PIECE_BYTES {
        // SAFETY: the piece lies in what was reserved, and is written to while it may be.
        let filled = unsafe {
            let piece = reserved.byte_add(piece * PIECE_BYTES);
            mprotect(piece, PIECE_BYTES, MprotectFlags::READ | MprotectFlags::WRITE).map(|()| {
                for page in 0..PIECE_BYTES / PAGE_BYTES {
                    piece.cast::<u8>().add(page * PAGE_BYTES).write(1);
                }
                mprotect(piece, PIECE_BYTES, MprotectFlags::READ)
            })
        };
        filled.flatten().expect("the kernel counts it no more");
    }
}

/// Bytes of a frame that its run may cause under the default limits.
const LONG_FRAME_BYTES: usize = 16 << 20;

/// A request whose path has as many empty segments as a frame holds. Each takes one byte on the pipe.
fn lists_of_nothing(run: u64) -> Vec<u8> {
    let request = Request {
        method: Method::Get,
        path: vec![],
        query: vec![],
        headers: vec![],
        body: None,
        operation: None,
    };
    let frame = encode(&Up::Call { run, call: Call::Http { endpoint: label("wall"), request } }, Vec::new())
        .expect("it fits a frame");
    // Behind the path's count come two counts and two absences.
    let (head, tail) = frame.split_at(frame.len() - 5);
    let count = postcard::to_stdvec(&(LONG_FRAME_BYTES as u64)).expect("it fits a vector");
    let payload = [
        head.get(4..).unwrap_or_default(),
        &count,
        &vec![0; LONG_FRAME_BYTES],
        tail.get(1..).unwrap_or_default(),
    ];
    let payload = payload.concat();
    let length = u32::try_from(payload.len()).expect("it fits a frame");
    [length.to_le_bytes().as_slice(), &payload].concat()
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
