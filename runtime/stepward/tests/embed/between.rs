//! What passes from one way of running guests to the other, and what does not.

use super::*;

/// A host may have several runtimes, such as one for each of its tests, and one engine.
#[test]
fn an_engine_outlives_the_runtime_of_its_first_run() {
    for way in Way::BOTH {
        let engine = way.engine(2);
        let mut prepared = None;
        for _ in 0..3 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let step = match prepared.take() {
                    Some(step) => step,
                    None => step(&engine, None).await,
                };
                let finished = engine.run(&step, job("[1]", Arc::new(Ticks::default())), now()).await;
                assert!(matches!(finished.outcome, Outcome::Succeeded(_)), "{way:?}: {:?}", finished.outcome);
                prepared = Some(step);
            });
        }
    }
}

/// Nothing of a run tells in which way it was made.
#[tokio::test]
async fn a_trace_of_one_way_replays_in_the_other() {
    let [here, workers] = Way::BOTH.map(|way| way.engine(1));
    assert_eq!(here.fingerprint(), workers.fingerprint());
    for (first, second) in [(&here, &workers), (&workers, &here)] {
        let (compiled, loaded) = (step(first, None).await, step(second, None).await);

        // To its end, and to the end of each limit that a guest can come to by itself.
        let cut = [LimitName::HostCalls, LimitName::BytesIn, LimitName::OutputBytes, LimitName::Fuel];
        for limit in std::iter::once(None).chain(cut.map(Some)) {
            let mut limits = Limits::default();
            if let Some(limit) = limit {
                let most = if limit == LimitName::Fuel { 12_000 } else { 4 };
                limits.set(limit, most).unwrap();
            }
            let job = Job::new("run-1", "echo", "[1,2]", limits, Arc::new(Ticks::default()));
            let trace = first.run(&compiled, job, now()).await.trace;
            let ended = trace.end == End::LimitExceeded { limit: limit.unwrap_or(LimitName::Fuel) };
            assert_eq!(ended, limit.is_some(), "{:?}", trace.end);
            let verdict = replay(second, &loaded, &trace, None).await.unwrap();
            assert_eq!(verdict, Replay::Identical, "{limit:?}");
        }

        // A step belongs to the engine that made it.
        let elsewhere = second.run(&compiled, job("1", Arc::new(Ticks::default())), now()).await;
        let Outcome::Refused(fault) = elsewhere.outcome else { panic!("{:?}", elsewhere.outcome) };
        assert_eq!((fault.class(), fault.owner()), (Class::Internal, Owner::Embedder), "{fault}");
    }
}

/// The compiler in a worker may have been taken over: what it gave is never loaded into this process.
#[tokio::test]
async fn code_that_one_way_kept_is_not_loaded_by_the_other() {
    for order in [Way::BOTH, [Way::InWorkers, Way::InProcess]] {
        let folder = tempfile::tempdir().unwrap();
        let dir = cap_std::fs::Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        let kept = CodeDir::new(dir, CodeKey::new([7; 32]));
        let [first, second] = order.map(|way| way.engine(1));
        for prepared in [Prepared::Compiled, Prepared::Loaded] {
            assert_eq!(step(&first, Some(&kept)).await.prepared(), prepared);
        }
        assert_eq!(step(&second, Some(&kept)).await.prepared(), Prepared::Compiled);
        // Nor by its name: where it stands in the other's place, its tag is not the other's.
        let files = || std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        assert_eq!(files().count(), 2);
        let whole: Vec<_> = files().map(|file| std::fs::read(file).unwrap()).collect();
        for (file, other) in files().zip(whole.iter().rev()) {
            std::fs::write(file, other).unwrap();
        }
        for engine in [&first, &second] {
            let prepared = step(engine, Some(&kept)).await.prepared();
            assert!(matches!(prepared, Prepared::Recompiled(_)), "{prepared:?}");
        }
    }
}
