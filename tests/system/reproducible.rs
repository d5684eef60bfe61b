//! The bytes of a step follow from its sources and the toolchain, and from nothing else: not from
//! where the checkout stands, nor from what was built before.
#![allow(clippy::disallowed_methods, reason = "the tests copy the checkout and build it as people do")]

use crate::process::{COMPILE, Ended, program, stepward};
use crate::stage::{EXAMPLE, ROOT, built, edit, files};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
};
use tokio::sync::{Mutex, MutexGuard};

/// What machines make in a checkout.
const NOT_SOURCES: [&str; 4] = ["target", ".git", ".stepward", "corpus"];

/// Every source file of a checkout, relative to it.
fn sources(root: &Path, folder: &Path, all: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if NOT_SOURCES.iter().any(|skipped| path.ends_with(skipped)) {
            continue;
        }
        if path.is_dir() {
            sources(root, &path, all);
        } else {
            all.insert(path.strip_prefix(root).unwrap().to_owned());
        }
    }
}

/// Makes one folder hold the sources of another. Equal files are left alone, so that a second run of
/// the tests compiles little.
fn mirror(from: &Path, to: &Path) {
    let (mut wanted, mut there) = (BTreeSet::new(), BTreeSet::new());
    sources(from, from, &mut wanted);
    fs::create_dir_all(to).unwrap();
    sources(to, to, &mut there);
    for stale in there.difference(&wanted) {
        fs::remove_file(to.join(stale)).unwrap();
    }
    for path in wanted {
        let bytes = match fs::read(from.join(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            read => read.unwrap(),
        };
        let place = to.join(path);
        if fs::read(&place).ok().as_ref() != Some(&bytes) {
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, bytes).unwrap();
        }
    }
}

/// The example in another checkout, at a path of another length and depth, with a target directory
/// of its own. The tests take turns with it.
async fn elsewhere() -> (PathBuf, MutexGuard<'static, ()>) {
    static TURN: Mutex<()> = Mutex::const_new(());
    static COPY: OnceLock<PathBuf> = OnceLock::new();
    let turn = TURN.lock().await;
    let copy = COPY.get_or_init(|| {
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("elsewhere/far/from/the/first/checkout");
        mirror(Path::new(ROOT), &copy);
        copy.canonicalize().unwrap()
    });
    (copy.join(EXAMPLE), turn)
}

async fn build(project: &Path, more: &[&str]) -> Ended {
    let mut command = stepward();
    command.args(["build", "--json", "--project"]).arg(project).args(more);
    program(&mut command, COMPILE).await
}

/// Name and bytes of every built component.
fn components(project: &Path) -> Vec<(String, Vec<u8>)> {
    let all = files(&project.join("target/stepward/components"));
    all.iter()
        .map(|file| (file.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(file).unwrap()))
        .collect()
}

#[tokio::test]
async fn the_bytes_do_not_depend_on_where_the_checkout_stands() {
    let here = components(built());
    let (there, _turn) = elsewhere().await;
    build(&there, &["--locked"]).await.expect(0);
    assert_eq!(here.len(), 3);
    for ((name, ours), (other, theirs)) in here.iter().zip(components(&there)) {
        assert_eq!(*name, other);
        assert!(*ours == theirs, "{name} is another one in {}", there.display());
        // Nor do they tell where it stood.
        let home = std::env::home_dir().unwrap();
        for path in [Path::new(ROOT).canonicalize().unwrap(), home, there.clone()] {
            let path = path.to_str().unwrap();
            assert!(!ours.windows(path.len()).any(|window| window == path.as_bytes()), "{name}: {path}");
        }
    }
}

#[tokio::test]
async fn a_second_build_changes_nothing() {
    let (project, _turn) = elsewhere().await;
    build(&project, &[]).await.expect(0);
    let lock = fs::read(project.join("stepward.lock")).unwrap();
    let before = components(&project);
    let report = build(&project, &[]).await.expect(0).json();
    assert_eq!(report["changes"], serde_json::json!([]));
    assert_eq!(fs::read(project.join("stepward.lock")).unwrap(), lock);
    assert!(components(&project) == before);
}

/// What is done to the files, the exit code and the rule that follow, and what the message says.
type Harm<'a> = (&'a dyn Fn(), i32, &'a str, &'a [&'a str]);

#[tokio::test]
async fn a_locked_build_changes_nothing_and_says_what_differs() {
    let (project, _turn) = elsewhere().await;
    let lock = project.join("stepward.lock");
    let world = project.join("steps/post-payment/wit/world.wit");
    build(&project, &["--locked"]).await.expect(0);
    let (good_lock, good_world) = (fs::read(&lock).unwrap(), fs::read(&world).unwrap());
    let before = components(&project);

    let cut = || edit(&lock, "component = \"sha256:", "component = \"sha256:0");
    let resized = || edit(&lock, "size = ", "size = 1");
    let other_world = || edit(&world, "import erp:", "import bank:");
    let no_lock = || fs::remove_file(&lock).unwrap();
    let harms: [Harm<'_>; 4] = [
        (&cut, 9, "lock-file", &["64 lower-case hex digits"]),
        (&resized, 3, "lock-differs", &["check-invoice: size changed from 1"]),
        (
            &other_world,
            3,
            "lock-differs",
            &["post-payment: ", "wit/world.wit is not the world of the component"],
        ),
        (&no_lock, 3, "lock-differs", &["there is no stepward.lock"]),
    ];
    for (harm, code, rule, said) in harms {
        harm();
        let after = (fs::read(&lock).ok(), fs::read(&world).unwrap());
        let ended = build(&project, &["--locked"]).await.expect(code);
        let error = &ended.json()["error"];
        assert_eq!(error["rule"], rule, "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(said.iter().all(|part| message.contains(part)), "{message}");
        assert_eq!((fs::read(&lock).ok(), fs::read(&world).unwrap()), after, "nothing is changed");
        fs::write(&lock, &good_lock).unwrap();
        fs::write(&world, &good_world).unwrap();
    }
    assert!(components(&project) == before);
}
