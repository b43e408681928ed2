#![no_main]

#[path = "../targets/certificate_differential.rs"]
mod certificate_differential;

libfuzzer_sys::fuzz_target!(|data: &[u8]| certificate_differential::run(data));
