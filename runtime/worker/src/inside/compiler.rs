//! One component, compiled.

use super::pipe::{Gone, Pipe};
use crate::lockdown::Locked;
use crate::protocol::{Compile, Down, Up};
use stepward_sandbox::Compiler;

pub(super) fn serve(pipe: &mut Pipe, _locked: &Locked, compiler: &Compiler) -> Result<(), Gone> {
    let Down::Compile(Compile { component }) = pipe.receive()? else { return Err(Gone::Broken) };
    let answer = match compiler.compile(&component) {
        Ok(native) => Up::Compiled(native),
        Err(fault) => Up::NotCompiled(fault.message().to_owned()),
    };
    pipe.queue(&answer)?;
    pipe.flush()
}
