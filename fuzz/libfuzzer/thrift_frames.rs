//! libFuzzer with the target `thrift_frames`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pegasus_fuzz::targets::thrift_frames::run(input));
