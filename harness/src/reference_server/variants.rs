//! What is unusual about the reference server and still correct: no check may turn red on any of these.

use super::switches::{Switches, switches};

/// The variants that are switched on.
pub type VariantSet = Switches<Variant>;

switches! {
    /// One correct deviation from what most servers do.
    Variant, "variant";
    MalformedIs402 = "malformed-is-402": "A payment header that cannot be read is answered 402, as SDKs do.";
    HtmlBody = "html-body": "The v2 challenge comes with an HTML body.";
    BodyMirrorsChallenge = "body-mirrors-challenge": "The v2 challenge is repeated in the body.";
    EmptyBody = "empty-body": "The v2 challenge comes with an empty body.";
    ExtraFields = "extra-fields": "Challenges, offers and receipts carry unknown members.";
    NullMembers = "null-members": "Optional members are null rather than absent.";
    ForeignOffersFirst = "foreign-offers-first": "Solana, upto and permit2 offers come before the payable one.";
    TwoOffers = "two-offers": "Two payable offers whose order changes with every challenge.";
    DynamicPrice = "dynamic-price": "The price changes with every challenge; the last one counts.";
    FreshExtra = "fresh-extra": "Every challenge carries a fresh quote id in `extra`.";
    LowerCaseAddresses = "lower-case-addresses": "Addresses are in lower case.";
    TransferMethodNamed = "transfer-method-named": "Offers name `assetTransferMethod: eip3009`.";
    Upfront = "upfront": "Settles first and declares it with `paymentFlow: upfront`.";
    CachedReplay = "cached-replay": "A repeated payment gets the first answer again; the handler does not run.";
    NoReplayGuard = "no-replay-guard": "Copies are told apart by the chain's nonce alone, as in every SDK.";
    OutageIs503 = "outage-is-503": "Facilitator trouble is answered 503 with `Retry-After`.";
    ChallengeOnSettleFailure = "challenge-on-settle-failure": "A failed settlement is answered with a challenge too.";
    NoCacheHeaders = "no-cache-headers": "Nothing carries `Cache-Control`.";
    MinimalReceipt = "minimal-receipt": "The v2 receipt names no payer.";
    IdRequired = "id-required": "Payments must carry a payment identifier.";
}
