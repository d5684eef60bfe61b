//! A network of witnesses in memory.

use crate::server::Witness;
use crate::{NOW, log, verifiers, witness_name};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Mutex;
use stepward_ledger::merkle::{MemoryTree, TreeSize};
use stepward_ledger::note::{KeyName, SignedCheckpoint};
use stepward_ledger::witness::{ADD_CHECKPOINT, Answer, Round, Transport, TransportFailure, round};

/// What stands at a witness's address.
pub(crate) enum Behaviour {
    /// A witness.
    Honest(Witness),
    /// A witness whose answer to the n-th request, from 0, is changed on the way.
    Changed(Witness, fn(usize, Answer) -> Result<Answer, TransportFailure>),
    /// Nothing.
    Absent,
}

/// The witnesses by number, and what they were asked.
pub(crate) struct Network {
    places: Mutex<BTreeMap<String, (Behaviour, Vec<String>)>>,
}

impl Network {
    pub(crate) fn new(behaviours: impl IntoIterator<Item = (u8, Behaviour)>) -> Self {
        let places = behaviours.into_iter().map(|(number, at)| (witness_name(number), (at, Vec::new())));
        Self { places: Mutex::new(places.collect()) }
    }

    /// So many honest witnesses, numbered from 1.
    pub(crate) fn honest(count: u8) -> Self {
        Self::new(
            (1..=count)
                .map(|number| (number, Behaviour::Honest(Witness::new(number, log().verifier(), NOW)))),
        )
    }

    /// One witness, whose answers are changed.
    pub(crate) fn changed(change: fn(usize, Answer) -> Result<Answer, TransportFailure>) -> Self {
        Self::new([(1, Behaviour::Changed(Witness::new(1, log().verifier(), NOW), change))])
    }

    pub(crate) fn replace(&self, number: u8, behaviour: Behaviour) {
        self.places.lock().unwrap().get_mut(&witness_name(number)).unwrap().0 = behaviour;
    }

    /// The bodies that a witness was sent.
    pub(crate) fn asked(&self, number: u8) -> Vec<String> {
        self.places.lock().unwrap()[&witness_name(number)].1.clone()
    }

    pub(crate) fn with<T>(&self, number: u8, act: impl FnOnce(&mut Witness) -> T) -> T {
        match &mut self.places.lock().unwrap().get_mut(&witness_name(number)).unwrap().0 {
            Behaviour::Honest(witness) | Behaviour::Changed(witness, _) => act(witness),
            Behaviour::Absent => panic!("no witness {number}"),
        }
    }

    /// Submits a checkpoint to the witnesses with these numbers.
    pub(crate) async fn round(
        &self,
        tree: &MemoryTree,
        checkpoint: &SignedCheckpoint,
        numbers: impl IntoIterator<Item = u8>,
        known: &Known,
    ) -> Round {
        round(self, tree, checkpoint, &verifiers(numbers), known).await.unwrap()
    }

    /// Submits a checkpoint over a whole tree to the first witness.
    pub(crate) async fn ask_first(&self, tree: &MemoryTree, knew: u64) -> Round {
        self.round(tree, &log().sign(tree.head()), [1], &known([(1, knew)])).await
    }
}

/// What the witnesses were last known to have.
pub(crate) type Known = BTreeMap<KeyName, TreeSize>;

pub(crate) fn known(sizes: impl IntoIterator<Item = (u8, u64)>) -> Known {
    sizes.into_iter().map(|(number, size)| (crate::name(&witness_name(number)), crate::size(size))).collect()
}

impl Transport for Network {
    fn post<'a>(
        &'a self,
        witness: &'a KeyName,
        path: &'a str,
        body: String,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, TransportFailure>> + Send + 'a>> {
        Box::pin(async move {
            assert_eq!(path, ADD_CHECKPOINT);
            // Every request waits once, so that they are seen to go side by side.
            tokio::task::yield_now().await;
            let mut places = self.places.lock().unwrap();
            let (behaviour, asked) = places.get_mut(witness.as_str()).expect("a witness that was named");
            asked.push(body.clone());
            match behaviour {
                Behaviour::Honest(witness) => Ok(witness.add_checkpoint(&body)),
                Behaviour::Changed(witness, change) => change(asked.len() - 1, witness.add_checkpoint(&body)),
                Behaviour::Absent => {
                    Err(TransportFailure::Unreachable { reason: "connection refused".to_owned() })
                }
            }
        })
    }
}
