//! What guests try, and what contains it: one test for each file of `guest-examples/hostile`, and
//! some for guests that are made by a program.

/// The files. One that no test uses is dead code, and does not build.
#[deny(dead_code)]
mod guests {
    use crate::support::guest::Guest;
    include!(concat!(env!("OUT_DIR"), "/hostile.rs"));
    pub(super) use each_hostile_guest;
}

mod broker;
mod crossing;
mod determinism;
mod every;
mod giants;
mod isolation;
mod memory;
mod names;
mod proposals;
mod seam;
mod text;
mod time;

/// A file without a test of its name does not build.
mod every_file_has_a_test {
    #[allow(unused_imports, reason = "not every module has a test for a file")]
    use super::{
        broker::*, crossing::*, determinism::*, isolation::*, memory::*, names::*, proposals::*, text::*,
        time::*,
    };

    macro_rules! tested {
        ($name:ident) => {
            #[expect(unused_imports, reason = "the name must exist; importing it is the check")]
            use self::$name as _;
        };
    }
    super::guests::each_hostile_guest!(tested);
}
