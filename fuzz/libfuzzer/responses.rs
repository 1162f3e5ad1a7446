//! libFuzzer with the target `responses`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::responses::run(input));
