//! libFuzzer with the target `reads`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::reads::run(input));
