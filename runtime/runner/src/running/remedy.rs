//! What to do where a worker process cannot promise something on this machine.

use stepward::worker::lockdown::Promise;

/// What would make a promise hold.
pub(crate) const fn remedy(promise: Promise) -> &'static str {
    match promise {
        Promise::NoNewPrivileges => {
            "boot Linux 3.5 or newer; a sandbox around this process must allow prctl(2) with PR_SET_NO_NEW_PRIVS"
        }
        Promise::Capabilities => {
            "run as an ordinary account, or leave root the capabilities CAP_SETUID, CAP_SETGID and CAP_SETPCAP"
        }
        Promise::Seccomp => {
            "boot Linux 4.14 or newer with CONFIG_SECCOMP_FILTER; a sandbox around this process must allow seccomp(2)"
        }
        Promise::LandlockFiles => {
            "boot Linux 6.10 or newer with `landlock` among its `lsm=`; a sandbox around this process must allow the calls of landlock(7)"
        }
        Promise::LandlockNetwork => {
            "boot Linux 6.7 or newer with `landlock` among its `lsm=`; a sandbox around this process must allow the calls of landlock(7)"
        }
        Promise::LandlockScopes => {
            "boot Linux 6.12 or newer with `landlock` among its `lsm=`; a sandbox around this process must allow the calls of landlock(7)"
        }
        Promise::MemoryLimit => {
            "boot Linux 4.7 or newer, with /proc mounted and writable; a sandbox around this process must allow setrlimit(2)"
        }
        Promise::CpuLimit | Promise::FileLimit => "a sandbox around this process must allow setrlimit(2)",
        Promise::ProcessLimit => {
            "run as an ordinary account, or leave root CAP_SETUID: the kernel counts no process of root's"
        }
        Promise::NotDumpable => {
            "a sandbox around this process must allow prctl(2) with PR_SET_DUMPABLE, and setrlimit(2)"
        }
        Promise::OwnProcessGroup => "a sandbox around this process must allow setsid(2)",
        Promise::DiesWithParent => {
            "a sandbox around this process must allow prctl(2) with PR_SET_PDEATHSIG, and start no process in its place"
        }
        Promise::CleanEnvironment => {
            "let nothing between this process and its workers add variables to their environment"
        }
        Promise::OnlyThePipe => "mount /proc, and let nothing preload a library that opens files",
    }
}
