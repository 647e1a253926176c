//! What can be wrong with the reference server, one small realistic deviation each.

use super::switches::{Switches, switches};

/// The defects that are switched on.
pub type DefectSet = Switches<Defect>;

switches! {
    /// One deviation of the reference server; each leaves the rest of it working.
    Defect, "defect";
    // The challenge.
    ServeUnpaid = "serve-unpaid": "Paid routes answer without payment.";
    ChallengeStatus200 = "challenge-status-200": "The challenge comes with status 200.";
    ChallengeStatus401 = "challenge-status-401": "The challenge comes with status 401.";
    ChallengeMissing = "challenge-missing": "The 402 carries neither header nor body.";
    ChallengeTwice = "challenge-twice": "The 402 carries two `PAYMENT-REQUIRED` headers.";
    ChallengeNotBase64 = "challenge-not-base64": "The challenge header is plain JSON.";
    ChallengeBase64url = "challenge-base64url": "The challenge header uses the URL-safe alphabet without padding.";
    ChallengeNotObject = "challenge-not-object": "The challenge is an array.";
    VersionString = "version-string": "`x402Version` is a string.";
    VersionWrong = "version-wrong": "`x402Version` is 7.";
    AcceptsEmpty = "accepts-empty": "`accepts` is empty.";
    AcceptsNotArray = "accepts-not-array": "`accepts` is an object.";
    AcceptsMissingAmount = "accepts-missing-amount": "The offers name no amount.";
    AcceptsMissingPayTo = "accepts-missing-pay-to": "The offers name no recipient.";
    AmountNumber = "amount-number": "The amount is a JSON number.";
    AmountDecimal = "amount-decimal": "The v2 amount is `0.01`, not base units.";
    NetworkNotCaip2 = "network-not-caip2": "The v2 network is a v1 name.";
    ResourceMissing = "resource-missing": "The v2 challenge has no `resource`.";
    V1NotJson = "v1-not-json": "The v1 challenge body is text.";
    V1MissingField = "v1-missing-field": "The v1 offers lack `resource` and `description`.";
    V1AmountDecimal = "v1-amount-decimal": "The v1 amount is `0.01`, not base units.";
    OfferFree = "offer-free": "A second v2 offer asks for nothing.";
    ResourceElsewhere = "resource-elsewhere": "The v2 `resource.url` names another path.";
    OfferWrongDomain = "offer-wrong-domain": "A second v2 offer gives the token another EIP-712 version.";
    ExtensionBare = "extension-bare": "A v2 extension has neither `info` nor `schema`.";
    UpfrontUndeclared = "upfront-undeclared": "Settles first, and verifies nothing, undeclared.";
    ChallengePreview = "challenge-preview": "The challenge holds a preview of the paid content.";
    OfferDrifts = "offer-drifts": "A second v2 offer asks for more in every challenge.";
    OfferUnsupported = "offer-unsupported": "A second v2 offer is on a network that the facilitator does not settle.";
    V1NetworkCaip2 = "v1-network-caip2": "A second v1 offer names its network as v2 does.";
    V1ContentType = "v1-content-type": "The v1 challenge body is typed as text.";
    BrowserPageStatus200 = "browser-page-status-200": "Browsers get the page that asks for payment with status 200.";
    BrowserPageWithoutHeader = "browser-page-without-header": "The page for browsers carries no `PAYMENT-REQUIRED`.";
    PageForAnyAccept = "page-for-any-accept": "Clients that accept text/plain and */* get a page without terms.";
    // Privacy.
    ErrorsLeak = "errors-leak": "Errors show the stack and the RPC endpoint with its key.";
    EchoesPayment = "echoes-payment": "A refusal repeats the payment header it refuses.";
    TenantByHost = "tenant-by-host": "The `Host` header decides who is paid.";
    // Whole paid routes: what stands between the bench and the paywall.
    RouteError = "route-error": "Paid routes answer 500.";
    RouteUnauthorized = "route-unauthorized": "Paid routes answer 401.";
    RouteForbidden = "route-forbidden": "Paid routes answer 403.";
    RouteNotFound = "route-not-found": "Paid routes answer 404.";
    RouteMethod = "route-method": "Paid routes answer 405.";
    RouteLimited = "route-limited": "Paid routes answer 429 with `Retry-After: 1`.";
    RouteRedirect = "route-redirect": "Paid routes redirect to a login page.";
    RouteHangs = "route-hangs": "Paid routes never answer.";
    HugeHeader = "huge-header": "The challenge header is 5 MB long.";
    HugeBody = "huge-body": "The challenge body is 5 MB long.";
    SupportedOnly = "supported-only": "The facilitator's `/supported` is asked, and every payment refused.";
    LargeHeaderError = "large-header-error": "A payment header of 8 KiB and more is answered 500.";
    LargeBodyError = "large-body-error": "A body of 512 KiB and more is answered 500 before payment is asked for.";
    RefuseResponseHeaders = "refuse-response-headers": "A request with a header that belongs into responses is answered 400.";
    DropsKeptConnection = "drops-kept-connection": "A 402 ends a connection that was to be kept, without saying so.";
    HeaderNameLowerCase = "header-name-lower-case": "The payment header is known by its name in lower case alone.";
    PaidBodyDropped = "paid-body-dropped": "The paid handler of a POST is given an empty body: the paywall has read it.";
    // Which payments are honoured.
    AcceptAnyHeader = "accept-any-header": "Any payment header unlocks; the facilitator is never asked.";
    RefuseEverything = "refuse-everything": "Every payment is answered 402; the facilitator is never asked.";
    ServeUndecodable = "serve-undecodable": "A payment header that cannot be read unlocks.";
    SettleUndecodable = "settle-undecodable": "A payment header that cannot be read is sent to `/settle`.";
    Status500OnMalformed = "status-500-on-malformed": "A payment header that cannot be read is answered 500.";
    VerifyIgnored = "verify-ignored": "`isValid: false` is served all the same, unsettled.";
    ServeExpired = "serve-expired": "Serves when the facilitator calls the payment expired.";
    ServeNotYetValid = "serve-not-yet-valid": "Serves when the facilitator calls the payment not yet valid.";
    ServeBadSignature = "serve-bad-signature": "Serves when the facilitator refuses the signature.";
    ServeOnFacilitatorError = "serve-on-facilitator-error": "Serves when the facilitator cannot be asked.";
    VerdictsCoerced = "verdicts-coerced": "`isValid` and `success` are read as truthy: \"true\", 1 and {} are yes.";
    VerifyAny200IsValid = "verify-any-200-is-valid": "Verify is judged by its status alone: HTML, nothing and `isValid: false` with 200 pass.";
    RefusalWithoutChallenge = "refusal-without-challenge": "The 402 after a failed verification carries an error and no challenge.";
    LocalCheckOnRefusal = "local-check-on-refusal": "After the facilitator's no, amount and recipient are compared and that is enough to serve.";
    HeadUnpaid = "head-unpaid": "HEAD runs the paid handler without payment.";
    EncodedPathUnpaid = "encoded-path-unpaid": "A percent-encoded paid path is served without payment.";
    UpperCasePathUnpaid = "upper-case-path-unpaid": "A paid path in other letter case is served without payment.";
    TrailingSlashUnpaid = "trailing-slash-unpaid": "A paid path with a trailing slash is served without payment.";
    BackslashUnpaid = "backslash-unpaid": "A paid path with a backslash is served without payment.";
    DoubleSlashUnpaid = "double-slash-unpaid": "A paid path with doubled slashes is served without payment.";
    DotSegmentsUnpaid = "dot-segments-unpaid": "A paid path with dot segments is served without payment.";
    PathParameterUnpaid = "path-parameter-unpaid": "A paid path with `;x=1` at the end is served without payment.";
    BadEscapeUnpaid = "bad-escape-unpaid": "A paid path with a broken percent escape is served without payment.";
    EncodedSlashUnpaid = "encoded-slash-unpaid": "A paid path with `%2F` in a parameter is served without payment.";
    EncodedNewlineUnpaid = "encoded-newline-unpaid": "A paid path with an encoded line end is served without payment.";
    AbsoluteFormUnpaid = "absolute-form-unpaid": "A whole URL as the request target is served without payment.";
    OtherMethodUnpaid = "other-method-unpaid": "POST to a GET route runs the paid handler without payment.";
    BodyErrorUnpaid = "body-error-unpaid": "A body that is no JSON, or not typed so, is served without payment.";
    BatchUnpaid = "batch-unpaid": "A JSON list of calls is served without payment.";
    LargeHeaderUnpaid = "large-header-unpaid": "A payment header over 16 KiB is not read, and the request is served.";
    PreflightUnpaid = "preflight-unpaid": "OPTIONS runs the paid handler without payment.";
    // Terms.
    AnyRoutePrice = "any-route-price": "A payment for the price of one route buys every route.";
    TrustClientTerms = "trust-client-terms": "The client's own terms are sent to the facilitator as requirements.";
    IgnoreAmount = "ignore-amount": "The signed amount, whatever it is, becomes the required one.";
    IgnoreRecipient = "ignore-recipient": "The signed recipient, whoever it is, becomes the required one.";
    IgnoreAsset = "ignore-asset": "The claimed token, whatever it is, becomes the required one.";
    OtherAmountForwarded = "other-amount-forwarded": "The facilitator is asked for half the advertised amount.";
    SettleWithClientTerms = "settle-with-client-terms": "Verify is asked with the server's own terms, settle with those the client claims.";
    SettlementOverridesHonoured = "settlement-overrides-honoured": "A `Settlement-Overrides` header of the request names the amount to settle.";
    OtherOfferForwarded = "other-offer-forwarded": "Two offers are made, and the facilitator is asked about the one that was not chosen.";
    StalePriceError = "stale-price-error": "The price changes with every challenge, and a payment of an earlier price is answered 500.";
    FreeRouteCharges = "free-route-charges": "A payment that comes with a request for a free route is settled.";
    VersionOverwritten = "version-overwritten": "A payment's `x402Version` is overwritten with the server's own before anybody looks at it.";
    // Pages.
    PageReflectsUrl = "page-reflects-url": "The page that browsers get names the URL decoded and unescaped.";
    // Settlement.
    SettleDespiteInvalid = "settle-despite-invalid": "Settles although the facilitator called the payment invalid.";
    FacilitatorRequestWithoutVersion = "facilitator-request-without-version": "The facilitator is sent no `x402Version`.";
    PayloadRewritten = "payload-rewritten": "The payment is forwarded with another `resource`.";
    VerifyOnly = "verify-only": "Payments are verified and never settled.";
    SettleIgnored = "settle-ignored": "The content is served although the settlement failed.";
    SettleAny200IsSuccess = "settle-any-200-is-success": "Settle is judged by its status alone: `success: false` with 200 is served.";
    ServeOnSettleTrouble = "serve-on-settle-trouble": "A settlement that times out or answers 5xx is taken to have happened, and served.";
    SettleInBackground = "settle-in-background": "The content is served after verify; the settlement follows after the answer.";
    SettleTwice = "settle-twice": "Every payment is settled twice.";
    SettleBeforeHandler = "settle-before-handler": "Settles before the handler has run, undeclared.";
    SettleOnHandlerError = "settle-on-handler-error": "Settles although the handler failed.";
    UpfrontLate = "upfront-late": "Declares `paymentFlow: upfront` and settles after the handler all the same.";
    ChargeWithoutService = "charge-without-service": "Settles, then answers 500.";
    PendingIsSuccess = "pending-is-success": "`settlement_pending` counts as settled.";
    ChallengeOnUnknown = "challenge-on-unknown": "An unknown settlement outcome becomes a fresh 402.";
    ImpatientWithFacilitator = "impatient-with-facilitator": "Gives the facilitator 900 ms, less than a settlement takes, and then asks for a new payment.";
    StreamBeforeSettlement = "stream-before-settlement": "The stream's first bytes leave before settlement.";
    LeakOnSettleFailure = "leak-on-settle-failure": "The 402 after a failed settlement carries the paid body.";
    SettlementOverridesLeak = "settlement-overrides-leak": "The handler's `Settlement-Overrides` header is left on the paid answer.";
    ExtensionResponsesForwarded = "extension-responses-forwarded": "The facilitator's `EXTENSION-RESPONSES` header is passed on to the client.";
    LeakInHeader = "leak-in-header": "The 402 after a failed settlement carries the paid body in a header.";
    // Settlement by use.
    UptoAboveCeiling = "upto-above-ceiling": "An `upto` payment is settled for more than its signed ceiling.";
    UptoTakesCeiling = "upto-takes-ceiling": "An `upto` payment is settled for its ceiling, whatever was used.";
    UptoDrawsAgain = "upto-draws-again": "An `upto` payment is an allowance: each request draws on it anew, whatever settle says of it.";
    // Repeats.
    ReplayCache = "replay-cache": "A header that bought once is served again without payment.";
    ReplayCacheAnyRoute = "replay-cache-any-route": "A header that bought once is served on every route: the verdict is kept without the resource.";
    CacheWithoutPayer = "cache-without-payer": "Paid answers are kept by URL: whoever sends any payment gets the last one.";
    DedupeByPayer = "dedupe-by-payer": "Replays are told by the payer alone: nobody can buy twice.";
    GuardBurnsNonce = "guard-burns-nonce": "A payment that could not be verified can never be used again.";
    IdForAnyPayer = "id-for-any-payer": "A known payment identifier is answered from the cache before anything is verified.";
    IdForAnyRoute = "id-for-any-route": "A purchase's payment identifier opens every other route.";
    IdForAnyBody = "id-for-any-body": "A purchase's payment identifier pays for every other request body.";
    IdWithoutSchema = "id-without-schema": "Payment identifiers are declared without `required` and without a schema.";
    IdIgnored = "id-ignored": "Payment identifiers are declared, and nobody looks at them.";
    IdRequiredUnenforced = "id-required-unenforced": "A payment identifier is declared required, and payments without one are taken.";
    IdPoisoned = "id-poisoned": "A payment identifier is taken by its first attempt, though that bought nothing.";
    RepeatedHeaderUnsettled = "repeated-header-unsettled": "Of two payment headers the first valid one is verified, and none settled.";
    GuardReleasedOnUnknown = "guard-released-on-unknown": "After an unknown settlement the payment is given back, and a copy runs the handler again.";
    AlreadySettledIsSuccess = "already-settled-is-success": "No guard, and a settlement refused because the nonce is used counts as paid.";
    GuardInsertsAfterVerify = "guard-inserts-after-verify": "The guard looks before verify and notes after it; what passes it is served when settle says used.";
    GuardInsertsAfterSettle = "guard-inserts-after-settle": "The guard notes a payment only when it is settled; what passes it is served when settle says used.";
    GuardKeyedByHeader = "guard-keyed-by-header": "The guard tells payments by the bytes of the header; what passes it is served when settle says used.";
    GuardKeyedByNonceText = "guard-keyed-by-nonce-text": "The guard tells payments by the nonce as written; what passes it is served when settle says used.";
    GuardForgetsEarly = "guard-forgets-early": "The guard forgets a payment after 500 ms, before it expires; what passes it is served when settle says used.";
    // Capacity.
    OnePurchaseAtATime = "one-purchase-at-a-time": "A lock is held through every purchase: a slow settlement holds up all the others.";
    AbandonedPurchaseJams = "abandoned-purchase-jams": "A client that goes away in mid-purchase leaves a lock behind: nothing is sold any more.";
    OutageIsFinal = "outage-is-final": "When the facilitator cannot be reached at all, nothing is sold any more until a restart.";
    FreeAsksFacilitator = "free-asks-facilitator": "Free routes ask the facilitator first, and are down when it is.";
    CachePublic = "cache-public": "Challenges and paid answers are marked cacheable by anyone.";
    UsedNonceIsPaid = "used-nonce-is-paid": "A payment whose nonce the facilitator calls used counts as paid: only the guard in memory tells repeats.";
    ChallengeOnUsed = "challenge-on-used": "A payment that is under way or used is answered with a fresh challenge, as SDKs do.";
    UsedIs500 = "used-is-500": "A payment that is under way or used is answered 500.";
    PaidPublic = "paid-public": "Paid answers are marked cacheable by anyone.";
    // The start.
    FreeWithoutKinds = "free-without-kinds": "Paid routes answer without payment while the facilitator does not say what it supports.";
    FreeUntilSupported = "free-until-supported": "Requests that come before a slow `/supported` is answered are served without payment.";
    // Receipts.
    ReceiptMissing = "receipt-missing": "The paid answer carries no settlement header.";
    ReceiptNotBase64 = "receipt-not-base64": "The settlement header is plain JSON.";
    ReceiptWrongTransaction = "receipt-wrong-transaction": "The receipt names a transaction that does not exist.";
    ReceiptWrongPayer = "receipt-wrong-payer": "The receipt names another payer.";
    ReceiptWrongNetwork = "receipt-wrong-network": "The receipt names another network.";
    ReceiptWithoutNetwork = "receipt-without-network": "The receipt names no network.";
    ReceiptErrorReason = "receipt-error-reason": "A receipt of success carries an `errorReason`.";
    ReceiptInventsTransaction = "receipt-invents-transaction": "The receipt of a failed settlement names a transaction that does not exist.";
    ReceiptClaimsSuccess = "receipt-claims-success": "The receipt of a failed settlement says `success: true`.";
}
