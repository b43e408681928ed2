//! The plain record of accounts, as feeds collect it.

use super::sid::Sid;

/// Everything one snapshot knows: one or several domains, their accounts, and the groups that policies ask for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DirectoryData {
    /// The domains, each once.
    pub domains: Vec<Domain>,
    /// The security groups that membership was looked up for, each once. A group that is not here is unknown, which is
    /// not the same as a group without members.
    pub groups: Vec<Group>,
    /// Computer accounts (objectCategory computer) of these domains, domain controllers included: they are refused by
    /// rule, not by absence.
    pub accounts: Vec<Account>,
}

/// One domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Domain {
    /// DNS name, lower case: `corp.example.com`.
    pub dns_name: String,
    /// NetBIOS name as the directory has it: `CORP`. For `CORP\Group`.
    pub netbios_name: String,
    /// The domain's own SID; an account's SID is this and one number more.
    pub sid: Sid,
    /// Certificates (DER) in NTAuthCertificates of the domain's forest.
    pub nt_auth: Vec<Vec<u8>>,
    /// When these facts were last known to be whole: Unix seconds at which the query began that they come from.
    pub as_of: i64,
}

/// One security group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// Its SID, by which it is compared.
    pub sid: Sid,
    /// Its sAMAccountName, by which a configuration may name it.
    pub name: String,
}

/// One computer account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// objectGUID, the bytes as LDAP has them. Outlives renames and moves.
    pub guid: [u8; 16],
    /// objectSid.
    pub sid: Sid,
    /// sAMAccountName as the directory has it: `PC17$`.
    pub sam_account_name: String,
    /// dNSHostName, lower case.
    pub dns_host_name: Option<String>,
    /// Hosts of servicePrincipalName values of the class `HOST`, lower case, without port and realm, each once.
    pub service_hosts: Vec<String>,
    /// userAccountControl (MS-ADTS §2.2.16).
    pub user_account_control: u32,
    /// accountExpires in Unix seconds; `None` is never.
    pub expires: Option<i64>,
    /// altSecurityIdentities as the directory has them: `X509:<SKI>…`. Values of other kinds (Kerberos:…) are left out.
    pub alt_security_identities: Vec<String>,
    /// Places in [`DirectoryData::groups`]: every group there that the account is in, directly, through nested security
    /// groups, or as its primary group. Ascending, each once.
    pub groups: Vec<u32>,
}
