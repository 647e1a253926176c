//! Sections M to R: facilitators. One file per theme; the registry lists them in the catalogue's order.

mod asked;
mod batch;
mod bytes;
mod classes;
mod discovery;
mod equivalence;
mod gas;
mod http;
mod permit2;
mod settle_answers;
mod settle_repeats;
mod settle_truth;
mod supported;
mod svm;
mod svm_transaction;
mod upto;
mod verify_answers;
mod verify_state;
mod verify_terms;
mod verify_times;

use super::check::Check;

/// Every check of a facilitator.
pub(super) static ALL: [Check; 109] = [
    verify_answers::GOOD,
    verify_answers::SHAPE,
    verify_answers::PAYER,
    verify_answers::READ_ONLY,
    verify_terms::SIGNATURE,
    verify_terms::AMOUNT_LOW,
    verify_terms::AMOUNT_HIGH,
    verify_terms::AMOUNT_HIGH_V1,
    verify_terms::RECIPIENT,
    verify_times::EXPIRED,
    verify_times::SOON_OVER,
    verify_times::IN_TIME,
    verify_times::EARLY,
    verify_times::BEGINS,
    verify_times::LONG,
    verify_state::FUNDS,
    verify_state::USED,
    verify_terms::SCHEME,
    verify_terms::NETWORK,
    verify_terms::VERSION,
    verify_terms::ASSET,
    verify_terms::ACCEPTED,
    verify_state::MALFORMED,
    verify_state::WITHOUT_DOMAIN,
    verify_state::MALLEABLE,
    verify_state::WALLETS,
    verify_answers::REPEATABLE,
    verify_answers::REASONS,
    verify_state::NO_TOKEN,
    verify_state::CANCELLED,
    settle_truth::GOOD,
    settle_truth::TRUE,
    settle_truth::MINED,
    settle_truth::REFUSES,
    settle_answers::FAILURE,
    settle_repeats::AGAIN,
    settle_repeats::AT_ONCE,
    settle_answers::UNVERIFIED,
    settle_answers::PENDING,
    settle_answers::RETRIED,
    settle_truth::EXACT,
    settle_repeats::DISTINCT,
    settle_answers::NETWORK,
    settle_repeats::EDGE,
    settle_repeats::WITHOUT_GAS,
    settle_repeats::PREEMPTED,
    equivalence::SAME_REQUEST,
    equivalence::VALID_SETTLES,
    equivalence::INVALID_NEVER,
    equivalence::SAME_REASON,
    equivalence::UPTO,
    supported::LIST,
    supported::MEMBERS,
    supported::SPELLING,
    supported::SIGNERS,
    supported::KEEPS,
    supported::SENDER,
    supported::FEE_PAYER,
    supported::UPTO,
    supported::UNLISTED,
    supported::TWICE,
    discovery::THERE,
    discovery::SHAPE,
    discovery::PAGES,
    discovery::ITEMS,
    discovery::BAD_INFO,
    discovery::RESPONSES,
    discovery::FETCHES,
    http::PATHS,
    http::NEGATIVES,
    http::PARTS,
    http::JSON,
    http::OUTER,
    http::TYPE,
    http::OTHER,
    http::BOUNDED,
    http::SECRETS,
    permit2::SPENDER,
    permit2::RECIPIENT,
    permit2::WINDOW,
    permit2::AMOUNT,
    permit2::ALLOWANCE,
    permit2::NONCE,
    permit2::SIMULATED,
    upto::CEILING,
    upto::PARTIAL,
    upto::ZERO,
    upto::ONCE,
    upto::VERIFIED,
    upto::FACILITATOR,
    upto::EIP3009,
    upto::BOUNDS,
    gas::SPENDER,
    gas::AMOUNT,
    gas::APPROVAL,
    gas::ATOMIC,
    batch::CHANNEL,
    batch::VOUCHER,
    batch::SNAPSHOT,
    svm::FEE_PAYER,
    svm::LAYOUT,
    svm::PROGRAMS,
    svm::LIGHTHOUSES,
    svm::PRICE,
    svm::DESTINATION,
    svm::AMOUNT,
    svm::MEMOS,
    svm::TWICE,
    svm::MANAGED,
];
