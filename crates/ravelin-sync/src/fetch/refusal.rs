//! What Active Directory means by a refused bind: `data 52e` and its kind, in words.

use ravelin_feeds::ldap::LdapResult;

/// What an administrator should know of it.
pub(super) fn text_of(result: &LdapResult) -> String {
    let text = &result.text;
    let data = text.split("data ").nth(1).and_then(|rest| rest.split([',', ' ']).next()).unwrap_or_default();
    let known = MEANINGS.iter().find(|(code, _)| code.eq_ignore_ascii_case(data));
    match known {
        Some((code, meaning)) => format!("{meaning} (result {}, data {code})", result.code),
        None => format!("result {}: {text}", result.code),
    }
}

/// Win32 error codes that AcceptSecurityContext answers ([MS-ERREF] §2.2).
const MEANINGS: &[(&str, &str)] = &[
    ("525", "there is no such account"),
    ("52e", "the password is wrong, or there is no such account"),
    ("530", "the account may not log on at this time"),
    ("531", "the account may not log on from this machine"),
    ("532", "the account's password has expired"),
    ("533", "the account is disabled"),
    ("568", "the account is in too many groups"),
    ("701", "the account has expired"),
    ("773", "the account's password must be changed before it can be used"),
    ("775", "the account is locked out"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (text, expected) in [
            (
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 52e, v3839\0",
                "the password is wrong, or there is no such account (result 49, data 52e)",
            ),
            (
                "80090308: LdapErr: DSID-0C0903A9, comment: x, data 775, v1db1",
                "the account is locked out (result 49, data 775)",
            ),
            ("Simple Bind Failed: NT_STATUS_LOGON_FAILURE", "result 49: Simple Bind Failed: NT_STATUS_LOGON_FAILURE"),
            ("data ", "result 49: data "),
        ] {
            assert_eq!(text_of(&LdapResult { code: 49, text: text.to_owned() }), expected);
        }
    }
}
