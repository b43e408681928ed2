#![no_main]

#[path = "../targets/ldap.rs"]
mod ldap;

libfuzzer_sys::fuzz_target!(|data: &[u8]| ldap::run(data));
