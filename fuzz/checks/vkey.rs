//! What holds of every text that is offered as a verifier key.

use stepward_ledger::note::{KeyName, LogVerifier, VerifierKey, VerifierKeyError, WitnessVerifier};

/// Longest name in bytes.
const NAME_BYTES: usize = 255;

/// Reads the text as a key, of one kind at most, which prints as it was read; and as a name, under which any
/// key can be written and read again.
pub(crate) fn check(text: &str) -> Result<VerifierKey, VerifierKeyError> {
    if let Ok(name) = KeyName::new(text) {
        assert_eq!(name.as_str(), text);
        assert!((1..=NAME_BYTES).contains(&text.len()));
        let (log, witness) = (LogVerifier::new(name.clone(), [7; 32]), WitnessVerifier::new(name, [7; 32]));
        assert_ne!(log.id(), witness.id());
        assert_eq!(read(&log.to_string()), Ok(VerifierKey::Log(log)));
        assert_eq!(read(&witness.to_string()), Ok(VerifierKey::Witness(witness)));
    }
    read(text)
}

fn read(text: &str) -> Result<VerifierKey, VerifierKeyError> {
    let key = VerifierKey::parse(text);
    let (log, witness) = (LogVerifier::parse(text), WitnessVerifier::parse(text));
    let name = match &key {
        Ok(VerifierKey::Log(key)) => {
            assert_eq!(log.as_ref(), Ok(key));
            assert!(matches!(witness, Err(VerifierKeyError::OtherKind { actual: 1, expected: 4 })));
            assert_eq!(key.to_string(), text);
            key.name()
        }
        Ok(VerifierKey::Witness(key)) => {
            assert_eq!(witness.as_ref(), Ok(key));
            assert!(matches!(log, Err(VerifierKeyError::OtherKind { actual: 4, expected: 1 })));
            assert_eq!(key.to_string(), text);
            key.name()
        }
        Err(error) => {
            assert_eq!((log.as_ref().err(), witness.as_ref().err()), (Some(error), Some(error)));
            return key;
        }
    };
    assert!(text.starts_with(name.as_str()));
    assert!(!name.as_str().contains(['+', ' ', '\n']));
    key
}
