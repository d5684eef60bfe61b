//! `invoice-erp`: the example's ERP as a program.
//!
//! Prints one line of JSON when it is ready (address, URL, paths of root and token), then one line
//! for each request on standard error. Ends on ctrl-c, SIGTERM and, if told so, when its standard
//! input closes.
#![forbid(unsafe_code)]

use clap::Parser;
use invoice_erp::{Erp, Misbehaviour, Options, PayerKey};
use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

/// The rule that the files and streams of the command can be used.
const COMMAND: Rule = Rule::new("erp-command");
/// Most bytes of the key file that are read: 64 hex digits and some white space.
const KEY_FILE_BYTES: u64 = 1024;

/// A small ERP that books payments, for the invoice example. Serves this machine only.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The folder of root certificate, token and database; made at the first start.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// The payer's Ed25519 public key: a file of 64 hex digits. Stored as version 1.
    #[arg(long, value_name = "FILE")]
    payer_key: Option<PathBuf>,
    /// Misbehave, to test a client. Can be given more than once.
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<Misbehaviour>,
    /// End when standard input closes, so that no parent that dies leaves this running.
    #[arg(long)]
    until_stdin_closes: bool,
}

fn main() -> ExitCode {
    match serve(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            log(&fault.to_string());
            log(fault.remedy());
            ExitCode::from(fault.class().exit_code())
        }
    }
}

fn serve(arguments: Arguments) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| failed(format_args!("cannot start threads: {e}")))?;
    runtime.block_on(async {
        // Before the ready line, so that a signal right after it is not lost.
        let ending = ending(arguments.until_stdin_closes)?;
        let erp = Erp::start(Options {
            payer_key: arguments.payer_key.as_deref().map(read_key).transpose()?,
            listen: arguments.listen,
            misbehaviours: arguments.faults,
            log,
            ..Options::new(arguments.data)
        })
        .await?;
        let ready = serde_json::json!({
            "address": erp.address(),
            "url": erp.url(),
            "root": erp.root_path(),
            "token": erp.token_path(),
        });
        writeln!(io::stdout(), "{ready}")
            .map_err(|e| failed(format_args!("cannot write to standard output: {e}")))?;
        ending.await;
        erp.shutdown().await;
        Ok(())
    })
}

/// Waits for the first reason to end.
fn ending(until_stdin_closes: bool) -> Result<impl Future<Output = ()>, Fault> {
    let listen = |kind| signal(kind).map_err(|e| failed(format_args!("cannot wait for signals: {e}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let (closed, stdin_closed) = oneshot::channel();
    if until_stdin_closes {
        // A thread of its own: a blocked read would keep a runtime's thread from ending.
        thread::spawn(move || {
            let _end = io::copy(&mut io::stdin(), &mut io::sink());
            closed.send(())
        });
    }
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            Ok(()) = stdin_closed => {}
        }
    })
}

fn read_key(path: &Path) -> Result<PayerKey, Fault> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(KEY_FILE_BYTES).read_to_string(&mut text))
        .map_err(|e| failed(format_args!("cannot read the payer's key: {e}")).at(path.display()))?;
    PayerKey::parse(&text).map_err(|fault| fault.at(path.display()))
}

/// Standard error may be closed; the service goes on.
fn log(line: &str) {
    let _written = writeln!(io::stderr(), "{line}");
}

fn failed(what: std::fmt::Arguments<'_>) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, COMMAND).says(what).hint("see `invoice-erp --help`")
}
