//! For demo, tests and benches: throw-away PKI like AD CS, an IP-HTTPS client, a DirectAccess stand-in.
