//! What a policy is made from: checked configuration and bytes read from files. No I/O: a path here is a name for messages.

use std::sync::Arc;
use std::time::Duration;

use crate::directory::Directory;
use crate::origin::Origin;

/// A certificate or CRL and where it came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// For messages: `ca/root.pem (certificate 2)`.
    pub origin: Origin,
    /// The DER.
    pub der: Vec<u8>,
}

/// One `[policies.NAME]` with its files read.
#[derive(Clone, Debug)]
pub struct PolicySpec {
    /// The policy's name.
    pub name: String,
    /// Where paths must end. Never empty.
    pub trust_anchors: Vec<Source>,
    /// Certificate authorities that clients may leave out.
    pub intermediates: Vec<Source>,
    /// The leaf's own issuer must be one of these, where given.
    pub issued_by: Option<Vec<Source>>,
    /// Purposes (extended key usage) that must all be there, dotted decimal; never empty.
    pub purposes: Vec<String>,
    /// A leaf without the extension passes.
    pub purpose_absent_allowed: bool,
    /// Name rules.
    pub names: NameRules,
    /// Certificates and keys that never pass.
    pub deny: DenyList,
    /// Revocation rules.
    pub revocation: RevocationSpec,
    /// The account rule; `None`: no account is asked for.
    pub account: Option<AccountSpec>,
    /// Rules under trial: reported, not enforced.
    pub shadow: Option<ShadowSpec>,
}

/// Which computer accounts pass, and how certificates lead to them.
#[derive(Clone, Debug)]
pub struct AccountSpec {
    /// The accounts; `None`: there are no data, and everybody is denied.
    pub directory: Option<Arc<Directory>>,
    /// Which ways from a certificate to an account count.
    pub mapping: AccountMapping,
    /// Authorities whose certificates explicit mappings may name; `None`: every authority of the policy.
    pub explicit_issuers: Option<Vec<Source>>,
    /// The account must be in one of these: `S-1-5-…`, `CORP\Group`, or `Group`. Empty: nobody passes.
    pub allow_groups: Vec<String>,
    /// The account must be in none of these.
    pub deny_groups: Vec<String>,
    /// How old a domain's data may be before nobody of it passes.
    pub max_age: Duration,
    /// Until then (Unix seconds) an operator has data count that are older.
    pub override_until: Option<i64>,
}

/// Which ways from a certificate to an account count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccountMapping {
    /// What binds the certificate to the account, as Windows demands since KB5014754: a security identifier beside the name, or
    /// a strong explicit mapping.
    Strong,
    /// A name that is one account's, and `<I>..<S>`, too; each such hit is reported as weak.
    Compatible,
    /// Names alone: no explicit mapping counts, and no security identifier is demanded. One that is there must agree.
    Names,
}

/// Which names pass.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NameRules {
    /// No name is asked for.
    Any,
    /// Patterns; a denied name outweighs an allowed one. An empty `allow` admits nobody.
    Listed {
        /// `pc.corp.example.com` or `*.corp.example.com` (exactly one label).
        allow: Vec<String>,
        /// The same form.
        deny: Vec<String>,
    },
}

/// Certificates and keys that never pass.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DenyList {
    /// Serial numbers, unique per issuer only.
    pub serials: Vec<DeniedSerial>,
    /// SHA-256 of SubjectPublicKeyInfo, lower-case hex, 64 digits; of any certificate of the path.
    pub spki_sha256: Vec<String>,
}

/// One certificate by issuer and serial number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeniedSerial {
    /// Certificate of the issuer.
    pub issuer: Source,
    /// Serial number, hex without separators.
    pub serial: String,
}

/// Revocation rules and CRLs.
#[derive(Clone, Debug)]
pub struct RevocationSpec {
    /// What is checked.
    pub check: RevocationCheck,
    /// CRLs, DER.
    pub crls: Vec<Source>,
    /// A certificate without a usable CRL passes.
    pub unknown_allowed: bool,
    /// How long a CRL counts after its next update.
    pub stale_grace: Duration,
}

/// What revocation is checked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RevocationCheck {
    /// Every certificate below the anchor.
    Chain,
    /// The leaf alone.
    Leaf,
    /// Nothing.
    Off,
}

/// Rules under trial.
#[derive(Clone, Debug, Default)]
pub struct ShadowSpec {
    /// Name rules.
    pub names: Option<NameRules>,
    /// Issuer rule.
    pub issued_by: Option<Vec<Source>>,
    /// Purposes.
    pub purposes: Option<Vec<String>>,
    /// Computer accounts.
    pub account: Option<AccountSpec>,
}

/// Something that `check` should tell: it blocks nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// Where: a file, or the policy.
    pub origin: Origin,
    /// What and the cure.
    pub text: String,
}

/// Something that stops a policy from being built.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Where: a file, or the policy.
    pub origin: Origin,
    /// What and the cure.
    pub text: String,
}
