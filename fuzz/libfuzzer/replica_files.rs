//! libFuzzer with the target `replica_files`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::replica_files::run(input));
