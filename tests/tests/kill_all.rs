//! No acknowledged write is lost when every process is killed at once, at any instant.
//!
//! `PEGASUS_KILL_ROUNDS` sets the number of rounds (20), `PEGASUS_SEED` the seed.

use pegasus_tests::{CrashLoad, Onebox, OneboxOptions, number_from_env};

const DEFAULT_ROUNDS: u64 = 20;
const DEFAULT_SEED: u64 = 20_261_121;

#[test]
fn acknowledged_writes_survive_the_death_of_every_process() {
    let rounds = number_from_env("PEGASUS_KILL_ROUNDS", DEFAULT_ROUNDS);
    let onebox = Onebox::start(OneboxOptions::default());
    let mut load = CrashLoad::new(number_from_env("PEGASUS_SEED", DEFAULT_SEED));
    for _ in 0..rounds {
        load.round(&onebox);
    }
}
