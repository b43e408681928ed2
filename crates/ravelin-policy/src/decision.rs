//! What a decision is: a permit or a denial, with every rule that led to it.

use rustls_pki_types::{CertificateDer, UnixTime};

use crate::account_report::AccountReport;
use crate::identity::Identity;

/// What a client presented: its certificate chain as it came, leaf first; empty when it sent none. Presenting a chain proves
/// nothing: anybody can present anybody's. A chain whose key was proved in a handshake is `ravelin_tls::ProvenChain`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PresentedChain {
    /// DER, in the client's order.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// Everything about the moment that a decision may depend on.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The time to judge by. Policy reads no clock.
    pub now: UnixTime,
    /// Number of the generation whose policy this is; goes into the permit.
    pub generation: u64,
}

/// The outcome of [`crate::Policy::decide`], whole: `explain` and the log have nothing to reconstruct.
#[derive(Debug)]
pub struct Decision {
    /// Yes or no.
    pub verdict: Verdict,
    /// Who the leaf says it is; `None` when no leaf could be read.
    pub identity: Option<Identity>,
    /// Every rule in the order of judgement, those not reached included.
    pub rules: Vec<RuleReport>,
    /// The account it was mapped to, where the policy asks for one and the verdict is a permit.
    pub account: Option<AccountReport>,
    /// What the rules under trial would have said, where the policy has any and the verdict is a permit.
    pub shadow_denial: Option<Denial>,
}

impl Decision {
    /// The verdict, and everything else.
    pub fn into_parts(self) -> (Verdict, DecisionReport) {
        let Decision { verdict, identity, rules, account, shadow_denial } = self;
        (verdict, DecisionReport { identity, rules, account, shadow_denial })
    }
}

/// All of a [`Decision`] but its verdict: what records say of it.
#[derive(Debug)]
pub struct DecisionReport {
    /// See [`Decision::identity`].
    pub identity: Option<Identity>,
    /// See [`Decision::rules`].
    pub rules: Vec<RuleReport>,
    /// See [`Decision::account`].
    pub account: Option<AccountReport>,
    /// See [`Decision::shadow_denial`].
    pub shadow_denial: Option<Denial>,
}

/// Yes or no.
#[derive(Debug)]
pub enum Verdict {
    /// Policy's no, with its reason.
    Denial(Denial),
    /// Policy's yes for one session.
    Permit(Permit),
}

/// Proof that [`crate::Policy::decide`] said yes: the only key to a server. No public constructor, no `Clone`.
#[derive(Debug)]
pub struct Permit {
    pub(crate) policy: String,
    pub(crate) generation: u64,
    pub(crate) identity_key: String,
    pub(crate) valid_until: UnixTime,
}

impl Permit {
    /// Name of the policy that said yes.
    pub fn policy(&self) -> &str {
        &self.policy
    }
    /// Number of the generation that said yes.
    pub fn generation(&self) -> u64 {
        self.generation
    }
    /// What the session is balanced, limited and listed by: the account where there is one, else the name, else the
    /// hash of the public key.
    pub fn identity_key(&self) -> &str {
        &self.identity_key
    }
    /// When the first thing this permit rests on (a certificate of the path, a CRL past its grace) expires.
    pub fn valid_until(&self) -> UnixTime {
        self.valid_until
    }
}

/// Policy's no.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Denial {
    /// The stable label.
    pub reason: Reason,
    /// The facts, for the record and `explain`; a stranger's text in it is escaped.
    pub detail: String,
}

impl Denial {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Denial {
        Denial { reason, detail: detail.into() }
    }
}

/// One rule and what came of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuleReport {
    /// Stable name of the rule: `shape`, `path`, `validity`, `purpose`, `issued_by`, `revocation`, `names`, `deny_list`, `account`.
    pub rule: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// The facts it rests on, data age included.
    pub detail: String,
}

/// What came of one rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It said no.
    Denied(Reason),
    /// An earlier rule said no.
    NotReached,
    /// The policy does not ask.
    NotAsked,
    /// It has nothing against the client.
    Passed,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $label:literal,)+) => {
        /// Why policy said no: the `reason` label in metrics, records, `explain` and the manual. Add freely; never rename.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Reason { $($(#[doc = $doc])+ $variant,)+ }

        impl Reason {
            /// Every reason, in the order in which the manual lists them.
            pub const ALL: &[Reason] = &[$(Reason::$variant,)+];

            /// The stable label.
            pub fn label(self) -> &'static str {
                match self { $(Reason::$variant => $label,)+ }
            }

            /// One sentence for the manual.
            pub fn meaning(self) -> &'static str {
                match self { $(Reason::$variant => concat!($($doc,)+).trim_ascii_start(),)+ }
            }
        }
    };
}

reasons! {
    /// The client sent no certificate.
    NoCertificate = "no_certificate",
    /// No path from the leaf to a trust anchor of the policy.
    UnknownIssuer = "unknown_issuer",
    /// The leaf's own issuer is not one of `issued_by`.
    IssuerNotAllowed = "issuer_not_allowed",
    /// More certificates, or a longer path, than the policy or a path length constraint allows.
    ChainTooLong = "chain_too_long",
    /// A certificate of the path has expired.
    Expired = "expired",
    /// A certificate of the path is not valid yet.
    NotYetValid = "not_yet_valid",
    /// A signature of the path does not verify.
    BadSignature = "bad_signature",
    /// A key or signature algorithm of the path is too weak or not supported.
    WeakKey = "weak_key",
    /// A certificate cannot be read, is too large, or breaks a rule of RFC 5280 that policy relies on.
    MalformedCertificate = "malformed_certificate",
    /// An extended key usage (EKU) that the policy asks for is missing.
    WrongPurpose = "wrong_purpose",
    /// A name lies outside what a certificate authority of the path may name.
    NameConstraint = "name_constraint",
    /// A certificate of the path is revoked.
    Revoked = "revoked",
    /// No usable CRL says whether a certificate of the path is revoked.
    RevocationUnknown = "revocation_unknown",
    /// The CRL for a certificate of the path is past its next update and its grace.
    CrlExpired = "crl_expired",
    /// A name in the leaf is not a plain DNS name.
    NameMalformed = "name_malformed",
    /// The leaf holds no name that a rule could judge.
    NameMissing = "name_missing",
    /// A name of the leaf is not on the allow list.
    NameNotAllowed = "name_not_allowed",
    /// The certificate, its key or a name of it is on the deny list.
    DenyListed = "deny_listed",
    /// The leaf states no security identifier and the policy wants one.
    SidMissing = "sid_missing",
    /// The security identifier in the leaf is malformed, doubled or contradicts itself.
    SidMalformed = "sid_malformed",
    /// The security identifier in the leaf is not the account's.
    SidMismatch = "sid_mismatch",
    /// No account fits the leaf.
    AccountNotFound = "account_not_found",
    /// More than one account fits the leaf.
    AccountAmbiguous = "account_ambiguous",
    /// The account is disabled.
    AccountDisabled = "account_disabled",
    /// The account has expired.
    AccountExpired = "account_expired",
    /// The account is not that of a member computer.
    AccountNotComputer = "account_not_computer",
    /// The issuer is not in the forest's NTAuth store.
    IssuerNotInNtauth = "issuer_not_in_ntauth",
    /// The account is in none of the allowed groups.
    GroupMissing = "group_missing",
    /// The account is in a denied group.
    GroupDenied = "group_denied",
    /// The directory snapshot is older than the policy allows.
    DirectoryStale = "directory_stale",
    /// There is no directory snapshot.
    DirectoryUnavailable = "directory_unavailable",
}
