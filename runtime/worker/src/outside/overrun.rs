//! What a guest was refused at its limit is counted in its usage, and only its worker has seen it.
//!
//! The worker may have been taken over, so it is believed no more than one call and one output: what
//! every guest can try at its limit.

use super::seat::longest;
use crate::protocol::Overrun;
use stepward_seam::{LimitName, Limits, Usage};

/// The usage with what was too much, where `counted` is what came here.
pub(super) fn usage(overrun: &Overrun, counted: Usage, limits: &Limits) -> Result<Usage, &'static str> {
    let Overrun { limit: _, host_calls, bytes_out, log_lines, log_bytes, output_bytes } = *overrun;
    let call_bytes = limits.get(LimitName::BytesOutPerCall);
    let one_more = [
        (host_calls, counted.host_calls, 1),
        (bytes_out, counted.bytes_out, call_bytes),
        (log_lines, counted.log_lines, 1),
        (log_bytes, counted.log_bytes, call_bytes),
        (output_bytes, 0, longest(limits)),
    ];
    let within = |(claimed, counted, most): (u64, u64, u64)| {
        (counted..=counted.saturating_add(most)).contains(&claimed)
    };
    if one_more.into_iter().all(within) {
        Ok(Usage { host_calls, bytes_out, log_lines, log_bytes, output_bytes, ..counted })
    } else {
        Err("counts that its calls do not come to")
    }
}

#[cfg(test)]
mod tests {
    use super::usage;
    use crate::protocol::Overrun;
    use stepward_seam::{LimitName, Limits, Usage};

    const COUNTED: Usage = Usage {
        fuel: 7,
        peak_memory_bytes: 6,
        table_elements: 5,
        host_calls: 4,
        bytes_in: 3,
        bytes_out: 20,
        log_lines: 2,
        log_bytes: 10,
        output_bytes: 0,
        wall_us: 1,
    };

    fn claim(change: impl FnOnce(&mut Overrun)) -> Result<Usage, &'static str> {
        let mut overrun = Overrun {
            limit: LimitName::HostCalls,
            host_calls: COUNTED.host_calls,
            bytes_out: COUNTED.bytes_out,
            log_lines: COUNTED.log_lines,
            log_bytes: COUNTED.log_bytes,
            output_bytes: 0,
        };
        change(&mut overrun);
        let mut limits = Limits::default();
        limits.set(LimitName::BytesOutPerCall, 100).unwrap();
        limits.set(LimitName::OutputBytes, 100).unwrap();
        usage(&overrun, COUNTED, &limits)
    }

    #[test]
    fn one_call_and_one_output_are_believed() {
        assert_eq!(claim(|_| {}), Ok(COUNTED));
        let call = Usage { host_calls: 5, bytes_out: 120, log_lines: 3, log_bytes: 110, ..COUNTED };
        let claimed = claim(|claimed| {
            (claimed.host_calls, claimed.bytes_out) = (5, 120);
            (claimed.log_lines, claimed.log_bytes) = (3, 110);
        });
        assert_eq!(claimed, Ok(call));
        assert_eq!(claim(|claimed| claimed.output_bytes = 101), Ok(Usage { output_bytes: 101, ..COUNTED }));
    }

    #[test]
    fn more_or_less_is_not() {
        let lies: [fn(&mut Overrun); 10] = [
            |claimed| claimed.host_calls = 3,
            |claimed| claimed.host_calls = 6,
            |claimed| claimed.bytes_out = 19,
            |claimed| claimed.bytes_out = 121,
            |claimed| claimed.log_lines = 1,
            |claimed| claimed.log_lines = 4,
            |claimed| claimed.log_bytes = 9,
            |claimed| claimed.log_bytes = 111,
            |claimed| claimed.log_bytes = u64::MAX,
            |claimed| claimed.output_bytes = 1 << 20,
        ];
        for lie in lies {
            assert!(claim(lie).is_err());
        }
    }
}
