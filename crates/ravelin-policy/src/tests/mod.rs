//! Decisions on whole certificate lists.

mod hostile;
mod loading;
mod shapes;
mod tables;

pub(crate) use self::tables::*;
use crate::path::SearchCost;
pub(crate) use crate::{
    AccountMapping, AccountSpec, Context, Decision, DeniedSerial, DenyList, NameRules, Origin, Outcome, Policy,
    PolicySpec, PresentedChain, Problem, RULES, Reason, RevocationCheck, RevocationSpec, ShadowSpec, Source, Verdict,
    directory,
};

/// What else is done with a row of the tables: here nothing, but that its key must be that of its leaf.
pub(crate) fn also(row: &Row<'_>) {
    if let (Some(issued), Some(leaf)) = (row.key, row.chain.certificates.first()) {
        assert_eq!(issued.certificate_der, leaf.as_ref(), "{}", row.case);
    }
}

/// The row is refused without a signature.
#[track_caller]
pub(crate) fn also_free(row: &Row<'_>) {
    let (_, cost) = row.policy.decide_counting(&row.chain, &row.context());
    assert_eq!(cost, SearchCost::default(), "{}", row.case);
}

#[track_caller]
pub(crate) fn problems(spec: PolicySpec) -> Vec<Problem> {
    Policy::build(spec, at(NOW)).expect_err("problems")
}
