#![no_main]

#[path = "../targets/decide.rs"]
mod decide;
#[path = "../targets/revocation_list.rs"]
mod revocation_list;

libfuzzer_sys::fuzz_target!(|data: &[u8]| revocation_list::run(data));
