#![no_main]

#[path = "../targets/decide.rs"]
mod decide;

libfuzzer_sys::fuzz_target!(|data: &[u8]| decide::run(data));
