//! libFuzzer with the target `metadata_store`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::metadata_store::run(input));
