//! libFuzzer with the target `texts`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::texts::run(input));
