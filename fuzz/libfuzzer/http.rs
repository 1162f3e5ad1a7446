//! libFuzzer with the target `http`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::http::run(input));
