//! A restore that is killed between any two of its steps.
