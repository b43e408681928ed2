#![no_main]

#[path = "../targets/crl.rs"]
mod crl;
#[path = "../targets/decide.rs"]
mod decide;

libfuzzer_sys::fuzz_target!(|data: &[u8]| crl::run(data));
