//! How much memory a worker holds, as the kernel counts it.
//!
//! The limits that a worker sets itself count what it may write to. One that was taken over fills
//! pages, makes them read-only, and has room for as many again; and reading memory that was only
//! reserved costs page tables, which no limit counts. So the parent looks at what is really held.

use super::link::{Link, Loss};
use crate::lockdown::Ceilings;
use std::time::Duration;

/// Time between two looks: a worker fills some hundred MiB meanwhile. A look costs some 50 µs.
const LOOKS_EVERY: Duration = Duration::from_millis(250);

/// What a worker may hold beside its ceiling: the program, which it shares with its parent, and the page
/// tables of what its engine reserved.
const BESIDE_BYTES: u64 = 256 << 20;

/// The lines of `/proc/PID/status` that count memory of its own: `proc_pid_status(5)`.
const COUNTED: [&str; 3] = ["VmRSS:", "VmSwap:", "VmPTE:"];

/// Waits until the worker holds more than it may. Where the kernel does not tell, it waits for ever.
pub(super) async fn overgrown(link: &Link, ceilings: Ceilings) -> Loss {
    let most = ceilings.memory_bytes.saturating_add(BESIDE_BYTES);
    loop {
        tokio::time::sleep(LOOKS_EVERY).await;
        // The number is the worker's as long as the link has its process. Where the link has lost it
        // meanwhile, it does not lose it again.
        if link.process().and_then(held).is_some_and(|held| held > most) {
            return Loss::Overgrown;
        }
    }
}

/// Bytes that a process holds.
#[expect(clippy::disallowed_methods, reason = "the kernel tells it in no other place")]
fn held(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    sum(&status)
}

fn sum(status: &str) -> Option<u64> {
    let kib = |line: &str| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok();
    let mut counted = status.lines().filter(|line| COUNTED.iter().any(|name| line.starts_with(name)));
    counted.try_fold(0_u64, |sum, line| Some(sum.saturating_add(kib(line)?.saturating_mul(1 << 10))))
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn what_is_held_is_resident_swapped_or_tables() {
        let status =
            "Name:\tworker\nVmPeak:\t 9000 kB\nVmRSS:\t    12 kB\nVmPTE:\t     3 kB\nVmSwap:\t     1 kB\n";
        assert_eq!(sum(status), Some(16 << 10));
        assert_eq!(sum("Name:\tended\n"), Some(0));
        assert_eq!(sum("VmRSS:\tmuch\n"), None);
    }
}
