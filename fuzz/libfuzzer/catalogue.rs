//! libFuzzer with the target `catalogue`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::catalogue::run(input));
