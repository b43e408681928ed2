//! The IP-HTTPS wire: request head, response head, IPv6 framing. Sans-I/O.
