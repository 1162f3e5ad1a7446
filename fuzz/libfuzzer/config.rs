//! libFuzzer with the target `config`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::config::run(input));
