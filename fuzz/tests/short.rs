//! A short run of every target without libFuzzer: the corpus, the seeds, and inputs made of both.
//! `FUZZ_INPUTS=n` tries n made inputs for each target, `FUZZ_SEED=n` makes others.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that panics has failed, as it should, and says with which input"
)]

use std::fs;
use std::path::{Path, PathBuf};

use pegasus_fuzz::{TARGETS, Target, mutate};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

const SEED: u64 = 20_261_122;
/// A file holds a directory of files: some are slower than others.
const INPUTS: u64 = 4_000;
const INPUTS_WITH_FILES: u64 = 300;
/// In the repository, in all.
const CORPUS_BYTES_MAX: u64 = 200 << 10;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn files_of(target: &Target) -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut paths: Vec<PathBuf> = fs::read_dir(corpus.join(target.name))
        .into_iter()
        .flatten()
        .map(|file| file.unwrap().path())
        .collect();
    paths.sort();
    paths
}

/// Says which input it was, should it be one that fails.
fn run(target: &Target, input: &[u8], what: &dyn std::fmt::Display) {
    struct Named<'a>(&'a [u8], &'a dyn std::fmt::Display);
    impl Drop for Named<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("{}: {}", self.1, self.0.escape_ascii());
            }
        }
    }
    let named = Named(input, what);
    (target.run)(input);
    drop(named);
}

fn run_short(name: &str, inputs: u64) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let mut known = (target.seeds)();
    for (number, seed) in known.iter().enumerate() {
        run(target, seed, &format_args!("seed {number} of {name}"));
    }
    for path in files_of(target) {
        let input = fs::read(&path).unwrap();
        run(target, &input, &path.display());
        known.push(input);
    }
    let seed = number("FUZZ_SEED", SEED);
    let mut random = StdRng::seed_from_u64(seed);
    for count in 0..number("FUZZ_INPUTS", inputs) {
        let input = mutate::changed(&mut random, &known);
        run(
            target,
            &input,
            &format_args!("input {count} of {name}, FUZZ_SEED={seed}"),
        );
    }
}

macro_rules! short_runs {
    ($($name:ident: $inputs:expr,)*) => {
        $(#[test]
        fn $name() {
            run_short(stringify!($name), $inputs);
        })*

        #[test]
        fn every_target_is_run() {
            let run = [$(stringify!($name)),*];
            let targets: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(run[..], targets);
        }
    };
}

short_runs! {
    catalogue: INPUTS,
    config: INPUTS_WITH_FILES,
    group_messages: INPUTS,
    http: INPUTS,
    log: INPUTS_WITH_FILES,
    messages: INPUTS,
    metadata_store: INPUTS_WITH_FILES,
    native_frames: INPUTS,
    peer_messages: INPUTS,
    reads: INPUTS,
    replica_files: INPUTS,
    responses: INPUTS,
    texts: INPUTS,
    thrift_frames: INPUTS,
    writes: INPUTS,
}

#[test]
fn corpora_are_small_and_every_program_stands_in_the_manifest() {
    let sizes = TARGETS.iter().flat_map(files_of);
    let bytes: u64 = sizes.map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(bytes <= CORPUS_BYTES_MAX, "{bytes} bytes");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    for target in TARGETS {
        let path = format!("path = \"libfuzzer/{}.rs\"", target.name);
        assert!(manifest.contains(&path), "{path}");
    }
}
